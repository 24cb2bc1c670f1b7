"""The commands of the command line: each takes the options that ``arguments`` describes, and answers."""

import argparse
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from autodet import terminal
from autodet.datasets.exporting import LAYOUTS, export_dataset
from autodet.datasets.importing import import_dataset
from autodet.datasets.manifest import list_datasets, load_dataset
from autodet.datasets.photos import PHOTO_ENDINGS, open_photo
from autodet.datasets.sources.s3.access import ANONYMOUS, Identity, S3Credentials
from autodet.datasets.versions.deriving import Changes, plan_version, store_version
from autodet.datasets.versions.differences import differences_to_json
from autodet.datasets.versions.resplitting import Resplit
from autodet.errors import DatasetError, PhotoError, SearchError
from autodet.models.store import find_model, list_models, rename_model
from autodet.records import Prediction, SearchStatus
from autodet.search.control import Search, find_search, is_in_the_making, list_searches
from autodet.search.epoch_lines import EpochLines, progress_text
from autodet.search.space import PARAMETERS, Range
from autodet.search.starting import start_search
from autodet.terminal import PROGRAM, ProgressLine, say
from autodet.words import size_text

Options = argparse.Namespace


@dataclass(frozen=True)
class Answer:
    """What a command found out.

    Attributes:
        document: For ``--json``.
        text: For people.
        mistakes: Sentences about what was left out of it; they make the exit status 2.
        failure: A sentence if what was waited for failed; it makes the exit status 1.
    """

    document: Any
    text: str
    mistakes: tuple[str, ...] = ()
    failure: str = ""


def import_source(options: Options) -> Answer:
    """Import labelled photos."""
    with ProgressLine() as line:
        dataset = import_dataset(
            options.source,
            options.name,
            format=options.format,
            seed=options.seed,
            decisions=dict(options.decide),
            credentials=_credentials(options),
            progress=lambda share, doing: line.show(f"{share:4.0%}  {doing}"),
        )
    return Answer(dataset.to_json(), terminal.dataset_text(dataset))


def _credentials(options: Options) -> S3Credentials:
    """Who asks an S3 server: keys are never given on a command line, where others can read them."""
    if options.anonymous:
        return replace(ANONYMOUS, endpoint=options.endpoint)
    identity: Identity = "profile" if options.profile else "machine"
    return S3Credentials(identity=identity, profile=options.profile, endpoint=options.endpoint)


def derive(options: Options) -> Answer:
    """Make a new version of a data set."""
    parent = load_dataset(options.dataset)
    version = plan_version(parent, _changes(options))
    document = {
        "parent": parent.id,
        "changes": list(version.changes),
        "counts": differences_to_json(version.differences()),
        "groups": len(version.groups),
    }
    if options.dry_run:
        return Answer({"dataset": None} | document, terminal.version_text(version))
    dataset = store_version(version, options.name)
    return Answer(dataset.to_json() | document, terminal.version_text(version, dataset))


def _changes(options: Options) -> Changes:
    """What ``derive`` was asked to change.

    Raises:
        DatasetError: A class is renamed twice, or the draw of splits is described but not asked for.
    """
    rename = dict(options.rename)
    if len(rename) < len(options.rename):
        raise DatasetError("A class is renamed twice; give each OLD=NEW once.")
    described = options.seed is not None or options.group_by or options.unstratified
    if described and not options.split:
        raise DatasetError(
            "--seed, --group-by and --unstratified say how splits are drawn; add the shares, such as --split 70,15,15."
        )
    resplit = None
    if options.split:
        resplit = Resplit(options.split, options.seed or 0, not options.unstratified, options.group_by)
    return Changes(rename, options.drop, options.emptied, resplit)


