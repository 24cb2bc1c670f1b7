"""The documents of a registry: versions of a model, and moves of a tag; and references to versions.

They come from a place that others can write to, so every value is checked when it is read.
"""

import json
import re
from collections.abc import Mapping
from dataclasses import asdict, dataclass, field
from functools import cached_property
from math import isfinite
from typing import Any, Self

from autodet.errors import RegistryError
from autodet.models.bundle import MAX_BUNDLE_BYTES
from autodet.models.model_card import MAX_CLASSES, MAX_ENTRIES, MAX_TEXT, one_line
from autodet.workspace import slug

FORMAT = "autodet-registry-1"
PREFIX = "registry:"  # of a reference where a model is expected
MAX_NUMBER = 10**9
NUMBER = re.compile(r"[1-9][0-9]{0,8}")
SHA256 = re.compile(r"[0-9a-f]{64}")

Figures = Mapping[str, float]


@dataclass(frozen=True)
class ModelVersion:
    """One version of a model, which never changes.

    Attributes:
        name: Name of the model in the registry.
        version: Number of the version, from 1.
        sha256: Checksum of the bundle.
        size_bytes: Size of the bundle.
        pushed: When it was pushed, ISO 8601 with time zone.
        pushed_by: Who pushed it; empty if unknown.
        model: Name of the model where it was made.
        architecture: A name of ``autodet.models.registry``.
        image_size: Side in pixels of the square that photos are letterboxed into.
        classes: Class names, by class id.
        dataset: Name of the training data set.
        dataset_fingerprint: Its fingerprint.
        search: Id of the search that made it; empty if unknown.
        trial: Number of the search's trial; None if unknown.
        created: When it was trained, ISO 8601 with time zone.
        metrics: Metrics on the data set's validation split.
        evaluations: Stored evaluations by split: ``map50``, ``map50_95``, their 95 % intervals as ``map50_low``,
            ``map50_high`` and so on, and ``photos``.
        autodet: Version of autodet that trained it.
    """

    name: str
    version: int
    sha256: str
    size_bytes: int
    pushed: str
    pushed_by: str
    model: str
    architecture: str
    image_size: int
    classes: tuple[str, ...]
    dataset: str
    dataset_fingerprint: str
    search: str = ""
    trial: int | None = None
    created: str = ""
    metrics: Figures = field(default_factory=dict)
    evaluations: Mapping[str, Figures] = field(default_factory=dict)
    autodet: str = ""

    @property
    def reference(self) -> str:
        """Its reference in commands, such as ``fruit@3``."""
        return f"{self.name}@{self.version}"

    @property
    def key(self) -> str:
        """Its document in the registry."""
        return version_key(self.name, self.version)

    @property
    def file(self) -> str:
        """Its bundle in the registry."""
        return f"{self.name}/models/{self.sha256}.autodet"

    def to_json(self) -> dict[str, Any]:
        """Return the document."""
        return {"format": FORMAT, "file": self.file, **asdict(self), "classes": list(self.classes)}

    @classmethod
    def from_json(cls, document: Any, name: str, version: int) -> Self:
        """Read the document of a version; entries that are not as expected are left out where that is possible.

        Raises:
            ValueError: The document is not that of this version.
        """
        values = _checked(document, name=name, version=version)
        sha256, size = values.get("sha256"), _whole(values.get("size_bytes"), MAX_BUNDLE_BYTES)
        if size is None or not (isinstance(sha256, str) and SHA256.fullmatch(sha256)):
            raise ValueError
        classes, evaluations = values.get("classes"), values.get("evaluations")
        return cls(
            name=name,
            version=version,
            sha256=sha256,
            size_bytes=size,
            **{entry: _text(values.get(entry)) for entry in _TEXTS},
            image_size=_whole(values.get("image_size")) or 0,
            classes=tuple(map(_text, classes[:MAX_CLASSES])) if isinstance(classes, list) else (),
            trial=_whole(values.get("trial")),
            metrics=_figures(values.get("metrics")),
            evaluations={_text(split): _figures(figures) for split, figures in list(evaluations.items())[:MAX_ENTRIES]}
            if isinstance(evaluations, dict)
            else {},
        )


_TEXTS = (
    *("pushed", "pushed_by", "model", "architecture", "dataset", "dataset_fingerprint"),
    *("search", "created", "autodet"),
)


