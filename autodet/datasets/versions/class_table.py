"""Class names of merged data sets: which classes are joined, and which probably should be."""

import re
import unicodedata
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from itertools import combinations

from autodet.datasets.versions.relabel import new_names, refuse_second_spellings
from autodet.errors import DatasetError
from autodet.text_format import spelling_key

Names = Mapping[str, str | None]  # old class names of one data set to new ones; None leaves the class out


@dataclass(frozen=True)
class Similar:
    """Two classes of different data sets that are probably one.

    Attributes:
        dataset: Index of the data set with the second class.
        name: The second class, under its name in the result.
        other: The first class, whose name both would get.
    """

    dataset: int
    name: str
    other: str


def joined_names(
    classes: Sequence[Sequence[str]], tables: Sequence[Names], labels: Sequence[str]
) -> list[list[str | None]]:
    """Return the name in the result of each class of each data set; None if it is left out.

    Classes of two data sets that differ only in case or spaces get the name that the first of them has.

    Args:
        classes: The classes of each data set.
        tables: The names that a user gave; all other classes get their default.
        labels: The names of the data sets, for errors.

    Raises:
        DatasetError: A class does not exist, a data set would lose all classes, or a name is blank or too similar.
    """
    known: dict[str, list[str]] = {}
    joined, given = [], set[str]()
    for of_one, table, label in zip(classes, tables, labels, strict=True):
        defaults = {name: _default(name, known, of_one) for name in of_one if name not in table}
        rename = defaults | {old: new for old, new in table.items() if new is not None}
        drop = [old for old, new in table.items() if new is None]
        try:
            names = new_names(of_one, rename, drop)
        except DatasetError as error:
            raise DatasetError(f"The classes of {label!r} cannot be mapped like this. {error}") from error
        given |= {name for old, name in zip(of_one, names, strict=True) if name and old in table}
        for name in filter(None, names):
            same = known.setdefault(spelling_key(name), [])
            same += [name] * (name not in same)
        joined.append(names)
    refuse_second_spellings(given, {name for names in joined for name in names if name})
    return joined


def similar_classes(names: Sequence[Sequence[str | None]], settled: Sequence[Names]) -> Iterator[Similar]:
    """Yield classes of two data sets whose names differ only in plural, accents or separators.

    Args:
        names: The names in the result of the classes of each data set.
        settled: Per data set the classes that a user named, which need no suggestion.
    """
    per_set = [sorted({name for name in of_one if name}) for of_one in names]
    decided = {new for table in settled for new in table.values()}
    together = {frozenset(pair) for of_one in per_set for pair in combinations(of_one, 2)}
    known: dict[str, str] = {}
    for number, of_one in enumerate(per_set):
        for name in of_one:
            other = next((known[key] for key in _forms(name) if key in known), name)
            if other != name and frozenset((name, other)) not in together and name not in decided:
                yield Similar(number, name, other)
        for name in of_one:
            for key in _forms(name):
                known.setdefault(key, name)


def _default(name: str, known: Mapping[str, Sequence[str]], siblings: Sequence[str]) -> str:
    same = known.get(spelling_key(name), ())
    told_apart = [spelling_key(other) for other in siblings].count(spelling_key(name)) > 1
    return name if name in same or not same or told_apart else same[0]


def _forms(name: str) -> list[str]:
    """Return keys of a name without accents and separators; names that share one are singular and plural of a word."""
    text = unicodedata.normalize("NFKD", name.casefold())
    word = re.sub(r"[\W_]+", "", "".join(one for one in text if not unicodedata.combining(one)))
    forms = [word]
    for ending, singular in (("ies", "y"), ("es", ""), ("s", "")):
        if word.endswith(ending) and len(word) > len(ending) + 2:
            forms.append(word.removesuffix(ending) + singular)
    return [form for form in forms if form]
