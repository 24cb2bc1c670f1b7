"""The command of the command line that detects objects on photos."""

from collections.abc import Callable, Mapping, Sequence
from contextlib import ExitStack
from itertools import count
from pathlib import Path
from typing import Any

from autodet import terminal
from autodet.commands import Answer, Options
from autodet.datasets.manifest import load_dataset
from autodet.datasets.photos import open_photo
from autodet.datasets.sources.archive import is_packed, unpack_archive
from autodet.datasets.sources.entry_names import SKIPPED
from autodet.errors import AutodetError, PhotoError
from autodet.inference.box_drawings import draw_boxes, is_drawing, save_drawing
from autodet.inference.detection_documents import detection_documents
from autodet.inference.photo_folders import FoundPhotos, dataset_photos, find_photos
from autodet.inference.prediction_exports import PredictedPhoto, write_export
from autodet.models.store import StoredModel, find_model
from autodet.records import Prediction
from autodet.settings import load_settings
from autodet.terminal import say
from autodet.workspace import hidden_folder, open_atomically, open_workspace


def predict(options: Options) -> Answer:
    """Detect objects on photos."""
    if not options.photos and not options.dataset:
        raise PhotoError("There is nothing to predict on; add a PHOTO or a folder, or a data set with --dataset.")
    for _, file in options.export:
        if not file.parent.is_dir():
            raise AutodetError(f"{file} cannot be written: there is no folder {file.parent}; create it first.")
    more = dataset_photos(load_dataset(options.dataset), options.split) if options.dataset else ()
    model = find_model(options.model)
    with ExitStack() as until_done:
        archives = {_unpacked(path, until_done): path for path in options.photos if _is_archive(path)}
        folders = {path: folder for folder, path in archives.items()}

        def shown(path: Path) -> str:
            found = next((folder for folder in archives if path.is_relative_to(folder)), None)
            return str(archives[found] / path.relative_to(found)) if found else str(path)

        selection = find_photos([*(folders.get(path, path) for path in options.photos), *more], shown)
        return _predict(options, model, selection, shown)


def _predict(options: Options, model: StoredModel, selection: FoundPhotos, shown: Callable[[Path], str]) -> Answer:
    if options.out:
        options.out.mkdir(parents=True, exist_ok=True)
    from autodet.inference.detector import load_detector

    detector = load_detector(model)
    for sentence in selection.sentences():
        say(sentence)
    named = [(photo, shown(photo)) for photo in selection.photos]
    predictions, taken = [], set[Path]()
    stream = detector.predict_named(named, options.threshold, tiles=options.tiles)
    for photo, prediction in zip(selection.photos, stream, strict=True):
        predictions.append(
            _drawn(photo, prediction, detector.classes, options.out, taken) if options.out else prediction
        )
    for caution in detector.cautions(predictions):
        say(caution)
    seen = [
        PredictedPhoto(name, photo, prediction) for (photo, name), prediction in zip(named, predictions, strict=True)
    ]
    for kind, file in options.export:
        with open_atomically(file) as opened:
            write_export(seen, detector.classes, kind, opened)
        say(f"Wrote {file}.")
    documents = [_document(one, detector.classes, with_tiles=options.tiles) for one in seen]
    mistakes = tuple(prediction.error for prediction in predictions if prediction.error)
    return Answer(documents, terminal.detections_text(documents), mistakes)


def _is_archive(path: Path) -> bool:
    return is_packed(path.name) and path.is_file()


def _unpacked(archive: Path, until_done: ExitStack) -> Path:
    """Unpack an archive into a folder of its name, which is deleted in the end."""
    folder = until_done.enter_context(hidden_folder(open_workspace().dropped)) / archive.name
    folder.mkdir()
    unpack_archive(archive, folder, load_settings(), lambda _share: None, str(archive))
    (folder / SKIPPED).unlink(missing_ok=True)
    return folder


def _document(photo: PredictedPhoto, classes: Sequence[str], *, with_tiles: bool) -> Mapping[str, Any]:
    prediction = photo.prediction
    if prediction.error:
        return {"file": photo.name, "error": prediction.error}
    width, height = prediction.size_wh
    facts = {"width": width, "height": height, "truncated": prediction.truncated}
    tiles = {"tiles": prediction.tiles} if with_tiles else {}
    return {"file": photo.name, "detections": detection_documents(prediction, classes)} | facts | tiles


def _drawn(photo: Path, prediction: Prediction, classes: Sequence[str], folder: Path, taken: set[Path]) -> Prediction:
    """Save a drawing of a prediction; return the prediction, or an error if the photo can no longer be read."""
    if prediction.error:
        return prediction
    try:
        image = open_photo(photo)
    except PhotoError as error:
        return Prediction.of([], [], [], error=str(error))
    drawn = draw_boxes(image, prediction.boxes_xyxy, prediction.class_ids, classes, prediction.scores)
    place = _free_place(folder, photo.stem, taken)
    save_drawing(drawn, place)
    taken.add(place)
    return prediction


def _free_place(folder: Path, stem: str, taken: set[Path]) -> Path:
    """Return a path that replaces at most a drawing of an earlier run; numbered if photos share a name."""
    names = (f"{stem}-boxes{f'-{number}' * (number > 1)}.jpg" for number in count(1))
    lower = {str(path).casefold() for path in taken}
    places = (folder / name for name in names)
    return next(
        place for place in places if str(place).casefold() not in lower and (is_drawing(place) or not place.exists())
    )
