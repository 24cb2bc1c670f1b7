"""Limits of model descriptions, because a bundle may come from an untrusted source."""

import unicodedata
from collections.abc import Iterator, Mapping
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from autodet.models.bundle import ModelCard

MIN_IMAGE_SIZE, MAX_IMAGE_SIZE = 32, 1280  # pixels; training never uses larger squares
MAX_CLASSES = 10_000
MAX_NAME = 200  # letters of a name that a user gives
MAX_TEXT = 1000  # letters of any text
MAX_ENTRIES = 200  # parameters, metrics, versions, and items of a list value
MAX_NUMBER = 1e15
_NO_TEXT = {"Cc", "Cs", "Zl", "Zp"}  # control characters, surrogates, line and paragraph separators


def one_line(text: str, most: int = MAX_NAME) -> str:
    """Make user text valid for a description: one line, no control characters, at most ``most`` letters."""
    plain = "".join(" " if unicodedata.category(letter) in _NO_TEXT else letter for letter in text[: 10 * most])
    return " ".join(plain.split())[:most].rstrip()


def description_problem(card: "ModelCard") -> str:
    """Return the first problem of a model's description as the end of a sentence; empty if it is plausible."""
    return next(_problems(card), "")


def _problems(card: "ModelCard") -> Iterator[str]:
    named = ("name", "architecture", "dataset", "dataset_fingerprint", "created", "preprocessing", "weights_sha256")
    yield from _text_problems((name.replace("_", " "), getattr(card, name)) for name in named)
    yield from _class_problems(card.classes)
    if not _is_whole(card.image_size, MIN_IMAGE_SIZE, MAX_IMAGE_SIZE):
        yield f"its image size is not a whole number of {MIN_IMAGE_SIZE} to {MAX_IMAGE_SIZE} pixels"
    if not _is_whole(card.epoch, 0, 10**9):
        yield "its epoch is not a whole number"
    if not isinstance(card.refit, bool):
        yield "its refit is neither true nor false"
    if card.latency_ms is not None and not (_is_number(card.latency_ms) and card.latency_ms > 0):
        yield "its latency is not a number above 0"
    sizes = vars(card.trained_sizes).values() if card.trained_sizes else ()
    if not all(_is_number(size) and size > 0 for size in sizes):
        yield "its trained sizes are not numbers above 0"
    for name in ("metrics", "params", "versions"):
        yield from _entry_problems(name, getattr(card, name))
    if not all(_is_number(value) and 0 <= value <= 1 for value in card.metrics.values()):
        yield "its metrics are not numbers of 0 to 1"
    for origin in card.start_from.ancestors if card.start_from else ():
        texts = (origin.model, origin.weights_sha256, origin.dataset, origin.dataset_fingerprint)
        yield from _text_problems(("origin", text) for text in texts)


def _text_problems(named: Iterator[tuple[str, Any]]) -> Iterator[str]:
    for name, text in named:
        if not isinstance(text, str):
            yield f"its {name} is not text"
        elif len(text) > MAX_TEXT:
            yield f"its {name} has {len(text):,} letters, and may have {MAX_TEXT:,}"
        elif not text.isprintable() and any(unicodedata.category(letter) in _NO_TEXT for letter in text):
            yield f"its {name} has control characters, or characters that are no text"


def _class_problems(classes: Any) -> Iterator[str]:
    if not isinstance(classes, tuple) or not 0 < len(classes) <= MAX_CLASSES:
        yield f"it has no list of 1 to {MAX_CLASSES:,} classes"
        return
    yield from _text_problems(("class", name) for name in classes)
    if len(set(classes)) < len(classes):
        yield "two of its classes have the same name"


def _entry_problems(name: str, entries: Any) -> Iterator[str]:
    if not isinstance(entries, Mapping) or len(entries) > MAX_ENTRIES:
        yield f"its {name} are not a list of up to {MAX_ENTRIES} entries"
        return
    yield from _text_problems((name, key) for key in entries)
    for value in entries.values():
        parts = value if isinstance(value, list | tuple) else [value]
        if len(parts) > MAX_ENTRIES or not all(_is_plain(part) for part in parts):
            yield f"its {name} are not plain numbers and words"
            return
        yield from _text_problems((name, part) for part in parts if isinstance(part, str))


def _is_plain(value: Any) -> bool:
    return value is None or isinstance(value, bool | str) or _is_number(value)


def _is_number(value: Any) -> bool:
    return isinstance(value, int | float) and not isinstance(value, bool) and -MAX_NUMBER <= value <= MAX_NUMBER


def _is_whole(value: Any, least: int, most: int) -> bool:
    return isinstance(value, int) and not isinstance(value, bool) and least <= value <= most
