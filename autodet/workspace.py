"""The workspace: the folder in which autodet stores everything.

    AUTODET_HOME/
      datasets/<id>/   manifest.json, images/          immutable once published
      imports/<id>/    status.json, files/, lock       see autodet.datasets.imports.import_state
      searches/<id>/   spec.json, status.json, lock    see autodet.search
      models/<id>/     model.autodet, evaluations/     see autodet.models
      devices/         users of the device slots       see autodet.search.executors.device_queue
      .trash/          items deleted within a day       see autodet.trash
      dropped/         photos that are only evaluated  see autodet.datasets.imports.temporary
      kept/<model>/    photos kept by the HTTP API     see autodet.inference.kept_photos
      registry/        bundles of the registry, a cache  see autodet.registry
      audit/           who changed what                see autodet.access.audit_log
      tokens/          keys of programs, hashed        see autodet.access.tokens
      optuna.db        the studies of all searches

Content made in several steps is written under a hidden name beside its final place and renamed at the
end, so that a crash leaves no partial content that a reader could take for complete.
"""

import fcntl
import json
import os
import re
import secrets
import shutil
import time
import unicodedata
from collections.abc import Collection, Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Any, BinaryIO

from autodet.errors import AutodetError, NotFoundError
from autodet.settings import load_settings

HIDDEN = ".new-"
SWEEP_SECONDS = 60.0


@dataclass(frozen=True)
class Workspace:
    """Folders of one workspace, created on first access."""

    home: Path

    @property
    def datasets(self) -> Path:
        """Folder of the data sets, one subfolder each."""
        return _made(self.home / "datasets")

    @property
    def imports(self) -> Path:
        """Folder of the unfinished imports, one subfolder each."""
        return _made(self.home / "imports")

    @property
    def dropped(self) -> Path:
        """Folder of photos that are only evaluated, one hidden subfolder for each time."""
        return _made(self.home / "dropped")

    @property
    def kept(self) -> Path:
        """Folder of the photos that the HTTP API keeps, one subfolder for each model."""
        return _made(self.home / "kept")

    @property
    def searches(self) -> Path:
        """Folder of the searches, one subfolder each."""
        return _made(self.home / "searches")

    @property
    def models(self) -> Path:
        """Folder of the models, one subfolder each."""
        return _made(self.home / "models")

    @property
    def registry(self) -> Path:
        """Folder of bundles that were fetched from the model registry; a cache."""
        return _made(self.home / "registry")

    @property
    def audit(self) -> Path:
        """Folder of the log of changes."""
        return _made(self.home / "audit")

    @property
    def optuna_url(self) -> str:
        """URL of the storage of all studies, for Optuna and optuna-dashboard."""
        return f"sqlite:///{_made(self.home) / 'optuna.db'}"


def open_workspace(home: Path | None = None) -> Workspace:
    """Return the workspace at ``home``, or that of the settings."""
    return Workspace(home.absolute() if home else load_settings().home)


def _made(folder: Path) -> Path:
    try:
        folder.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise AutodetError(
            f"The workspace folder {folder} cannot be made ({error.strerror}); set AUTODET_HOME to a folder "
            "that you may write to."
        ) from error
    return folder


def slug(name: str) -> str:
    """Convert a name to a folder name: lower-case letters of any script, digits and dashes, never empty."""
    text = unicodedata.normalize("NFKC", name).lower()
    return re.sub(r"[^\w]+|_+", "-", text).strip("-")[:60].strip("-") or "unnamed"


def portable(name: str) -> str:
    """Replace each character that is invalid in file names on some system with a dash."""
    return re.sub(r'[<>:"/\\|?*\x00-\x1f\x7f]', "-", name)[:100].rstrip(" .") or "unnamed"


def safe_join(root: Path, *parts: str) -> Path:
    """Join untrusted names onto ``root``; the only function that may do so.

    Raises:
        NotFoundError: The result would be outside ``root``.
    """
    root = root.absolute()
    joined = Path(os.path.normpath(root.joinpath(*parts)))
    if (joined != root and root not in joined.parents) or "\0" in str(joined):
        raise NotFoundError(f"{'/'.join(parts)!r} is not a name inside the workspace; give a plain name.")
    return joined


