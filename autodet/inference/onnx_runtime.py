"""Predictions with ONNX Runtime, on a CPU, without torch."""

import os
import re
from collections.abc import Sequence
from functools import cache, cached_property, partial
from typing import Any

import numpy as np
import onnxruntime

from autodet.errors import BundleError, ModelError
from autodet.inference.photo_batches import MAX_WORKERS, Square, Workers
from autodet.inference.runtime import LocalRuntime, RuntimeName
from autodet.models.letterbox import Letterbox
from autodet.models.model_card import ModelCard
from autodet.records import Prediction
from autodet.training.device import cpu_cores

BATCH = 4
MAX_MEMORY_BYTES = 4_000_000_000  # of all graphs' intermediate results together
INPUT, OUTPUTS = "square", ["boxes", "class_ids", "scores"]
TYPES = ["tensor(float)", "tensor(int64)", "tensor(float)"]
SAME_AS_REQUESTED = 1  # the arena grows by what is needed, not by doubling
FATAL = 4  # log level: errors arrive as exceptions


class OnnxRuntime(LocalRuntime):
    """A graph in ONNX Runtime; see ``autodet.inference.runtime.Runtime``.

    Args:
        graph: The graph of a bundle, checked by ``autodet.models.onnx_graph.check_graph``.
        card: Card of the bundle.

    Raises:
        BundleError: The graph cannot be used; the message ends a sentence.
    """

    name: RuntimeName = "onnx"
    device = "cpu"

    def __init__(self, graph: bytes, card: ModelCard) -> None:
        self._graph, self._classes = graph, len(card.classes)
        self._session = open_session(graph, _threads())
        self.limit = int(self._session.get_modelmeta().custom_metadata_map["max_detections"])
        shape = [1, 3, card.image_size, card.image_size]
        inputs = [(one.name, one.type, one.shape) for one in self._session.get_inputs()]
        outputs = {one.name: one.type for one in self._session.get_outputs()}
        if inputs != [(INPUT, "tensor(uint8)", shape)] or outputs != dict(zip(OUTPUTS, TYPES, strict=True)):
            raise BundleError("its ONNX graph has other inputs or outputs than those of a detector")

    def detect(self, squares: Sequence[Square], letterboxes: Sequence[Letterbox]) -> list[Prediction]:
        """Detect objects on photos, one square after the other.

        Raises:
            ModelError: The graph fails on a square, needs too much memory, or does not return detections.
        """
        return self._detect_all(self._session, squares, letterboxes)

    def workers(self) -> Workers:
        """Return a thread per core, which all use one session that computes in the calling thread."""
        detect = partial(self._detect_all, self._one_core_session)
        return Workers(min(_threads(), MAX_WORKERS), BATCH, detect, self.detect)

    @cached_property
    def _one_core_session(self) -> Any:
        return self._session if _threads() == 1 else open_session(self._graph, 1)

    def _detect_all(
        self, session: Any, squares: Sequence[Square], letterboxes: Sequence[Letterbox]
    ) -> list[Prediction]:
        return [self._detect(session, *one) for one in zip(squares, letterboxes, strict=True)]

    def _detect(self, session: Any, square: Square, letterbox: Letterbox) -> Prediction:
        pixels = np.ascontiguousarray(square.transpose(2, 0, 1)[None])
        try:
            boxes, class_ids, scores = session.run(OUTPUTS, {INPUT: pixels})
        except Exception as error:  # ONNX Runtime has no common class for its errors
            raise ModelError("The model's ONNX graph failed on a photo; use a model that autodet wrote.") from error
        count = len(scores) if scores.ndim == 1 else -1
        is_sound = (
            0 <= count <= self.limit
            and (boxes.shape, class_ids.shape) == ((count, 4), (count,))
            and bool(np.isfinite(boxes).all())
            and bool(((class_ids >= 0) & (class_ids < self._classes) & (scores >= 0) & (scores <= 1)).all())
        )
        if not is_sound:
            raise ModelError("The model's ONNX graph does not return detections; use a model that autodet wrote.")
        return letterbox.prediction(boxes, class_ids, scores, self.limit)


def open_session(graph: bytes, threads: int) -> Any:
    """Load a graph from memory, with bounded memory for its intermediate results.

    Args:
        graph: The serialised graph, checked.
        threads: Number of threads; with 1, it computes in the calling thread.

    Raises:
        BundleError: ONNX Runtime cannot load it; the message ends a sentence.
    """
    _share_bounded_memory()
    options = onnxruntime.SessionOptions()
    options.log_severity_level = FATAL
    options.intra_op_num_threads = threads
    options.add_session_config_entry("session.intra_op.allow_spinning", "0")  # as autodet/__init__.py has it for torch
    options.add_session_config_entry("session.use_env_allocators", "1")
    try:
        # Folding constants would use memory outside the bound; the exporter has folded them already.
        return onnxruntime.InferenceSession(
            graph, options, providers=["CPUExecutionProvider"], disabled_optimizers=["ConstantFolding"]
        )
    except Exception as error:  # ONNX Runtime has no common class for its errors
        raise BundleError("ONNX Runtime cannot load its ONNX graph") from error


def _threads() -> int:
    """Return the number of threads, as torch has it."""
    wanted = os.environ.get("OMP_NUM_THREADS", "")
    return int(wanted) if re.fullmatch(r"[1-9]\d{0,3}", wanted) else cpu_cores()


@cache
def _share_bounded_memory() -> None:
    """Let the sessions of this process share one bounded memory pool."""
    memory = onnxruntime.OrtMemoryInfo(
        "Cpu", onnxruntime.OrtAllocatorType.ORT_ARENA_ALLOCATOR, 0, onnxruntime.OrtMemType.DEFAULT
    )
    bounds = {"max_mem": MAX_MEMORY_BYTES, "arena_extend_strategy": SAME_AS_REQUESTED}
    onnxruntime.create_and_register_allocator(memory, onnxruntime.OrtArenaCfg(bounds))
