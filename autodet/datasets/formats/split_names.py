"""Names of split files and folders."""

import re
import unicodedata
from collections import defaultdict
from collections.abc import Iterable

from autodet.records import Split

SPLIT_WORDS: dict[str, Split] = {
    "train": "train",
    "training": "train",
    "trainset": "train",
    "val": "val",
    "valid": "val",
    "validation": "val",
    "validate": "val",
    "valset": "val",
    "test": "test",
    "testing": "test",
    "testset": "test",
}
# Some of these are ordinary words too ("prova" is also a try, "teste" are also heads) and name unrelated folders,
# so they count only as a folder's whole name, and only beside a folder of another split.
WORDS_OF_OTHER_LANGUAGES: dict[Split, str] = {
    "train": "entrenamiento entreno treino treinamento entrainement apprentissage trainingsdaten addestramento",
    "val": "validacion validacao validierung validierungsdaten validazione",
    "test": "prueba pruebas teste testes testdaten prova prove",
}
_OTHER_LANGUAGES = {word: split for split, words in WORDS_OF_OTHER_LANGUAGES.items() for word in words.split()}
_WORDS = re.compile(r"[A-Z]+(?![a-z])|[A-Z]?[a-z]+")  # splits camelCase and snake_case into words


def split_words(name: str) -> list[Split]:
    """Return the splits that the words of a name denote, in order."""
    return [SPLIT_WORDS[word] for word in map(str.lower, _WORDS.findall(name)) if word in SPLIT_WORDS]


def without_split_words(name: str) -> str:
    """Replace the words that denote a split with ``*``."""
    return _WORDS.sub(lambda word: "*" if word[0].lower() in SPLIT_WORDS else word[0], name)


def split_called(name: str) -> Split | None:
    """Return the split that a folder is named after, with or without a year: ``train``, ``val2017``."""
    return SPLIT_WORDS.get(re.sub(r"(19|20)\d\d$", "", name.lower()))


def splits_beside_others(folders: Iterable[str]) -> dict[str, Split]:
    """Return the splits of folders whose names denote one only because a folder beside them belongs to another.

    Such names differ in one word only (``train_images`` beside ``test_images``), or are in another language (``treino``
    beside ``teste``), with or without accents.
    """
    alike: dict[tuple[str, str], dict[str, Split]] = defaultdict(dict)
    for folder in folders:
        parent, _, name = folder.rpartition("/")
        if translated := _OTHER_LANGUAGES.get(_without_accents(name)):
            alike[parent, "*"][folder] = translated
        elif len(words := split_words(name)) == 1:
            alike[parent, without_split_words(name)][folder] = words[0]
    differing = [found for found in alike.values() if len(set(found.values())) > 1]
    return {folder: split for found in differing for folder, split in found.items()}


def _without_accents(name: str) -> str:
    parts = unicodedata.normalize("NFD", name.casefold())
    return "".join(part for part in parts if not unicodedata.combining(part))
