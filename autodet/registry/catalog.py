"""Versions and tags of a registry: reading them, and adding to them without losing concurrent additions.

A number belongs to the process that creates its document; the others try the next one. The creator of a version has
read all earlier ones, so that no bundle gets two versions.
"""

import json
from collections.abc import Callable, Iterable, Mapping
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from functools import lru_cache
from typing import Any, TypeVar

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

Document = TypeVar("Document")


@dataclass(frozen=True)
class Catalog:
    """The versions and tags of a registry."""

    store: Store

    def models(self) -> list[RegisteredModel]:
        """Return every model, by name; documents that are not as autodet writes them are left out."""
        keys = self.store.list("")
        names = sorted({key.partition("/")[0] for key in keys if "/" in key})
        found = [self._model(name, keys) for name in names if is_name(name)]
        return [model for model in found if model.versions]

    def model(self, name: str) -> RegisteredModel:
        """Return one model.

        Raises:
            NotFoundError: The registry has no version of it.
        """
        found = self._model(name, self.store.list(f"{name}/"))
        if found.versions:
            return found
        there = ", ".join(model.name for model in self.models())
        hint = f"it has {there}" if there else "it is empty: push a model"
        raise NotFoundError(f"The registry {self.store.address} has no model {name!r}; {hint}.")

    def find(self, reference: Reference) -> ModelVersion:
        """Return the version that a reference names, the newest if it names none.

        Raises:
            NotFoundError: There is no such model, version or tag.
        """
        model = self.model(reference.name)
        number = model.tags.get(reference.tag) if reference.tag else reference.version
        if reference.tag and number is None:
            there = f"its tags are {', '.join(model.tags)}" if model.tags else "it has none"
            raise NotFoundError(f"The model {model.name!r} of the registry has no tag {reference.tag!r}; {there}.")
        found = [version for version in model.versions if number in (None, version.version)]
        if not found:
            there = ", ".join(str(version.version) for version in reversed(model.versions))
            raise NotFoundError(f"The model {model.name!r} of the registry has no version {number}; it has {there}.")
        return found[0]

    def publish(self, version: ModelVersion) -> ModelVersion:
        """Create the next version of a model, whose bundle is stored already.

        Args:
            version: The version, with any number.

        Returns:
            The version with its number, or the existing one of the same bundle.
        """
        while True:
            keys = self.store.list(f"{version.name}/versions/")
            if same := [one for one in self._versions(version.name, keys) if one.sha256 == version.sha256]:
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

        Raises:
            RegistryError: Another user has moved the tag to another version since ``seen``.
        """
        self.store.prepare()
        while True:
            keys = self.store.list(f"{version.name}/tags/{tag}/")
            moves = self._moves(version.name, keys).get(tag, ())
            last, number = (moves[0] if moves else None), max(_numbered(keys, f"{version.name}/tags/{tag}"), default=0)
            if last and last.version == version.version:
                return last
            if seen is not None and seen != number:
                raise RegistryError(_moved_since(tag, last))
            before = last.version if last else None
            move = TagMove(version.name, tag, number + 1, version.version, before, now(), current_visitor().name)
            if self.store.create(move.key, to_bytes(move.to_json())):
                return move

    def _model(self, name: str, keys: Mapping[str, str]) -> RegisteredModel:
        return RegisteredModel(name, self._versions(name, keys), self._moves(name, keys))

    def _versions(self, name: str, keys: Mapping[str, str]) -> tuple[ModelVersion, ...]:
        found = self._documents(f"{name}/versions", keys, lambda one, number: ModelVersion.from_json(one, name, number))
        return tuple(version for version in found if version)

    def _moves(self, name: str, keys: Mapping[str, str]) -> dict[str, tuple[TagMove, ...]]:
        """Return the moves of each tag, the last first; a tag whose last move cannot be read is left out."""
        start = f"{name}/tags/"
        tags = sorted({key.removeprefix(start).partition("/")[0] for key in keys if key.startswith(start)})
        moves = {tag: self._moves_of(name, tag, keys) for tag in tags if is_name(tag, "tag")}
        return {tag: found for tag, found in moves.items() if found}

    def _moves_of(self, name: str, tag: str, keys: Mapping[str, str]) -> tuple[TagMove, ...]:
        found = self._documents(f"{name}/tags/{tag}", keys, lambda one, move: TagMove.from_json(one, name, tag, move))
        return tuple(move for move in found if move) if found and found[0] else ()

    def _documents(
        self, folder: str, keys: Mapping[str, str], parse: Callable[[Any, int], Document]
    ) -> list[Document | None]:
        """Read the numbered documents of a folder, the last first; None for one that is not as autodet writes it."""
        numbered = sorted(_numbered(keys, folder).items(), reverse=True)
        with ThreadPoolExecutor(READERS) as readers:
            contents = readers.map(lambda one: _content(self.store, one[1], keys[one[1]]), numbered)
            return [_parsed(content, parse, *one) for content, one in zip(contents, numbered, strict=True)]


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


def _parsed(content: bytes, parse: Callable[[Any, int], Document], number: int, key: str) -> Document | None:
    try:
        return parse(json.loads(content), number)
    except (ValueError, RecursionError):
        warn(f"The document {key} of the registry is damaged, or of a later version of autodet, and is left out.")
    return None


def _moved_since(tag: str, last: TagMove | None) -> str:
    if last is None:
        return f"Another user has changed the tag {tag!r}; look at its moves, and try again."
    other = last.moved_by or "Another user"
    return (
        f"{other} has moved the tag {tag!r} to version {last.version} since you saw it; move it again if you want to."
    )
