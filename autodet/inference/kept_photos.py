"""Photos that the HTTP API keeps because a model was unsure of them, until an editor adds them to a data set.

kept/<model id>/
  <sha256>         a photo, as it was sent
  <sha256>.json    what the model found on it; written last, so that a photo without it does not count
  lock             held while something is written
"""

from collections.abc import Collection
from contextlib import suppress
from dataclasses import asdict, dataclass
from datetime import UTC, datetime
from functools import cached_property
from hashlib import sha256
from pathlib import Path

from autodet.access.change import change
from autodet.access.visitor import Visitor, acting_as
from autodet.datasets.additions.new_photos import NewPhoto
from autodet.errors import AutodetError, BusyError
from autodet.inference.proposed_boxes import proposed_boxes
from autodet.lock import hold_lock
from autodet.models.store import StoredModel
from autodet.records import DraftBox, Prediction
from autodet.settings import Settings
from autodet.workspace import Workspace, delete_folder, read_json, safe_join, write_atomically, write_json

API = Visitor("HTTP API", "editor")  # in the log; the settings of the installation allow it to keep photos
MIN_SCORE = 0.05  # of the detections that are proposed
ENDING = ".json"


@dataclass(frozen=True)
class KeptPhotos:
    """The photos that are kept of one model.

    Attributes:
        model: Id of the model.
        folder: Their folder.
    """

    model: str
    folder: Path

    @cached_property
    def ids(self) -> tuple[str, ...]:
        """SHA-256 of each photo."""
        return tuple(sorted(path.stem for path in self.folder.glob(f"*{ENDING}") if not path.name.startswith(".")))

    @cached_property
    def bytes(self) -> int:
        """Size of the photos together."""
        return sum(_size(self.folder / id) for id in self.ids)

    def photos(self) -> list[NewPhoto]:
        """Return the photos with what the model found on them, the first kept at the beginning; damaged ones not."""
        found = []
        for id in self.ids:
            with suppress(AutodetError, OSError, KeyError, TypeError, ValueError):
                document = read_json(self.folder / f"{id}{ENDING}")
                boxes = tuple(map(DraftBox.from_json, document["boxes"]))
                photo = NewPhoto(self.folder / id, f"kept-{id[:12]}", boxes, self.model)
                found.append((str(document["time"]), photo))
        return [photo for _, photo in sorted(found, key=lambda one: one[0])]

    def delete(self, ids: Collection[str] | None = None) -> None:
        """Delete some of the photos, or all.

        Raises:
            AccessError: The visitor may not change anything.
            BusyError: A photo is being kept for longer than usual; try again.
        """
        workspace = Workspace(self.folder.parent.parent)
        count = len(self.ids if ids is None else ids)
        with change("delete kept photos", f"{self.model}: {count} photos", workspace), suppress(FileNotFoundError):
            with hold_lock(self.folder):
                for id in self.ids if ids is None else ids:
                    safe_join(self.folder, f"{id}{ENDING}").unlink(missing_ok=True)
                    safe_join(self.folder, id).unlink(missing_ok=True)
            if not KeptPhotos(self.model, self.folder).ids:
                delete_folder(self.folder)


def list_kept(workspace: Workspace) -> list[KeptPhotos]:
    """Return the kept photos of each model that has some."""
    folders = sorted(path for path in workspace.kept.iterdir() if path.is_dir() and not path.name.startswith("."))
    return [kept for folder in folders if (kept := KeptPhotos(folder.name, folder)).ids]


def is_unsure(prediction: Prediction, settings: Settings) -> bool:
    """Return whether the settings ask to keep the photo of a prediction: its best score lies in their range."""
    if settings.keep_scores is None or not any(prediction.size_wh):
        return False
    low, high = settings.keep_scores
    best = float(prediction.scores.max()) if len(prediction) else 0.0
    return low <= best <= high


def keep_photo(
    model: StoredModel, content: bytes, prediction: Prediction, settings: Settings, workspace: Workspace
) -> bool:
    """Keep a photo with its prediction, unless it is kept already or the model has its full number of photos.

    Args:
        model: The model.
        content: The photo's file.
        prediction: What the model found, with low scores.
        settings: The largest number of photos and bytes for each model.
        workspace: The workspace.

    Returns:
        Whether it was kept.
    """
    folder, id = safe_join(workspace.kept, model.id), sha256(content).hexdigest()
    kept = KeptPhotos(model.id, folder)
    if id in kept.ids or _is_full(kept, len(content), settings):
        return False
    with acting_as(API), change("keep photos", model.id, workspace, logged=not kept.ids):
        folder.mkdir(exist_ok=True)
        with suppress(BusyError), hold_lock(folder):
            kept = KeptPhotos(model.id, folder)  # another process may have kept some meanwhile
            if id in kept.ids or _is_full(kept, len(content), settings):
                return False
            boxes = proposed_boxes(prediction.above(MIN_SCORE), model.card.classes)
            time = datetime.now(UTC).isoformat(timespec="milliseconds")
            write_atomically(folder / id, content, 0o600)
            write_json(folder / f"{id}{ENDING}", {"time": time, "boxes": list(map(asdict, boxes))})
            return True
    return False


def _is_full(kept: KeptPhotos, bytes_more: int, settings: Settings) -> bool:
    return len(kept.ids) >= settings.max_kept_photos or kept.bytes + bytes_more > settings.max_kept_bytes


def _size(path: Path) -> int:
    try:
        return path.stat().st_size
    except OSError:
        return 0
