"""Formatting of text and numbers on pages."""

import re
from datetime import UTC, datetime

from autodet.messages.comparisons import few_photos
from autodet.text_format import counted, harmless

MARKDOWN = re.compile(r"([\\`*_{}\[\]()#+\-.!|<>~$:&^=])")
# Backslashes do not stop URLs and e-mail addresses from becoming links, or :material/x: from becoming an icon; an
# invisible character inside them does.
REPLACED = re.compile(r"(?i)(?<=http)(?=:)|(?<=https)(?=:)|(?<=www)(?=\.)|(?=@)|(?<=:)(?=[\w+-][\w/+-]*:)")
SPLIT_TITLES = {"train": "Training", "val": "Validation", "test": "Test"}
INVISIBLE = "\u2060"  # a word joiner


def escape(text: str) -> str:
    """Escape untrusted text (a class, file or other name) so that Markdown shows it verbatim on one line.

    Characters that would turn the direction of the text around them are shown by their numbers.
    """
    return MARKDOWN.sub(r"\\\1", REPLACED.sub(INVISIBLE, harmless(" ".join(text.split()))))


def shortened(text: str, longest: int = 40) -> str:
    """Truncate a text to at most ``longest`` characters, with an ellipsis."""
    return text if len(text) <= longest else f"{text[: longest - 1]}…"


def score(value: float | None, photos: int = 0) -> str:
    """Format a metric from 0 to 1 with three decimals, and with the number of its photos if they are few.

    Args:
        value: The metric; None becomes a dash.
        photos: Number of photos that it was measured on; 0 if unknown.
    """
    return "–" if value is None else f"{value:.3f} {few_photos(photos)}".rstrip()


def ago(moment: str) -> str:
    """Format the age of an ISO 8601 timestamp with time zone; empty if the timestamp is invalid."""
    try:
        seconds = (datetime.now(UTC) - datetime.fromisoformat(moment)).total_seconds()
    except (TypeError, ValueError):
        return ""
    if seconds < 60:
        return "just now"
    for unit, length in (("day", 86_400), ("hour", 3_600), ("minute", 60)):
        if seconds >= length:
            return f"{counted(int(seconds // length), unit)} ago"
    return ""
