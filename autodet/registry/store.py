"""Where a registry lies: the few operations that a folder and a bucket have in common."""

from collections.abc import Callable, Hashable
from pathlib import Path
from typing import Protocol

from autodet.errors import RegistryError
from autodet.settings import S3, load_settings

MARKER = "autodet-registry.json"
ABOUT = b"""{
 "format": "autodet-registry-1",
 "about": "Models of autodet: NAME/versions/1.json, NAME/models/SHA256.autodet, NAME/tags/TAG/1.json"
}
"""
MAX_KEYS = 100_000
MAX_DOCUMENT_BYTES = 1_000_000

Report = Callable[[int, int], None]  # bytes so far, and all bytes


class Store(Hashable, Protocol):
    """Keys with contents; a key is a relative path with slashes.

    Every method raises ``RegistryError`` if the place is missing, unreachable, or closed to this user.
    """

    @property
    def address(self) -> str:
        """The place, as in the settings."""

    def prepare(self) -> None:
        """Prepare the place for ``create``, or refuse one that cannot keep concurrent pushes apart."""

    def list(self, prefix: str) -> dict[str, str]:
        """Return the keys that begin with a prefix, each with a text that changes with its content."""

    def read(self, key: str) -> bytes:
        """Return the content of a document, at most ``MAX_DOCUMENT_BYTES``."""

    def create(self, key: str, content: bytes) -> bool:
        """Create a document as a whole, unless the key exists; return whether it has this content now."""

    def has_file(self, key: str, size: int) -> bool:
        """Return whether the key exists, with a size in bytes."""

    def put_file(self, key: str, file: Path, report: Report) -> None:
        """Store a file as a whole; an existing one is replaced."""

    def fetch(self, key: str, size: int, folder: Path, report: Report) -> Path:
        """Fetch a file of a known size into a folder, which keeps the part that an interrupted call received.

        Returns:
            The complete file in the folder; its content is not verified.
        """


def unreported(_done: int, _total: int) -> None:
    """Report nothing."""


def open_store() -> Store:
    """Return the registry of the settings.

    Raises:
        RegistryError: The settings name none.
    """
    settings = load_settings()
    if not settings.registry:
        raise RegistryError("There is no model registry; set AUTODET_REGISTRY to a folder, or to s3://bucket/prefix.")
    if settings.registry.startswith(S3):
        from autodet.registry.s3_store import S3Store

        return S3Store(settings.registry, settings)
    from autodet.registry.folder_store import FolderStore

    return FolderStore(Path(settings.registry))


def too_many(address: str) -> RegistryError:
    """Return the error for a place with more keys than any registry has."""
    return RegistryError(
        f"{address} holds more than {MAX_KEYS:,} files; give the registry a folder or prefix of its own."
    )
