"""INT8 export: an ONNX file with static quantisation, and what it gains and loses.

The convolutions of the features get 8-bit weights per output channel and 8-bit activations, whose ranges are calibrated
on training photos (``onnxruntime.quantization``, QDQ format). The convolutions that predict scores and boxes, and all
that follows them, stay in float.
"""

import json
import time
from collections.abc import Callable, Iterator, Sequence
from dataclasses import replace
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import numpy as np
from numpy.typing import NDArray

from autodet.datasets.manifest import Dataset
from autodet.errors import ModelError
from autodet.inference.comparable_records import comparable_records
from autodet.inference.leakage import find_source
from autodet.inference.photo_batches import MAX_WORKERS, Square, Workers, draw_photo, predict_photos
from autodet.inference.runtime import has_torch, is_installed
from autodet.models.bundle import write_bundle
from autodet.models.letterbox import Letterbox
from autodet.models.model_card import ModelCard
from autodet.models.registry import ARCHITECTURES
from autodet.models.store import StoredModel
from autodet.records import EvaluationReport, ImageRecord, Prediction, Quantization
from autodet.training.device import cpu_cores
from autodet.workspace import open_workspace, write_atomically

Inputs = dict[str, NDArray[np.uint8]]
Progress = Callable[[str, int, int], None]

PACKAGES = ("onnx", "onnxruntime")
MAX_CALIBRATION_PHOTOS = 100
TIMED_RUNS = 15
BATCH = 4
INPUT, OUTPUTS = "square", ["boxes", "class_ids", "scores"]
# Operators between two convolutions that 8 bits suit; any other ends the features.
FEATURE_OPERATORS = (
    *("Conv", "LeakyRelu", "Relu", "Clip", "Sigmoid", "HardSigmoid", "HardSwish", "Mul", "Add", "Concat", "MaxPool"),
    *("GlobalAveragePool", "Resize"),
)


def can_export_int8(card: ModelCard) -> bool:
    """Return whether the packages for an INT8 export are installed, and the model has an ONNX graph or can get one."""
    architecture = ARCHITECTURES.get(card.architecture)
    has_graph = bool(card.graph_sha256) or bool(architecture and architecture.onnx and has_torch())
    return has_graph and not card.only_predicts and all(map(is_installed, PACKAGES))


def export_int8(
    model: StoredModel,
    path: Path,
    dataset: Dataset | None = None,
    progress: Progress = lambda _step, _done, _total: None,
    *,
    as_bundle: bool = False,
) -> Quantization:
    """Export a model to an ONNX file with 8-bit convolutions, and measure it on validation photos.

    Args:
        model: The model.
        path: The output file; an existing file is replaced.
        dataset: The data set with the training and validation photos; defaults to the one that the model was trained
            on, if it is in the workspace.
        progress: Callback that receives the step (``calibrate``, ``float`` or ``int8``), and the number of its photos
            done and in total.
        as_bundle: Whether to write a bundle that only predicts, with the measured metrics in its card, instead of an
            ONNX file.

    Returns:
        Metrics, latencies and sizes of both files. The metadata of the written file repeats them.

    Raises:
        ModelError: A package is missing; there is no such data set, or it lacks training or validation photos or has
            other classes; the network cannot be exported or quantised; or the file cannot be written.
        BundleError: The model is damaged.
        PhotoError: A photo cannot be read.
    """
    if missing := [package for package in PACKAGES if not is_installed(package)]:
        raise ModelError(
            f"Exporting to INT8 needs the package {missing[0]}: run 'pip install {missing[0]}' and try again."
        )
    from autodet.inference.onnx_export import export_onnx

    dataset = dataset or own_dataset(model)
    measured = comparable_records(model.card, dataset, "val")
    calibration = _spread(comparable_records(model.card, dataset, "train"))
    with TemporaryDirectory() as folder:
        plain, quantized = Path(folder) / "float", Path(folder) / "int8"
        export_onnx(model, plain)
        quantize(plain, quantized, _inputs(model.card, dataset, calibration, progress))
        before, after = (_evaluated(file, model.card, dataset, measured, progress) for file in (plain, quantized))
        result = Quantization(
            dataset=dataset.id,
            calibration_photos=len(calibration),
            measured_photos=len(measured),
            map50=(before.map50, after.map50),
            map50_95=(before.map50_95, after.map50_95),
            milliseconds=_latencies((plain, quantized), next(_inputs(model.card, dataset, calibration[:1]))),
            size_bytes=(plain.stat().st_size, quantized.stat().st_size),
        )
        content = _with_result(plain, quantized, result)
    try:
        if as_bundle:
            write_bundle(path, _measured(model.card, result), b"", content)
        else:
            write_atomically(path, content)
    except OSError as error:
        raise ModelError(f"{path} cannot be written: {error.strerror}; choose another place.") from error
    return result


def _measured(card: ModelCard, result: Quantization) -> ModelCard:
    """Return the card of the model with 8 bits."""
    metrics = {**card.metrics, "map50": result.map50[1], "map50_95": result.map50_95[1]}
    photos = result.measured_photos
    return replace(card, metrics=metrics, latency_ms=result.milliseconds[1], class_ap50={}, measured_photos=photos)


def own_dataset(model: StoredModel) -> Dataset:
    """Return the data set that a model was trained on.

    Raises:
        ModelError: It is not in the workspace.
    """
    source = find_source(model.card.as_origin(model.id), open_workspace())
    if source is None:
        raise ModelError(
            f"The data set {model.card.dataset}, which the model {model.card.name} was trained on, is not here, so "
            "there are no photos to calibrate 8 bits on; import it, or name a data set like it with 'export --data'."
        )
    return source


