"""Human-readable counts, lists, sizes and durations, and comparison of spellings."""

import re
from collections.abc import Iterable, Sequence

_FORMULA_STARTS = ("=", "+", "-", "@", "\t", "\r")
_COMMANDS = re.compile("[\x00-\x09\x0b-\x1f\x7f-\x9f\u202a-\u202e\u2066-\u2069]")  # terminal control, except line ends


def counted(number: int, word: str, plural: str | None = None) -> str:
    """Format a count: ``1 photo``, ``2,400 photos``."""
    return f"{number:,} {word if number == 1 else plural or f'{word}s'}"


def listed(values: Iterable[object], word: str = "and", most: int | None = None) -> str:
    """Join at least one value: ``a``, ``a and b``, ``a, b and c``, or the first ``most``: ``a, b and 8 more``."""
    names = list(map(str, values))
    if most and len(names) > most:
        names[most:] = [f"{len(names) - most:,} more"]
    *first, last = names
    return f"{', '.join(first)} {word} {last}" if first else last


def shortened(text: str, longest: int = 60) -> str:
    """Truncate a text to ``longest`` characters."""
    return text if len(text) <= longest else f"{text[: longest - 1]}…"


def few(names: Sequence[str], word: str, plural: str, most: int = 5) -> str:
    """Format names: ``3 classes: apple, banana, orange``, or the first of many: ``80 classes: apple, banana, ...``."""
    shown = ", ".join(shortened(name, 30) for name in names[:most])
    more = ", ..." if len(names) > most else ""
    return f"{counted(len(names), word, plural)}: {shown}{more}" if names else counted(0, word, plural)


def size_text(size: int) -> str:
    """Format a size in bytes with a suitable unit: ``40 kB``, ``18.8 MB``, ``2 GB``."""
    unit, name = (1e9, "GB") if size >= 1e9 else (1e6, "MB") if size >= 1e6 else (1e3, "kB")
    return f"{size / unit:,.1f}".removesuffix(".0") + f" {name}"


def defused(text: object) -> str:
    """Put an apostrophe before a text that a spreadsheet would run as a formula."""
    return f"'{text}" if str(text).startswith(_FORMULA_STARTS) else str(text)


def spelling_key(name: str) -> str:
    """Return a key that is equal for spellings of a class name that differ only in case or spaces."""
    return "".join(name.split()).casefold()


def duration(seconds: float) -> str:
    """Format a duration in its largest one or two units: ``40 s``, ``12 min``, ``2 h 5 min``, ``3 days 4 h``."""
    if seconds < 90:
        return f"{seconds:.0f} s"
    minutes = round(seconds / 60)
    if minutes < 90:
        return f"{minutes} min"
    hours = round(minutes / 60)
    if hours < 48:
        return f"{minutes // 60} h {minutes % 60} min"
    return f"{hours // 24} days {hours % 24} h" if hours < 30 * 24 else f"{round(hours / 24):,} days"


def harmless(text: str) -> str:
    """Escape control characters, so that user text cannot colour, move, turn or overwrite text around it."""
    return _COMMANDS.sub(lambda found: found[0].encode("unicode_escape").decode(), text)
