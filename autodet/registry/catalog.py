"""Versions and tags of a registry: reading them, and adding to them without losing concurrent additions.

A number belongs to the process that creates its document; the others try the next one. The creator of a version has
read all earlier ones, so that no bundle gets two versions.
"""

import json
import re
from collections.abc import Callable, Iterable, Mapping
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from functools import lru_cache, partial
from typing import Any, NoReturn, TypeVar

from autodet.access.visitor import current_visitor
from autodet.errors import NotFoundError, RegistryError, warn
from autodet.registry.documents import (
    NUMBER,
    ModelVersion,
    Reference,
    RegisteredModel,
    TagMove,
    is_name,
    to_bytes,
)
from autodet.registry.store import Store

READERS = 10  # threads
KEPT_DOCUMENTS = 2_000  # in memory

DOCUMENT = re.compile(r"[^/]+/(versions|tags/[^/]+)/[1-9][0-9]{0,8}\.json")
DAMAGED = "damaged, or of a later version of autodet"

Document = TypeVar("Document")


@dataclass(frozen=True)
class Catalog:
    """The versions and tags of a registry."""

    store: Store

    def models(self) -> list[RegisteredModel]:
        """Return every model, by name; documents that are not as autodet writes them are left out, with a warning."""
        contents = self._read(self.store.list(""))
        names = sorted({key.partition("/")[0] for key in contents})
        found = [_model(name, contents) for name in names if is_name(name)]
        return [model for model in found if model.versions]

    def model(self, name: str) -> RegisteredModel:
        """Return one model.

        Raises:
            NotFoundError: The registry has no version of it.
        """
        found = _model(name, self._read(self.store.list(f"{name}/")))
        return found if found.versions else self._has_no(name)

    def find(self, reference: Reference) -> ModelVersion:
        """Return the version that a reference names, the newest if it names none.

        Raises:
            NotFoundError: There is no such model, version or tag.
            RegistryError: Its document, or that of the tag's last move, is damaged.
        """
        name, keys = reference.name, self.store.list(f"{reference.name}/")
        versions = _numbered(keys, f"{name}/versions")
        if not versions:
            self._has_no(name)
        number = reference.version or max(versions)
        if tag := reference.tag:
            moves = _numbered(keys, f"{name}/tags/{tag}")
            if not moves:
                raise NotFoundError(f"The model {name!r} of the registry has no tag {tag!r}; {_tags_text(name, keys)}.")
            last = max(moves)
            number = self._read_one(moves[last], keys, lambda one: TagMove.from_json(one, name, tag, last)).version
        if number not in versions:
            there = ", ".join(map(str, sorted(versions)))
            raise NotFoundError(f"The model {name!r} of the registry has no version {number}; it has {there}.")
        return self._read_one(versions[number], keys, lambda one: ModelVersion.from_json(one, name, number))

    def publish(self, version: ModelVersion) -> ModelVersion:
        """Create the next version of a model, whose bundle is stored already.

        Args:
            version: The version, with any number.

        Returns:
            The version with its number, or the existing one of the same bundle.
        """
        while True:
            keys = self.store.list(f"{version.name}/versions/")
            earlier = _model(version.name, self._read(keys)).versions
            if same := [one for one in earlier if one.sha256 == version.sha256]:
                return same[0]
            version = replace(version, version=max(_numbered(keys, f"{version.name}/versions"), default=0) + 1)
            if self.store.create(version.key, to_bytes(version.to_json())):
                return version

    def move_tag(self, version: ModelVersion, tag: str, seen: int | None = None) -> TagMove:
        """Let a tag name a version.

        Args:
            version: The version.
            tag: The tag; created if it does not exist.
            seen: The last move that the user knows, 0 for none; None to move the tag wherever it is now.

        Returns:
            The new move, or the last one if the tag names the version already.

        Raises:
            RegistryError: Another user has moved the tag to another version since ``seen``.
        """
        name = version.name
        self.store.prepare()
        while True:
            keys = self.store.list(f"{name}/tags/{tag}/")
            moves = _model(name, self._read(keys)).moves.get(tag, ())
            last, number = (moves[0] if moves else None), max(_numbered(keys, f"{name}/tags/{tag}"), default=0)
            if last and last.version == version.version:
                return last
            if seen is not None and seen != number:
                raise RegistryError(_moved_since(tag, last))
            before = last.version if last else None
            move = TagMove(name, tag, number + 1, version.version, before, now(), current_visitor().name)
            if self.store.create(move.key, to_bytes(move.to_json())):
                return move

    def _has_no(self, name: str) -> NoReturn:
        there = ", ".join(model.name for model in self.models())
        hint = f"it has {there}" if there else "it is empty: push a model"
        raise NotFoundError(f"The registry {self.store.address} has no model {name!r}; {hint}.")

    def _read(self, keys: Mapping[str, str]) -> dict[str, bytes]:
        """Return the contents of all documents among some keys."""
        wanted = [key for key in keys if DOCUMENT.fullmatch(key)]
        with ThreadPoolExecutor(READERS) as readers:
            contents = readers.map(lambda key: _content(self.store, key, keys[key]), wanted)
            return dict(zip(wanted, contents, strict=True))

    def _read_one(self, key: str, keys: Mapping[str, str], parse: Callable[[Any], Document]) -> Document:
        document = _parsed(_content(self.store, key, keys[key]), parse)
        if document is None:
            raise RegistryError(f"The document {key} of the registry is {DAMAGED}; name another version.")
        return document