def _spread(records: Sequence[ImageRecord]) -> Sequence[ImageRecord]:
    """Return at most ``MAX_CALIBRATION_PHOTOS``, spread over all."""
    step = max(1.0, len(records) / MAX_CALIBRATION_PHOTOS)
    return [records[int(place * step)] for place in range(min(len(records), MAX_CALIBRATION_PHOTOS))]


def _inputs(
    card: ModelCard,
    dataset: Dataset,
    records: Sequence[ImageRecord],
    progress: Progress = lambda _step, _done, _total: None,
) -> Iterator[Inputs]:
    for done, record in enumerate(records, start=1):
        square, _ = draw_photo(dataset.photo(record), record.file, card.image_size)
        progress("calibrate", done, len(records))
        yield {INPUT: square.transpose(2, 0, 1)[None]}


class _Calibration:
    """Inputs of a graph, as ``onnxruntime.quantization`` takes them."""

    def __init__(self, inputs: Iterator[Inputs]) -> None:
        self._inputs = inputs

    def get_next(self) -> Inputs | None:
        """Return the next input; None at the end."""
        return next(self._inputs, None)


def quantize(plain: Path, quantized: Path, inputs: Iterator[Inputs]) -> None:
    """Quantise the convolutions of a graph's features.

    Raises:
        ModelError: There are none.
    """
    import onnx
    from onnxruntime.quantization import QuantType, quantize_static
    from onnxruntime.quantization.shape_inference import quant_pre_process

    prepared = plain.with_name("prepared")
    quant_pre_process(plain, prepared, skip_symbolic_shape=True)
    features = _feature_nodes(onnx.load(prepared).graph.node)
    if not features:
        raise ModelError("This network has no convolutions that can have 8 bits; export it without --int8.")
    quantize_static(
        prepared,
        quantized,
        _Calibration(inputs),
        per_channel=True,
        activation_type=QuantType.QUInt8,
        nodes_to_quantize=features,
    )
    graph = onnx.load(quantized)  # it lists every operator domain that ONNX Runtime knows
    for version in [version for version in graph.opset_import if version.domain]:
        graph.opset_import.remove(version)
    onnx.save(graph, quantized)


def _feature_nodes(nodes: Sequence[Any]) -> list[str]:
    """Return the names of the nodes of a graph that lie before its last convolutions.

    Args:
        nodes: The nodes, each after those that it depends on.
    """
    before: set[str] = set()  # values that a later convolution needs
    names = []
    for node in reversed(nodes):
        if node.op_type in FEATURE_OPERATORS and before.intersection(node.output):
            names.append(node.name)
            before.update(node.input)
        elif node.op_type == "Conv":
            before.update(node.input[:1])
    return names


def _evaluated(
    graph: Path, card: ModelCard, dataset: Dataset, records: Sequence[ImageRecord], progress: Progress
) -> EvaluationReport:
    from autodet.evaluation.report import evaluate_predictions

    session = _session(graph)

    def detect(squares: Sequence[Square], letterboxes: Sequence[Letterbox]) -> list[Prediction]:
        return [_detect(session, *one) for one in zip(squares, letterboxes, strict=True)]

    predictions = []
    photos = ((dataset.photo(record), record.file) for record in records)
    workers = Workers(min(cpu_cores(), MAX_WORKERS), BATCH, detect, detect)
    for prediction in predict_photos(photos, card.image_size, workers):
        if isinstance(prediction, Exception):
            raise prediction
        predictions.append(prediction)
        progress(graph.name, len(predictions), len(records))
    return evaluate_predictions(records, predictions, card.classes)


def _detect(session: Any, square: Square, letterbox: Letterbox) -> Prediction:
    boxes, class_ids, scores = session.run(OUTPUTS, {INPUT: square.transpose(2, 0, 1)[None]})
    boxes_xyxy = letterbox.to_photo(boxes)
    visible = (boxes_xyxy[:, 2] > boxes_xyxy[:, 0]) & (boxes_xyxy[:, 3] > boxes_xyxy[:, 1])
    size_wh = letterbox.width, letterbox.height
    return Prediction.of(boxes_xyxy[visible], class_ids[visible], scores[visible], size_wh=size_wh)


def _latencies(graphs: tuple[Path, Path], inputs: Inputs) -> tuple[float, float]:
    """Return the milliseconds of both graphs on one core, as ``autodet.training.latency`` measures them."""
    sessions = [_session(graph) for graph in graphs]
    seconds: tuple[list[float], list[float]] = [], []
    for _ in range(TIMED_RUNS):
        for session, measured in zip(sessions, seconds, strict=True):
            started = time.thread_time()  # a session with one thread works in the calling one
            session.run(OUTPUTS, inputs)
            measured.append(time.thread_time() - started)
    before, after = (float(f"{1000 * min(measured):.2g}") for measured in seconds)
    return before, after


def _session(graph: Path) -> Any:
    import onnxruntime

    options = onnxruntime.SessionOptions()
    options.intra_op_num_threads = 1
    options.log_severity_level = 3
    return onnxruntime.InferenceSession(graph, options, providers=["CPUExecutionProvider"])


def _with_result(plain: Path, quantized: Path, result: Quantization) -> bytes:
    """Return the quantised graph with the metadata of the plain one and the result."""
    import onnx

    graph = onnx.load(quantized)
    del graph.metadata_props[:]
    graph.metadata_props.extend(onnx.load(plain).metadata_props)
    graph.metadata_props.add(key="quantization", value=json.dumps(result.to_json(), ensure_ascii=False))
    content: bytes = graph.SerializeToString()
    return content
