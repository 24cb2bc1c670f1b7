"""The commands of the command line: each takes the options that ``arguments`` declares and returns an ``Answer``."""

import argparse
import os
from collections.abc import Callable, Sequence
from contextlib import AbstractContextManager, nullcontext
from dataclasses import asdict, dataclass
from itertools import count
from pathlib import Path
from typing import Any

from autodet import terminal
from autodet.datasets.export import LAYOUTS, export_dataset
from autodet.datasets.imports.temporary import path_of_photos, temporary_dataset
from autodet.datasets.manifest import Dataset, load_dataset, only_dataset_id
from autodet.datasets.photos import open_photo
from autodet.errors import AmbiguousNameError, DatasetError, ModelError, NotFoundError, PhotoError, SearchError
from autodet.follow_up_outcome import outcome_entry, outcome_of, outcome_text
from autodet.inference.box_drawings import draw_boxes, is_drawing, save_drawing
from autodet.inference.comparable_records import unknown_classes
from autodet.inference.photo_folders import dataset_photos, find_photos
from autodet.inference.runtime import choose_runtime
from autodet.leaderboard_text import leaderboard_text
from autodet.messages.imports import step_text
from autodet.messages.plans import plan_text
from autodet.messages.quantization import quantization_text
from autodet.models.store import StoredModel, find_model, list_models, only_model_id, rename_model
from autodet.records import Prediction, SearchStatus
from autodet.search.api import Search, find_only_search, find_search, is_in_the_making, list_searches
from autodet.search.delete import restore as restore_deleted
from autodet.search.delete_assets import delete_dataset, delete_model
from autodet.search.order.options import OPTIONS, SearchOptions
from autodet.search.order.space import PARAMETERS, Range
from autodet.search.start import start_search
from autodet.search.status.epoch_lines import EpochLines, progress_text
from autodet.server.streamlit_command import environment_with_secrets, start_app
from autodet.settings import load_settings
from autodet.terminal import PROGRAM, ProgressLine, say
from autodet.text_format import listed
from autodet.trash import TITLES
from autodet.workspace import open_workspace

Options = argparse.Namespace
KIND_TITLES = {"model": "model", "dataset": "data set"}
OTHER_KINDS: dict[str, Callable[[str], str]] = {"model": only_model_id, "dataset": only_dataset_id}


@dataclass(frozen=True)
class Answer:
    """Result of a command.

    Attributes:
        document: Output for ``--json``.
        text: Output for people.
        mistakes: Sentences about skipped inputs; they set the exit status to 2.
        failure: Sentence if the awaited work failed; it sets the exit status to 1.
        status: Exit status if nothing failed.
    """

    document: Any
    text: str
    mistakes: tuple[str, ...] = ()
    failure: str = ""
    status: int = 0


def app(options: Options) -> Answer:
    """Replace this process with the app's server."""
    settings = load_settings(environment_with_secrets(os.environ))
    start_app(settings, port=options.port, browser=not options.no_browser)
    raise AssertionError  # unreachable: start_app replaces the process


def search(options: Options) -> Answer:
    """Start a search, and wait for it unless ``--detach`` is given."""
    search = start_search(options.dataset, _search_options(options), name=options.name)
    if why := search.spec().why:
        say(plan_text(why))
    if options.detach:
        return status_answer(search, f"It runs in the background; '{PROGRAM} status {search.id}' shows its progress.")
    say(f"The search {search.id} has started.")
    status, failure = await_search(search)
    return Answer(status.to_json(), terminal.status_text(status), failure=failure)


def await_search(search: Search) -> tuple[SearchStatus, str]:
    """Wait for a search and print its progress; return its status, and a sentence if it failed or was interrupted."""
    try:
        with ProgressLine() as line:
            status = search.wait(on_change=_watcher(line), best_so_far=True)
    except KeyboardInterrupt:
        hint = f"The search {search.id} continues in the background; '{PROGRAM} stop {search.id}' stops it."
        raise KeyboardInterrupt(hint) from None
    failure = ""
    if status.state == "failed":
        failure = f"The search {search.id} failed. {status.message}"
    elif status.state == "interrupted":
        reason = status.message or f"The search {search.id} was interrupted."
        failure = f"{reason} '{PROGRAM} resume {search.id}' continues it."
    return status, failure


def _watcher(line: ProgressLine) -> Callable[[SearchStatus], None]:
    """Return a callback that prints a search's news above its progress line."""
    lines = EpochLines(say)

    def watch(status: SearchStatus) -> None:
        line.show("")
        lines(status)
        if status.active:
            line.show(progress_text(status))

    return watch