@dataclass(frozen=True)
class TagMove:
    """One move of a tag; the last one is where the tag points.

    Attributes:
        name: Name of the model in the registry.
        tag: The tag.
        move: Number of the move, from 1.
        version: The version that the tag names since then.
        before: The version that it named before; None for a new tag.
        moved: When, ISO 8601 with time zone.
        moved_by: Who moved it; empty if unknown.
    """

    name: str
    tag: str
    move: int
    version: int
    before: int | None
    moved: str
    moved_by: str

    @property
    def key(self) -> str:
        """Its document in the registry."""
        return move_key(self.name, self.tag, self.move)

    def to_json(self) -> dict[str, Any]:
        """Return the document."""
        return {"format": FORMAT, **asdict(self)}

    @classmethod
    def from_json(cls, document: Any, name: str, tag: str, move: int) -> Self:
        """Read the document of a move.

        Raises:
            ValueError: The document is not that of this move.
        """
        values = _checked(document, name=name, tag=tag, move=move)
        version, before = _whole(values.get("version")), _whole(values.get("before"))
        if version is None:
            raise ValueError
        return cls(name, tag, move, version, before, _text(values.get("moved")), _text(values.get("moved_by")))


@dataclass(frozen=True)
class RegisteredModel:
    """A model of the registry, with its versions and the moves of its tags.

    Attributes:
        name: Its name.
        versions: Its versions, the newest first.
        moves: The moves of its tags, by tag, the last first.
    """

    name: str
    versions: tuple[ModelVersion, ...]
    moves: Mapping[str, tuple[TagMove, ...]]

    @cached_property
    def tags(self) -> dict[str, int]:
        """The version that each tag names."""
        return {tag: moves[0].version for tag, moves in self.moves.items()}

    def tags_of(self, version: int) -> list[str]:
        """Return the tags that name a version."""
        return [tag for tag, number in self.tags.items() if number == version]

    def to_json(self) -> dict[str, Any]:
        """Return a dict with the keys ``name, tags, versions, moves``."""
        moves = {tag: [move.to_json() for move in moves] for tag, moves in self.moves.items()}
        versions = [version.to_json() for version in self.versions]
        return {"name": self.name, "tags": self.tags, "versions": versions, "moves": moves}


@dataclass(frozen=True)
class Reference:
    """A version of a model by its number, by a tag, or the newest if neither is given."""

    name: str
    version: int | None = None
    tag: str | None = None

    @classmethod
    def parse(cls, text: str) -> Self:
        """Read ``NAME``, ``NAME@3`` or ``NAME@production``, with or without ``registry:``.

        Raises:
            RegistryError: It is none of these.
        """
        name, at, which = text.removeprefix(PREFIX).partition("@")
        if at and NUMBER.fullmatch(which):
            return cls(checked_name(name, "model"), version=int(which))
        return cls(checked_name(name, "model"), tag=checked_name(which, "tag") if at else None)

    def __str__(self) -> str:
        which = self.tag or self.version
        return f"{self.name}@{which}" if which else self.name


def version_key(name: str, version: int) -> str:
    """Return the key of the document of a version."""
    return f"{name}/versions/{version}.json"


def move_key(name: str, tag: str, move: int) -> str:
    """Return the key of the document of a move."""
    return f"{name}/tags/{tag}/{move}.json"


def is_name(text: str, kind: str = "model") -> bool:
    """Return whether a text can be the name of a model or a tag: part of a key on every system."""
    return text == slug(text) and not (kind == "tag" and text.isdigit())


def checked_name(text: str, kind: str) -> str:
    """Return the name of a model or a tag.

    Args:
        text: Name as typed.
        kind: ``model`` or ``tag``.

    Raises:
        RegistryError: The registry cannot have the name.
    """
    if is_name(text, kind):
        return text
    if kind == "tag" and text.isdigit():
        raise RegistryError(f"The tag {text[:60]!r} looks like the number of a version; choose a word.")
    raise RegistryError(
        f"A {kind} of the registry cannot be called {text[:60]!r}; use lower-case letters, digits and dashes, such as "
        f"{slug(text)!r}."
    )


def to_bytes(document: Mapping[str, Any]) -> bytes:
    """Return the content of a document."""
    return f"{json.dumps(document, ensure_ascii=False, indent=1)}\n".encode()


def _checked(document: Any, **expected: str | int) -> Mapping[str, Any]:
    """Check the format of a document, and that it is the one that its key names.

    Raises:
        ValueError: It is another one.
    """
    if not isinstance(document, dict) or document.get("format") != FORMAT:
        raise ValueError
    if any(document.get(entry) != value for entry, value in expected.items()):
        raise ValueError
    return document


def _whole(value: Any, most: int = MAX_NUMBER) -> int | None:
    return value if isinstance(value, int) and not isinstance(value, bool) and 0 <= value <= most else None


def _text(value: Any) -> str:
    return one_line(value, MAX_TEXT) if isinstance(value, str) else ""


def _figures(value: Any) -> dict[str, float]:
    """Return the entries that are numbers."""
    if not isinstance(value, dict):
        return {}
    numbers = [(name, number) for name, number in value.items() if isinstance(number, int | float)]
    return {
        _text(name): float(number)
        for name, number in numbers[:MAX_ENTRIES]
        if abs(number) < MAX_NUMBER and isfinite(number)
    }