def _model(name: str, contents: Mapping[str, bytes]) -> RegisteredModel:
    """Return a model from the contents of its documents."""
    versions = _documents(f"{name}/versions", contents, lambda number, one: ModelVersion.from_json(one, name, number))
    moves = {tag: _moves(name, tag, contents) for tag in _tags(name, contents)}
    there = tuple(version for version in versions if version)
    return RegisteredModel(name, there, {tag: found for tag, found in moves.items() if found})


def _tags(name: str, keys: Iterable[str]) -> list[str]:
    start = f"{name}/tags/"
    tags = {key.removeprefix(start).partition("/")[0] for key in keys if key.startswith(start)}
    return sorted(tag for tag in tags if is_name(tag, "tag"))


def _tags_text(name: str, keys: Iterable[str]) -> str:
    tags = _tags(name, keys)
    return f"its tags are {', '.join(tags)}" if tags else "it has none"


def _moves(name: str, tag: str, contents: Mapping[str, bytes]) -> tuple[TagMove, ...]:
    """Return the moves of a tag, the last first; none if the last one cannot be read."""
    found = _documents(f"{name}/tags/{tag}", contents, lambda move, one: TagMove.from_json(one, name, tag, move))
    return tuple(move for move in found if move) if found and found[0] else ()


def _documents(
    folder: str, contents: Mapping[str, bytes], parse: Callable[[int, Any], Document]
) -> list[Document | None]:
    """Return the numbered documents of a folder, the last first; None and a warning for a damaged one."""
    documents = []
    for number, key in sorted(_numbered(contents, folder).items(), reverse=True):
        document = _parsed(contents[key], partial(parse, number))
        if document is None:
            warn(f"The document {key} of the registry is {DAMAGED}, and is left out.")
        documents.append(document)
    return documents


def now() -> str:
    """Return the current time, ISO 8601 with time zone."""
    return datetime.now(UTC).isoformat()


@lru_cache(maxsize=KEPT_DOCUMENTS)
def _content(store: Store, key: str, _stamp: str) -> bytes:
    """Return a document; the cache takes another one for another stamp."""
    return store.read(key)


def _numbered(keys: Iterable[str], folder: str) -> dict[int, str]:
    """Return the keys of the documents in a folder by their number."""
    found = {}
    for key in keys:
        start, _, last = key.rpartition("/")
        number = last.removesuffix(".json")
        if start == folder and number != last and NUMBER.fullmatch(number):
            found[int(number)] = key
    return found


def _parsed(content: bytes, parse: Callable[[Any], Document]) -> Document | None:
    try:
        return parse(json.loads(content))
    except (ValueError, RecursionError):
        return None


def _moved_since(tag: str, last: TagMove | None) -> str:
    if last is None:
        return f"Another user has changed the tag {tag!r}; look at its moves, and try again."
    other = last.moved_by or "Another user"
    return (
        f"{other} has moved the tag {tag!r} to version {last.version} since you saw it; move it again if you want to."
    )