def _search_options(options: Options) -> SearchOptions:
    given = {name: value for name, value in vars(options).items() if name in OPTIONS}
    return SearchOptions(**given | {"lr_range": _lr_range(options), "space": _space(options)})


def _lr_range(options: Options) -> tuple[float, float] | None:
    """Return both ends of the range if at least one is given, else None."""
    usual = PARAMETERS["lr"].prior
    given = (options.lr_min, options.lr_max)
    if given == (None, None) or not isinstance(usual, Range):
        return None
    return (usual.low if given[0] is None else given[0], usual.high if given[1] is None else given[1])


def _space(options: Options) -> dict[str, Any]:
    """Return the search space given by ``--space``.

    Raises:
        SearchError: A parameter is given twice.
    """
    space: dict[str, Any] = {}
    for name, tried in options.space:
        if name in space:
            raise SearchError(f"--space names {name} twice; give each parameter once.")
        space[name] = tried
    return space


def status_answer(search: Search, hint: str = "") -> Answer:
    """Report the status of a search; of a follow-up also its result."""
    status = search.status()
    outcome = outcome_of(status)
    text = "\n\n".join(filter(None, [terminal.status_text(status), outcome_text(outcome), hint]))
    return Answer(status.to_json() | outcome_entry(outcome), text)


def status(options: Options) -> Answer:
    """Report the status of one search, or of all searches."""
    if options.search:
        return status_answer(find_search(options.search))
    statuses = list_searches()
    return Answer([status.to_json() for status in statuses], terminal.searches_text(statuses))


def stop(options: Options) -> Answer:
    """Stop a search."""
    search = find_search(options.search)
    search.stop()
    return status_answer(search, "It stops within seconds; the best model so far is kept.")


def resume(options: Options) -> Answer:
    """Resume a search."""
    search = find_search(options.search)
    search.resume()
    return status_answer(search, f"It continues in the background; '{PROGRAM} status {search.id}' shows its progress.")


def keep(options: Options) -> Answer:
    """Add a trial's model to the workspace."""
    model = find_search(options.search).keep(options.trial, options.name)
    return Answer(model.to_json(), terminal.models_text([model]))


def rename(options: Options) -> Answer:
    """Rename a model."""
    model = find_model(options.model)
    if is_in_the_making(model.id):
        raise SearchError(
            f"The search that makes {model.id!r} is still running; rename the model when it has finished."
        )
    renamed = rename_model(model.id, options.name)
    return Answer(renamed.to_json(), terminal.models_text([renamed]))


def delete(options: Options) -> Answer:
    """Delete a search, a model or a data set.

    Raises:
        NotFoundError: Nothing of that kind has that name; for a search, the message names other kinds that do.
    """
    if options.kind == "search":
        return _delete_search(options.name)
    deleted = (delete_model if options.kind == "model" else delete_dataset)(options.name)
    return Answer(asdict(deleted), terminal.deletion_text(deleted))


def restore(options: Options) -> Answer:
    """Restore a deleted search, model or data set from the trash."""
    restore_deleted(options.kind, options.name)
    text = f"The {TITLES[options.kind]} {options.name} is restored."
    return Answer({"kind": options.kind, "id": options.name}, text)


def _delete_search(name: str) -> Answer:
    try:
        search = find_only_search(name)
    except NotFoundError as error:
        others = [kind for kind, find in OTHER_KINDS.items() if _is_there(find, name)]
        if not others:
            raise
        there_is = listed([f"a {KIND_TITLES[kind]}" for kind in others])
        options = listed([f"--kind {kind}" for kind in others], "or")
        raise NotFoundError(
            f"There is no search {name!r}, so nothing was deleted. There is {there_is} of that name: add {options}."
        ) from error
    size = search.size_bytes()
    search.delete()
    stays = f"Models that '{PROGRAM} models' lists are kept."
    text = f"The search {search.id} was deleted. {terminal.trash_text('search', search.id, size)} {stays}"
    return Answer({"kind": "search", "id": search.id, "search": search.id, "freed_bytes": size}, text)


def _is_there(find: Callable[[str], object], name: str) -> bool:
    try:
        find(name)
    except NotFoundError:
        return False
    except AmbiguousNameError:
        pass
    return True