@contextmanager
def hidden_folder(parent: Path) -> Iterator[Path]:
    """Yield a hidden folder to fill; ``publish_folder`` makes it visible, else it is deleted at the end.

    Hidden folders left by killed processes are deleted first.
    """
    sweep_hidden(parent)
    hidden = parent / f"{HIDDEN}{secrets.token_hex(6)}"
    hidden.mkdir(parents=True)
    descriptor = os.open(hidden, os.O_RDONLY)
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX)  # as long as this process lives, no other sweeps the folder
        yield hidden
    finally:
        os.close(descriptor)
        shutil.rmtree(hidden, ignore_errors=True)


def delete_folder(folder: Path) -> None:
    """Delete a folder if it exists: it is hidden at once, and a later sweep deletes the remains after a crash."""
    hidden = folder.with_name(f"{HIDDEN}{secrets.token_hex(6)}")
    with suppress(FileNotFoundError):
        folder.rename(hidden)
        shutil.rmtree(hidden, ignore_errors=True)


def sweep_hidden(parent: Path) -> None:
    """Delete hidden folders that no process holds any more."""
    for folder in parent.glob(f"{HIDDEN}*"):
        try:
            descriptor = os.open(folder, os.O_RDONLY)
        except OSError:
            continue
        try:
            fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
            if time.time() - folder.stat().st_mtime > SWEEP_SECONDS:  # a new one may not be locked yet
                shutil.rmtree(folder, ignore_errors=True)
        except OSError:
            continue
        finally:
            os.close(descriptor)


def publish_folder(hidden: Path, parent: Path, name: str, avoid: Collection[str] = ()) -> Path:
    """Rename ``hidden`` to ``slug(name)``, or to ``slug(name)-2`` and so on if that is taken.

    Args:
        hidden: A folder of ``hidden_folder``.
        parent: Parent of the published folder.
        name: Name from which the id is derived.
        avoid: Ids to avoid, although no folder has them.

    Returns:
        The final path; its last component is the id.
    """
    base = slug(name)
    for number in range(1, 10_000):
        final = parent / (base if number == 1 else f"{base}-{number}")
        if final.name in avoid or final.exists():
            continue
        try:
            hidden.rename(final)
        except OSError:  # another process may have taken this id after the check
            if final.exists():
                continue
            raise
        return final
    raise AutodetError(f"There are too many folders called {base!r} in {parent}; choose another name.")


def write_atomically(path: Path, content: bytes, mode: int = 0o666) -> None:
    """Write a file atomically: a reader, or a crash, finds the old content or the new, never a part.

    Args:
        path: The file.
        content: Its new content.
        mode: Its permissions, from which the process's mask is taken away.
    """
    with open_atomically(path, mode) as file:
        file.write(content)


@contextmanager
def open_atomically(path: Path, mode: int = 0o666) -> Iterator[BinaryIO]:
    """Yield a file to fill piece by piece; it replaces ``path`` when complete, and is deleted on failure."""
    temporary = path.with_name(f".{path.name}.{secrets.token_hex(4)}")
    try:
        with os.fdopen(os.open(temporary, os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_CLOEXEC, mode), "wb") as file:
            yield file
            file.flush()
            os.fsync(file.fileno())
        temporary.replace(path)
    finally:
        temporary.unlink(missing_ok=True)


def sweep_unfinished(folder: Path) -> None:
    """Delete partial files that killed writers left in a folder; only for the sole writer of the folder."""
    for unfinished in folder.glob(".*"):
        unfinished.unlink(missing_ok=True)


def write_json(path: Path, document: Any) -> None:
    """Write a JSON document atomically."""
    write_atomically(path, json.dumps(document, ensure_ascii=False, indent=1).encode())


def read_json(path: Path) -> Any:
    """Read a JSON document that autodet wrote.

    Raises:
        AutodetError: The file is not valid JSON.
    """
    try:
        return json.loads(path.read_text(encoding="utf-8"))
    except ValueError as error:
        raise AutodetError(f"{path} is damaged: it is not valid JSON; restore it from a backup.") from error
