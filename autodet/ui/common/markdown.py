"""Words and figures as pages show them."""

import re
from datetime import UTC, datetime

from autodet.text_format import counted

MARKDOWN = re.compile(r"([\\`*_{}\[\]()#+\-.!|<>~$:&^=])")
# Addresses become links whatever stands before their signs; something invisible between the letters prevents it.
LINKED = re.compile(r"(?i)(?<=http)(?=:)|(?<=https)(?=:)|(?<=www)(?=\.)|(?=@)")
PLANS = {
    "Drew": "Draw",
    "Dropped": "Drop",
    "Kept": "Keep",
    "Left out": "Leave out",
    "Merged": "Merge",
    "Renamed": "Rename",
}
SPLIT_TITLES = {"train": "Training", "val": "Validation", "test": "Test"}
INVISIBLE = "\u2060"  # a word joiner


def escape(text: str) -> str:
    """A text from a user (a class, a file, a name) as Markdown that shows it letter by letter."""
    return MARKDOWN.sub(r"\\\1", LINKED.sub(INVISIBLE, " ".join(text.split())))


def on_page(sentence: str) -> str:
    """A sentence that tells how to agree on the command line, where what it speaks of is done right here."""
    return re.sub(r" \(--[^)]*\)", "", re.sub(r" \(on the command line with [^)]*\)", " here", sentence))


def as_plan(sentence: str) -> str:
    """What was done, said of what is yet to be done: ``Both would be kept``, ``Draw the splits anew``."""
    for done, plan in PLANS.items():
        if sentence.startswith(f"{done} "):
            return plan + sentence.removeprefix(done)
    return re.sub(r"\b(was|were)\b", "would be", sentence, count=1)


def shortened(text: str, longest: int = 40) -> str:
    """A text, not longer than so many letters."""
    return text if len(text) <= longest else f"{text[: longest - 1]}…"


def score(value: float | None) -> str:
    """A metric from 0 to 1 with three digits; a dash where there is none."""
    return "–" if value is None else f"{value:.3f}"


def ago(moment: str) -> str:
    """How long ago a moment was, given in ISO 8601 with time zone; empty where it is unreadable."""
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