def evaluate(options: Options) -> Answer:
    """Evaluate a model on a split of a data set, or on labelled photos that are not imported."""
    model, path = find_model(options.model), path_of_photos(options.dataset)
    if options.decide and not path:
        raise DatasetError("--decide needs a path of photos; the decisions about a data set were made at its import.")
    from autodet.inference.detector import load_detector

    with ProgressLine() as line, _photos_of(options, path, line) as dataset:
        report = load_detector(model).evaluate(dataset, options.split, progress=line.show_photos)
        facts: dict[str, Any] = {"model": model.id, "dataset": dataset.id, "split": options.split}
        if path:
            found = dataset.to_json()
            facts |= {
                "dataset": None,
                "path": options.dataset,
                "format": found["format"],
                "problems": found["problems"],
            }
            facts["classes_unknown"] = unknown_classes(model.card, dataset)
    return Answer(report.to_json() | facts, terminal.report_text(report))


def _photos_of(options: Options, path: Path | None, line: ProgressLine) -> AbstractContextManager[Dataset]:
    if path is None:
        return nullcontext(load_dataset(options.dataset))
    show = lambda share, step: line.show(f"{share:4.0%}  {step_text(step)}")  # noqa: E731
    return temporary_dataset(path, open_workspace(), dict(options.decide), show)


def report(options: Options) -> Answer:
    """Write a report on a model.

    Raises:
        ModelError: Neither ``--out`` nor ``--json`` is given.
    """
    if not (options.out or options.json):
        raise ModelError("The report needs a place; add --out report.html, or --json to print it.")
    from autodet.search.report import report as make_report

    with ProgressLine() as line:
        made = make_report(
            options.model,
            options.dataset,
            options.split,
            options.out,
            progress=line.show_photos,
        )
    file = {"file": str(options.out)} if options.out else {}
    return Answer(made.to_json() | file, f"Wrote {options.out}." if options.out else "")


def compare(options: Options) -> Answer:
    """Compare two models on a split."""
    from autodet.inference.comparison import compare as compare_models

    with ProgressLine() as line:
        comparison = compare_models(
            options.a,
            options.b,
            options.dataset,
            options.split,
            progress=line.show_photos,
        )
    return Answer(comparison.to_json(), terminal.comparison_text(comparison))


def leaderboard(options: Options) -> Answer:
    """Rank the models that know the classes of a data set."""
    from autodet.search.leaderboard import leaderboard as rank_models

    with ProgressLine() as line:
        ranked = rank_models(options.dataset, options.split, evaluate=options.evaluate, progress=line.show_photos)
    return Answer(ranked.to_json(), leaderboard_text(ranked))


def predict(options: Options) -> Answer:
    """Detect objects on photos."""
    if not options.photos and not options.dataset:
        raise PhotoError("There is nothing to predict on; add a PHOTO or a folder, or a data set with --dataset.")
    more = dataset_photos(load_dataset(options.dataset), options.split) if options.dataset else ()
    model, selection = find_model(options.model), find_photos([*options.photos, *more])
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
    if options.int8 and options.format != "onnx":
        raise ModelError("--int8 is for ONNX files of models; leave out --format.")
    if options.data and not options.int8:
        raise ModelError("--data names the photos for --int8; add --int8, or leave out --data.")
    if options.format in LAYOUTS:
        dataset = load_dataset(options.name)
        written = export_dataset(dataset, options.format, options.out)
        document = {"dataset": dataset.id, "format": options.format, "file": str(written)}
        return Answer(document, f"Wrote {written}.")
    model = find_model(options.name)
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
            model, options.out, dataset, lambda step, done, total: line.show(f"{step}: photo {done} of {total}")
        )
    facts = {"model": model.id, "format": "onnx", "file": str(options.out)}
    return Answer(facts | {"int8": result.to_json()}, f"Wrote {options.out}. {quantization_text(result)}")


def models(_options: Options) -> Answer:
    """List the models."""
    models = list_models()
    documents = [model.to_json() | {"runtime": choose_runtime(model.card).name} for model in models]
    return Answer(documents, terminal.models_text(models))


# Photos and detections


def _document(photo: Path, prediction: Prediction, classes: Sequence[str]) -> dict[str, Any]:
    if prediction.error:
        return {"file": str(photo), "error": prediction.error}
    width, height = prediction.size_wh
    detections = _detections(prediction, classes)
    facts = {"width": width, "height": height, "truncated": prediction.truncated}
    return {"file": str(photo), "detections": detections} | facts


def _detections(prediction: Prediction, classes: Sequence[str]) -> list[dict[str, Any]]:
    return [
        {
            "class_id": class_id,
            "class": classes[class_id],
            "score": round(score, 4),
            "box": [round(side, 2) for side in box],
        }
        for class_id, score, box in zip(
            prediction.class_ids.tolist(), prediction.scores.tolist(), prediction.boxes_xyxy.tolist(), strict=True
        )
    ]


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
