"""Folders of the server that visitors may import from: only those below the installation's roots."""

from pathlib import Path

from autodet.errors import DatasetError
from autodet.settings import Settings


def find_below_roots(text: str, settings: Settings) -> Path:
    """A folder or zip of the server that somebody has named.

    Args:
        text: An absolute path, or one below a root.
        settings: The installation's roots.

    Raises:
        DatasetError: It is not there, or lies outside every root, links followed; the same sentence for both, so that
            nobody learns what else the server holds.
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
