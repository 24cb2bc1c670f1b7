"""The workspace: the one folder in which autodet keeps everything.

    AUTODET_HOME/
      datasets/<id>/   manifest.json, images/          never changes once it is there
      imports/<id>/    status.json, files/, lock       see autodet.datasets.imports.job
      searches/<id>/   spec.json, status.json, lock    see autodet.search
      models/<id>/     model.autodet, evaluations/     see autodet.models
      devices/         who uses which device slot      see autodet.search.executors.device_queue
      optuna.db        the studies of all searches

Whatever is made in several steps is made under a hidden name beside its final place and renamed at the
end, so that a crash leaves nothing half-done that a reader could take for whole.
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
    """The folders of one workspace, made when they are first asked for."""

    home: Path

    @property
    def datasets(self) -> Path:
        """Where data sets are kept, one folder each."""
        return _made(self.home / "datasets")

    @property
    def imports(self) -> Path:
        """Where imports that are not over are kept, one folder each."""
        return _made(self.home / "imports")

    @property
    def searches(self) -> Path:
        """Where searches are kept, one folder each."""
        return _made(self.home / "searches")

    @property
    def models(self) -> Path:
        """Where models are kept, one folder each."""
        return _made(self.home / "models")

    @property
    def optuna_url(self) -> str:
        """The storage of all studies, as Optuna and optuna-dashboard take it."""
        return f"sqlite:///{_made(self.home) / 'optuna.db'}"


def open_workspace(home: Path | None = None) -> Workspace:
    """The workspace at ``home``, or the one that the settings name."""
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
    """A name as a folder name: lower-case letters of any script, digits and dashes, never empty."""
    text = unicodedata.normalize("NFKC", name).lower()
    return re.sub(r"[^\w]+|_+", "-", text).strip("-")[:60].strip("-") or "unnamed"


def portable(name: str) -> str:
    """A name without the signs that a file's name may not have on some system, each a dash in its place."""
    return re.sub(r'[<>:"/\\|?*\x00-\x1f\x7f]', "-", name)[:100].rstrip(" .") or "unnamed"


def safe_join(root: Path, *parts: str) -> Path:
    """Join names that came from outside onto ``root``; the only place where that is done.

    Raises:
        NotFoundError: The result would lie outside ``root``.
    """
    root = root.absolute()
    joined = Path(os.path.normpath(root.joinpath(*parts)))
    if (joined != root and root not in joined.parents) or "\0" in str(joined):
        raise NotFoundError(f"{'/'.join(parts)!r} is not a name inside the workspace; give a plain name.")
    return joined


@contextmanager
def hidden_folder(parent: Path) -> Iterator[Path]:
    """A folder to fill before ``publish_folder`` lets it appear; whatever is still hidden at the end is deleted.

    What processes that were killed have left hidden is deleted first.
    """
    _sweep(parent)
    hidden = parent / f"{HIDDEN}{secrets.token_hex(6)}"
    hidden.mkdir(parents=True)
    descriptor = os.open(hidden, os.O_RDONLY)
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX)  # for as long as this process lives: nobody sweeps it away
        yield hidden
    finally:
        os.close(descriptor)
        shutil.rmtree(hidden, ignore_errors=True)


def delete_folder(folder: Path) -> None:
    """Delete a folder if it is there: at once, and what a crash may leave of it is hidden, and swept away later."""
    hidden = folder.with_name(f"{HIDDEN}{secrets.token_hex(6)}")
    with suppress(FileNotFoundError):
        folder.rename(hidden)
        shutil.rmtree(hidden, ignore_errors=True)


def _sweep(parent: Path) -> None:
    """Delete hidden folders that no process holds any more."""
    for folder in parent.glob(f"{HIDDEN}*"):
        try:
            descriptor = os.open(folder, os.O_RDONLY)
        except OSError:
            continue
        try:
            fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
            if time.time() - folder.stat().st_mtime > SWEEP_SECONDS:  # a young one is about to be held
                shutil.rmtree(folder, ignore_errors=True)
        except OSError:
            continue
        finally:
            os.close(descriptor)


def publish_folder(hidden: Path, parent: Path, name: str, avoid: Collection[str] = ()) -> Path:
    """Rename ``hidden`` to ``slug(name)``, or ``slug(name)-2`` and so on where that is taken.

    Args:
        hidden: A folder of ``hidden_folder``.
        parent: Where it appears.
        name: What its id is made of.
        avoid: Ids that it must not get, although no folder has them.

    Returns:
        The folder's final place; its last part is the id.
    """
    base = slug(name)
    for number in range(1, 10_000):
        final = parent / (base if number == 1 else f"{base}-{number}")
        if final.name in avoid or final.exists():
            continue
        try:
            hidden.rename(final)
        except OSError:  # somebody else took this id between the two lines
            if final.exists():
                continue
            raise
        return final
    raise AutodetError(f"There are too many folders called {base!r} in {parent}; choose another name.")


def write_atomically(path: Path, content: bytes) -> None:
    """Write a file so that a reader, or a crash, sees the old content or the new, never a part."""
    with open_atomically(path) as file:
        file.write(content)


@contextmanager
def open_atomically(path: Path) -> Iterator[BinaryIO]:
    """A file to fill piece by piece, which takes its place when all of it is written; if that fails, none does."""
    temporary = path.with_name(f".{path.name}.{secrets.token_hex(4)}")
    try:
        with temporary.open("wb") as file:
            yield file
            file.flush()
            os.fsync(file.fileno())
        temporary.replace(path)
    finally:
        temporary.unlink(missing_ok=True)


def sweep_unfinished(folder: Path) -> None:
    """Delete what writers that were killed left half-written in a folder; only who alone writes there may."""
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
