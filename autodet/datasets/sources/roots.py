"""Server folders that visitors may import from: only those below the installation's roots."""

from pathlib import Path

from autodet.errors import DatasetError
from autodet.settings import Settings


def find_below_roots(text: str, settings: Settings) -> Path:
    """Resolve a folder or zip on the server that a user names.

    Args:
        text: An absolute path, or one below a root.
        settings: The installation's roots.

    Raises:
        DatasetError: The path does not exist, or lies outside every root after resolving links; the message is the same
            for both, so that it reveals nothing else about the server.
    """
    for root in settings.data_roots:
        try:
            found = (root / text.strip()).resolve()
            if found.is_relative_to(root) and found.exists():
                return found
        except (OSError, ValueError, RuntimeError):
            continue
    raise DatasetError(f"There is no {text[:200]!r} below {_listed(settings)}; give a folder or a zip that lies there.")


def _listed(settings: Settings) -> str:
    return ", ".join(str(root) for root in settings.data_roots) or "the folders that AUTODET_DATA_ROOTS allows (none)"
