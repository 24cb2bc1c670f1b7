"""The commands of the command line that list, name and export models."""

from autodet import terminal
from autodet.commands import Answer, Options
from autodet.datasets.drafts.export import export_drafts
from autodet.datasets.export import export_dataset
from autodet.datasets.label_layouts import LAYOUTS
from autodet.datasets.manifest import load_dataset
from autodet.errors import ModelError, SearchError
from autodet.inference.runtime import choose_runtime
from autodet.messages.quantization import quantization_text
from autodet.models.store import StoredModel, find_model, list_models, rename_model
from autodet.registry.bundles import find_any_model
from autodet.search.api import is_in_the_making
from autodet.terminal import ProgressLine


def export(options: Options) -> Answer:
    """Write a model or a data set to a file.

    Raises:
        ModelError: ``--int8``, ``--data`` or ``--drafts`` does not go with the other options.
    """
    if options.int8 and options.format not in ("onnx", "autodet"):
        raise ModelError("--int8 is for models; leave out --format, or give onnx or autodet.")
    if options.data and not options.int8:
        raise ModelError("--data names the photos for --int8; add --int8, or leave out --data.")
    if options.drafts and options.format not in LAYOUTS:
        raise ModelError(f"--drafts is for data sets; give --format {', '.join(LAYOUTS)}.")
    if options.format in LAYOUTS:
        dataset = load_dataset(options.name)
        written = (export_drafts if options.drafts else export_dataset)(dataset, options.format, options.out)
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