def search(options: Options) -> Answer:
    """Start a search, and wait for it unless asked not to."""
    search = start_search(
        options.dataset,
        trials=options.trials,
        epochs=options.epochs,
        time_limit=options.time_limit,
        lr_range=_lr_range(options),
        preset=options.preset,
        architecture=options.architecture,
        space=_space(options),
        sampler=options.sampler,
        pruner=options.pruner,
        patience=options.patience,
        objective=options.objective,
        device=options.device,
        executor=options.executor,
        start_from=options.start_from,
        warm_start=options.warm_start,
        repeat=options.repeat,
        refit=options.refit,
        seed=options.seed,
        name=options.name,
    )
    if why := search.spec().why:
        say(why)
    if caution := search.status().caution:
        say(caution)
    if options.detach:
        return _status_answer(search, f"It runs in the background; '{PROGRAM} status {search.id}' says how far it is.")
    try:
        say(f"The search {search.id} has started.")
        with ProgressLine() as line:
            status = search.wait(on_change=_watcher(line), best_so_far=True)
    except KeyboardInterrupt:
        hint = f"The search {search.id} goes on in the background; '{PROGRAM} stop {search.id}' stops it."
        raise KeyboardInterrupt(hint) from None
    failure = ""
    if status.state == "failed":
        failure = f"The search {search.id} failed. {status.message}"
    elif status.state == "interrupted":
        reason = status.message or f"The search {search.id} was interrupted."
        failure = f"{reason} '{PROGRAM} resume {search.id}' carries it on."
    return Answer(status.to_json(), terminal.status_text(status), failure=failure)


def _watcher(line: ProgressLine) -> Callable[[SearchStatus], None]:
    """Prints news of a search above a line that shows its progress."""
    lines = EpochLines(say)

    def watch(status: SearchStatus) -> None:
        line.show("")
        lines(status)
        if status.active:
            line.show(progress_text(status))

    return watch


def _lr_range(options: Options) -> tuple[float, float] | None:
    """Both ends if one is given; None if neither is."""
    usual = PARAMETERS["lr"].prior
    given = (options.lr_min, options.lr_max)
    if given == (None, None) or not isinstance(usual, Range):
        return None
    return (usual.low if given[0] is None else given[0], usual.high if given[1] is None else given[1])


def _space(options: Options) -> dict[str, Any]:
    """What ``--space`` asks for.

    Raises:
        SearchError: A parameter is given twice.
    """
    space: dict[str, Any] = {}
    for name, tried in options.space:
        if name in space:
            raise SearchError(f"--space names {name} twice; give each parameter once.")
        space[name] = tried
    return space


def _status_answer(search: Search, hint: str = "") -> Answer:
    status = search.status()
    return Answer(status.to_json(), "\n\n".join(filter(None, [terminal.status_text(status), hint])))


def status(options: Options) -> Answer:
    """Say what a search, or every search, is doing."""
    if options.search:
        return _status_answer(find_search(options.search))
    statuses = list_searches()
    return Answer([status.to_json() for status in statuses], terminal.searches_text(statuses))


def stop(options: Options) -> Answer:
    """Stop a search."""
    search = find_search(options.search)
    search.stop()
    return _status_answer(search, "It stops within seconds; the best model so far is kept.")


def resume(options: Options) -> Answer:
    """Carry on a search."""
    search = find_search(options.search)
    search.resume()
    return _status_answer(search, f"It goes on in the background; '{PROGRAM} status {search.id}' says how far it is.")


def keep(options: Options) -> Answer:
    """Make a trial's model one of the workspace."""
    model = find_search(options.search).keep(options.trial, options.name)
    return Answer(model.to_json(), terminal.models_text([model]))


def rename(options: Options) -> Answer:
    """Call a model otherwise."""
    model = find_model(options.model)
    if is_in_the_making(model.id):
        raise SearchError(f"The search that makes {model.id!r} is still running; rename it once that is over.")
    renamed = rename_model(model.id, options.name)
    return Answer(renamed.to_json(), terminal.models_text([renamed]))


