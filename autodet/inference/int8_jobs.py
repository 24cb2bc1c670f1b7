"""INT8 exports in the background; the file and its measured loss and gain are kept beside the model."""

import json
from contextlib import suppress
from pathlib import Path

from autodet.access.change import change
from autodet.datasets.manifest import Dataset
from autodet.inference.background_jobs import Job, find_job, start_job
from autodet.inference.int8_export import export_int8, own_dataset
from autodet.inference.job_process import Report, run_apart
from autodet.models.onnx_graph import read_metadata
from autodet.models.store import StoredModel
from autodet.records import Quantization

FILE = "int8.onnx"
UNEXPECTED = "The 8-bit export failed unexpectedly; the app's log has the details. Try again."


def start_int8(model: StoredModel) -> Job:
    """Export a model to 8 bits in the background, calibrated and measured on its own data set.

    Returns:
        The new job, or the existing one if the same export is already waiting or running.

    Raises:
        AccessError: The visitor may not change anything.
        ModelError: The data set is not in the workspace.
    """
    dataset = own_dataset(model)
    with change("export to 8 bits", model.id, dataset.workspace):
        return start_job(_key(model), lambda job: run_apart(job, _export, model, dataset), UNEXPECTED)


def find_int8(model: StoredModel) -> Job | None:
    """Return the waiting, running or failed export of a model; None if there is none or it has succeeded."""
    return find_job(_key(model))


def kept_int8(model: StoredModel) -> tuple[Path, Quantization] | None:
    """Return the 8-bit file that is kept beside a model and what it gains and loses; None if its weights have none."""
    path = model.path.with_name(FILE)
    with suppress(OSError, ValueError, TypeError, KeyError):  # there is none, or it is damaged
        metadata = read_metadata(path.read_bytes())
        if metadata["weights_sha256"] == model.card.weights_sha256:
            return path, Quantization.from_json(json.loads(metadata["quantization"]))
    return None


def _export(model: StoredModel, dataset: Dataset, report: Report) -> None:
    export_int8(model, model.path.with_name(FILE), dataset, report)


def _key(model: StoredModel) -> tuple[str, ...]:
    return "int8", str(model.path), model.card.weights_sha256
