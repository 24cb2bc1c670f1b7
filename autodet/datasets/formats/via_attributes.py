"""The attribute of VIA's regions that holds the class: VIA has attributes of any name, and no classes."""

from collections import Counter, defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from autodet.datasets.formats.labels import MAX_NAMES_SHOWN, find_nameless, plain_name
from autodet.records import Finding

OBJECT = "object"  # the class of objects that have none
SURE_WORDS = {"class", "classname", "label", "category"}
CLASS_WORDS = SURE_WORDS | {"labels", "classes", "type", "object", "objecttype", "name", "species", "kind"}
CHOICES = {"dropdown", "radio", "checkbox", "select"}  # types of an attribute with a list of options
MIN_SHARE = 0.5  # of the regions that have a value of the class
MAX_DIFFERENT = 0.5  # of the regions; an attribute with more values numbers or describes them
MIN_REGIONS = 10  # for that comparison
RARE_SHARE = 0.5  # attributes that are this much rarer than another are about fewer objects, not their class


@dataclass
class Attributes:
    """The attributes of all regions of a data set.

    Attributes:
        regions: Number of regions.
        values: How often each value of each attribute occurs.
        names: Attributes that exist, with or without values.
        choices: Attributes with a list of options.
        options: Texts of the options, by attribute and option id.
    """

    regions: int = 0
    values: dict[str, Counter[str]] = field(default_factory=lambda: defaultdict(Counter))
    names: set[str] = field(default_factory=set)
    choices: set[str] = field(default_factory=set)
    options: dict[str, dict[str, str]] = field(default_factory=lambda: defaultdict(dict))

    def define(self, name: str, type: Any, options: Any) -> None:
        """Add an attribute as a project defines it.

        Args:
            name: Its name.
            type: ``dropdown``, ``text`` and others, or VIA 3's number.
            options: Texts of the options by id, if it has some.
        """
        self.names.add(name)
        texts = options if isinstance(options, dict) else {}
        if str(type).lower() in CHOICES or (type in (2, 3, 4, "2", "3", "4") and texts):
            self.choices.add(name)
        self.options[name] |= {str(key): text for key, text in texts.items() if isinstance(text, str) and text.strip()}

    def count(self, attributes: Mapping[str, Any]) -> None:
        """Count the values of a region."""
        self.regions += 1
        for name, value in attributes.items():
            self.names.add(name)
            for one in chosen_of(value):
                self.values[name][one] += 1

    def classes_of(self, name: str, value: Any) -> list[str]:
        """Return the classes of a region: texts of the chosen options where the values are only their numbers."""
        options = self.options.get(name, {})
        chosen: list[str] = []
        for one in chosen_of(value):
            parts = one.split(",")  # VIA 3 writes the checked options so
            numbers = parts if options.keys() >= set(parts) and all(part.isdecimal() for part in parts) else []
            chosen += [options[number] for number in numbers] or [one]
        return chosen


def chosen_of(value: Any) -> list[str]:
    """Return the values of an attribute of one region: a text, a number, or the checked options of a list."""
    if isinstance(value, dict):
        return [name for name, is_checked in value.items() if is_checked and plain_name(name)]
    if isinstance(value, list):
        return [name for one in value[:100] for name in chosen_of(one) if not isinstance(one, list | dict)]
    name = "" if value is None or isinstance(value, bool) else plain_name(value)
    return [name] if name and name != "undefined" else []


def choose_attribute(found: Attributes) -> tuple[str | None, list[Finding]]:
    """Choose the attribute that holds the class, from all regions.

    Returns:
        The attribute, or None if no region has a value; and what to tell or ask the user.
    """
    counts = {name: values.total() for name, values in found.values.items() if values}
    if not counts:
        name = _class_of_all(found.names)
        return None, [find_nameless("attribute_missing", "", [name])] if found.regions else []
    if len(counts) == 1:
        return next(iter(counts)), []
    frequent = [name for name, count in counts.items() if count >= RARE_SHARE * max(counts.values())]
    frequent = [name for name in frequent if not _is_number_or_text(found.values[name])] or frequent
    sure = [name for name in frequent if _word(name) in SURE_WORDS]
    named = [name for name in frequent if _word(name) in CLASS_WORDS]
    listed = [name for name in frequent if name in found.choices]
    for candidates in (frequent, sure, *([named] if set(listed) <= set(named) else []), *([] if named else [listed])):
        if len(candidates) == 1 and counts[candidates[0]] >= MIN_SHARE * found.regions:
            return candidates[0], [_told("attribute_chosen", "keep", candidates[0], counts)]
    best = max(frequent, key=lambda name: (name in named, name in listed, counts[name], name))
    return best, [_told("attribute_unclear", "stop", best, counts)]


def _is_number_or_text(values: Counter[str]) -> bool:
    """Return whether an attribute numbers or describes the regions: nearly every one has a value of its own."""
    return values.total() >= MIN_REGIONS and len(values) > MAX_DIFFERENT * values.total()


def class_without_attribute(found: Attributes) -> str:
    """Return the class of all regions if no attribute has a value."""
    return _class_of_all(found.names)


def _class_of_all(names: Iterable[str]) -> str:
    """Return the name of the only attribute, unless it is a word for classes as such; else ``object``."""
    own = [plain_name(name) for name in names if _word(name) not in CLASS_WORDS and plain_name(name)]
    return own[0] if len(own) == 1 else OBJECT


def _word(name: str) -> str:
    return "".join(letter for letter in name.lower() if letter.isalpha())


def _told(cause: str, action: Any, chosen: str, counts: Mapping[str, int]) -> Finding:
    others: Sequence[str] = sorted(counts.keys() - {chosen}, key=lambda name: (-counts[name], name))
    values = {"chosen": chosen[:200], "others": [name[:200] for name in others[:MAX_NAMES_SHOWN]]}
    kind = "attribute_unclear" if action == "stop" else "attribute_chosen"
    return Finding(kind, "", action, values, cause)
