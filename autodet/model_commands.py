"""The commands of the command line that use, name and export models."""

from collections.abc import Sequence
from itertools import count
from pathlib import Path
from typing import Any

from autodet import terminal
from autodet.commands import Answer, Options
from autodet.datasets.export import export_dataset
from autodet.datasets.label_layouts import LAYOUTS
from autodet.datasets.manifest import load_dataset
from autodet.datasets.photos import open_photo
from autodet.errors import ModelError, PhotoError, SearchError
from autodet.inference.box_drawings import draw_boxes, is_drawing, save_drawing
from autodet.inference.detection_documents import detection_documents
from autodet.inference.photo_folders import dataset_photos, find_photos
from autodet.inference.runtime import choose_runtime
from autodet.messages.quantization import quantization_text
from autodet.models.store import StoredModel, find_model, list_models, rename_model
from autodet.records import Prediction
from autodet.registry.bundles import find_any_model
from autodet.search.api import is_in_the_making
from autodet.terminal import ProgressLine, say


def predict(options: Options) -> Answer:
    """Detect objects on photos."""
    if not options.photos and not options.dataset:
        raise PhotoError("There is nothing to predict on; add a PHOTO or a folder, or a data set with --dataset.")
    more = dataset_photos(load_dataset(options.dataset), options.split) if options.dataset else ()
    model, selection = find_any_model(options.model), find_photos([*options.photos, *more])
    if options.out:
        options.out.mkdir(parents=True, exist_ok=True)
    from autodet.inference.detector import load_detector

    detector = load_detector(model)
    for sentence in selection.sentences():
        say(sentence)
    predictions, taken = [], set[Path]()
    for photo, prediction in zip(selection.photos, detector.stream(selection.photos, options.threshold), strict=True):
        predictions.append(
            _drawn(photo, prediction, detector.classes, options.out, taken) if options.out else prediction
        )
    for caution in detector.cautions(predictions):
        say(caution)
    documents = [_document(*document, detector.classes) for document in zip(selection.photos, predictions, strict=True)]
    mistakes = tuple(prediction.error for prediction in predictions if prediction.error)
    return Answer(documents, terminal.detections_text(documents), mistakes)


def export(options: Options) -> Answer:
    """Write a model or a data set to a file.

    Raises:
        ModelError: ``--int8`` or ``--data`` does not go with the other options.
    """
    if options.int8 and options.format not in ("onnx", "autodet"):
        raise ModelError("--int8 is for models; leave out --format, or give onnx or autodet.")
    if options.data and not options.int8:
        raise ModelError("--data names the photos for --int8; add --int8, or leave out --data.")
    if options.format in LAYOUTS:
        dataset = load_dataset(options.name)
        written = export_dataset(dataset, options.format, options.out)
        document = {"dataset": dataset.id, "format": options.format, "file": str(written)}
        return Answer(document, f"Wrote {written}.")
    model = find_any_model(options.name)
    if options.int8:
        return _export_int8(model, options)
    if options.format == "onnx":
        from autodet.inference.onnx_export import export_onnx

        export_onnx(model, options.out)
        written = options.out
    else:
        from autodet.inference.detector import load_detector

        written = load_detector(model, device="cpu").save(options.out)
    document = {"model": model.id, "format": options.format, "file": str(written)}
    return Answer(document, f"Wrote {written}.")


def _export_int8(model: StoredModel, options: Options) -> Answer:
    from autodet.inference.int8_export import export_int8

    dataset = load_dataset(options.data) if options.data else None
    with ProgressLine() as line:
        result = export_int8(
            model,
            options.out,
            dataset,
            lambda step, done, total: line.show(f"{step}: photo {done} of {total}"),
            as_bundle=options.format == "autodet",
        )
    facts = {"model": model.id, "format": options.format, "file": str(options.out)}
    return Answer(facts | {"int8": result.to_json()}, f"Wrote {options.out}. {quantization_text(result)}")


def models(_options: Options) -> Answer:
    """List the models."""
    models = list_models()
    documents = [model.to_json() | {"runtime": choose_runtime(model.card).name} for model in models]
    return Answer(documents, terminal.models_text(models))


def rename(options: Options) -> Answer:
    """Rename a model."""
    model = find_model(options.model)
    if is_in_the_making(model.id):
        raise SearchError(
            f"The search that makes {model.id!r} is still running; rename the model when it has finished."
        )
    renamed = rename_model(model.id, options.name)
    return Answer(renamed.to_json(), terminal.models_text([renamed]))


# Photos and detections


def _document(photo: Path, prediction: Prediction, classes: Sequence[str]) -> dict[str, Any]:
    if prediction.error:
        return {"file": str(photo), "error": prediction.error}
    width, height = prediction.size_wh
    detections = detection_documents(prediction, classes)
    facts = {"width": width, "height": height, "truncated": prediction.truncated}
    return {"file": str(photo), "detections": detections} | facts


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