def delete(options: Options) -> Answer:
    """Delete a search."""
    search = find_search(options.search)
    size = search.size_bytes()
    search.delete()
    stays = f"What '{PROGRAM} models' lists stays."
    text = f"The search {search.id} is deleted, which freed {size_text(size)}. {stays}"
    return Answer({"search": search.id, "freed_bytes": size}, text)


def evaluate(options: Options) -> Answer:
    """Measure a model on a split."""
    model, dataset = find_model(options.model), load_dataset(options.dataset)
    from autodet.inference.detector import load_detector
    from autodet.inference.known_photos import learnt_photos_sentence

    with ProgressLine() as line:
        report = load_detector(model).evaluate(
            dataset, options.split, progress=lambda done, total: line.show(f"Photo {done} of {total}")
        )
    if warning := learnt_photos_sentence(model.card, dataset, options.split):
        say(warning)
    return Answer(report.to_json(), terminal.report_text(report))


def predict(options: Options) -> Answer:
    """Find the objects on photos."""
    model, photos = find_model(options.model), _photos(options.photos)
    if options.out:
        options.out.mkdir(parents=True, exist_ok=True)
    from autodet.inference.detector import load_detector
    from autodet.inference.drawing import draw_boxes

    detector = load_detector(model)
    documents, mistakes, taken = [], [], set[str]()
    for photo in photos:
        try:
            image = open_photo(photo, str(photo))
            prediction = detector.predict_many([image], options.threshold)[0]
        except PhotoError as error:
            mistakes.append(str(error))
            continue
        documents.append({"file": str(photo), "detections": _detections(prediction, detector.classes)})
        if options.out:
            drawn = draw_boxes(image, prediction.boxes_xyxy, prediction.class_ids, detector.classes, prediction.scores)
            drawn.save(options.out / _annotated_name(photo, taken), quality=92)
    return Answer(documents, terminal.detections_text(documents), tuple(mistakes))


def export(options: Options) -> Answer:
    """Write a model, or a data set, as a file."""
    if options.format in LAYOUTS:
        dataset = load_dataset(options.name)
        written = export_dataset(dataset, options.format, options.out)
        document = {"dataset": dataset.id, "format": options.format, "file": str(written)}
        return Answer(document, f"Wrote {written}.")
    model = find_model(options.name)
    if options.format == "onnx":
        from autodet.inference.onnx_export import export_onnx

        export_onnx(model, options.out)
        written = options.out
    else:
        from autodet.inference.detector import load_detector

        written = load_detector(model, device="cpu").save(options.out)
    document = {"model": model.id, "format": options.format, "file": str(written)}
    return Answer(document, f"Wrote {written}.")


def datasets(_options: Options) -> Answer:
    """List the data sets."""
    datasets = list_datasets()
    return Answer([dataset.to_json() for dataset in datasets], terminal.datasets_text(datasets))


def models(_options: Options) -> Answer:
    """List the models."""
    models = list_models()
    return Answer([model.to_json() for model in models], terminal.models_text(models))


# Photos and what is found on them


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


def _photos(given: Iterable[Path]) -> list[Path]:
    """Files as given, and the photos in folders.

    Raises:
        PhotoError: There are none in a folder.
    """
    photos = []
    for path in given:
        found = [path]
        if path.is_dir():
            found = sorted(file for file in path.rglob("*") if file.suffix.lower() in PHOTO_ENDINGS)
        if not found:
            raise PhotoError(f"The folder {str(path)!r} holds no photos; give one with JPEG, PNG, WEBP or BMP files.")
        photos += found
    return photos


def _annotated_name(photo: Path, taken: set[str]) -> str:
    """A name beside which the photo itself can lie; numbered where two photos have one name."""
    name, number = f"{photo.stem}-boxes.jpg", 1
    while name.casefold() in taken:
        number += 1
        name = f"{photo.stem}-boxes-{number}.jpg"
    taken.add(name.casefold())
    return name
