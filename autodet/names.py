"""Ids and names of data sets, searches and models.

An id is a folder name: unique and permanent. A name is free text that several things may share. A word refers to the
thing with that id, else to the newest thing with that name. No name equals the id of another thing, so ids are never
ambiguous.
"""

from collections.abc import Collection, Sequence
from contextlib import AbstractContextManager
from itertools import count
from pathlib import Path
from typing import Protocol, TypeVar

from autodet.errors import AmbiguousNameError, NameWarning, warn
from autodet.lock import hold_folder
from autodet.workspace import slug

MAX_IDS_SHOWN = 10
PATIENCE_SECONDS = 60.0


class Named(Protocol):
    """Protocol of things with an id and a name."""

    @property
    def id(self) -> str:
        """Name of the folder."""

    @property
    def name(self) -> str:
        """Free-text name."""


Thing = TypeVar("Thing", bound=Named)


def choose(word: str, newest_first: Sequence[Thing], kind: str) -> Thing | None:
    """Return the thing with an id, else the newest with a name; a ``NameWarning`` lists the other candidates.

    Args:
        word: Id or name.
        newest_first: All things of a kind, newest first.
        kind: The kind in the singular, such as ``model``.
    """
    ids = [thing.id for thing in newest_first]
    if word in ids:
        newer = [thing.id for thing in newest_first[: ids.index(word)] if is_numbered(thing.name, word)]
        if newer:
            warn(
                f"The {kind} with the id {word!r} is used; there are newer ones of that name: {_shown(newer)}.",
                NameWarning,
            )
        return newest_first[ids.index(word)]
    same = [thing for thing in newest_first if thing.name == word]
    if len(same) > 1:
        warn(
            f"{_sharing(word, same, kind)}; the newest, {same[0].id}, is used. Give an id to choose another.",
            NameWarning,
        )
    return same[0] if same else None


def choose_only(word: str, newest_first: Sequence[Thing], kind: str) -> Thing | None:
    """Return the thing with an id, else the only one with a name; for deletions.

    Raises:
        AmbiguousNameError: Several things have the name.
    """
    same = [thing for thing in newest_first if thing.id == word] or [t for t in newest_first if t.name == word]
    if len(same) > 1:
        raise AmbiguousNameError(f"{_sharing(word, same, kind)}; give the id of one.")
    return same[0] if same else None


def free_name(name: str, taken: Collection[str], kind: str, *, warned: bool = True) -> str:
    """Return a name that is no id: the requested one, else the same with a number from 2.

    Args:
        name: Requested name.
        taken: Ids that the name must not equal.
        kind: The kind in the singular, such as ``data set``.
        warned: Whether a ``NameWarning`` reports the change: for names that a person chose.
    """
    if name not in taken:
        return name
    numbered = (f"{name} {number}" for number in count(2))
    free = next(other for other in numbered if other not in taken and slug(other) not in taken)
    if warned:
        warn(f"{name!r} is the id of another {kind}, so the new one is called {free!r}.", NameWarning)
    return free


def is_numbered(name: str, base: str) -> bool:
    """Return whether a name is ``base``, or ``base`` with a number appended as by ``free_name``."""
    number = name.removeprefix(f"{base} ")
    return name == base or (number != name and number.isascii() and number.isdigit())


def naming(folder: Path) -> AbstractContextManager[None]:
    """Lock a folder while a free name in it is chosen and taken; ``searches/`` also covers models."""
    return hold_folder(folder, alone=True, patience_seconds=PATIENCE_SECONDS)


def ids_in(*parents: Path) -> set[str]:
    """Return the names of all folders that are not hidden."""
    folders = (path for parent in parents for path in parent.iterdir() if path.is_dir())
    return {path.name for path in folders if not path.name.startswith(".")}


def _sharing(word: str, things: Sequence[Thing], kind: str) -> str:
    return f"More than one {kind} is called {word!r} ({_shown([thing.id for thing in things])})"


def _shown(ids: Sequence[str]) -> str:
    more = f" and {len(ids) - MAX_IDS_SHOWN} more" if len(ids) > MAX_IDS_SHOWN else ""
    return ", ".join(ids[:MAX_IDS_SHOWN]) + more
