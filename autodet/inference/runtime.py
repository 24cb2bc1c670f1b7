"""Runtimes: what computes a network's detections, ONNX Runtime or torch, and the choice between them."""

from collections.abc import Generator, Iterable, Sequence
from contextlib import suppress
from dataclasses import dataclass
from importlib.util import find_spec
from typing import Literal, Protocol

from autodet.datasets.photo_sources import Photo
from autodet.errors import ModelError
from autodet.inference.photo_batches import Square, Workers, predict_photos
from autodet.inference.tiles import Tiling
from autodet.models.letterbox import Letterbox
from autodet.models.model_card import ModelCard
from autodet.records import Prediction
from autodet.training.device import gpu_count

RuntimeName = Literal["onnx", "torch"]
RuntimeReason = Literal["quicker", "no_torch", "gpu", "device", "no_graph", "no_onnxruntime", "only_graph"]
RUNTIMES: tuple[RuntimeName, ...] = ("onnx", "torch")


class Runtime(Protocol):
    """A loaded network.

    Attributes:
        name: ``onnx`` or ``torch``.
        device: ``cpu``, ``cuda:0`` and so on.
        limit: Maximum number of objects that the network detects per photo.
    """

    name: RuntimeName
    device: str
    limit: int

    def predict(
        self, photos: Iterable[tuple[Photo, str]], side: int, tiling: Tiling | None = None
    ) -> Generator[Prediction | Exception]:
        """Yield an unfiltered prediction on each photo, in order, or the error that opening it raised.

        Args:
            photos: Photos and their names for error messages.
            side: Side of the square in pixels that the network takes.
            tiling: Tiles of large photos, which are predicted on as well; None for none.
        """


class LocalRuntime:
    """Base of the runtimes of this process: detection on squares, side by side if there are many photos."""

    def detect(self, squares: Sequence[Square], letterboxes: Sequence[Letterbox]) -> list[Prediction]:
        """Detect objects on photos.

        Args:
            squares: Letterboxed photos, uint8, shape (S, S, 3), RGB.
            letterboxes: Position of each photo in its square.

        Returns:
            One unfiltered prediction per square, with boxes in pixels of the photo.
        """
        raise NotImplementedError

    def workers(self) -> Workers:
        """Return the threads that share the cores of this machine when there are many photos."""
        raise NotImplementedError

    def predict(
        self, photos: Iterable[tuple[Photo, str]], side: int, tiling: Tiling | None = None
    ) -> Generator[Prediction | Exception]:
        """See ``Runtime.predict``."""
        return predict_photos(photos, side, self.workers(), tiling)


@dataclass(frozen=True)
class RuntimeChoice:
    """The runtime for a model on this machine.

    Attributes:
        name: ``onnx`` or ``torch``.
        reason: Why; ``autodet.messages.runtimes`` words it.
    """

    name: RuntimeName
    reason: RuntimeReason


def choose_runtime(card: ModelCard | None = None, device: str | None = None) -> RuntimeChoice:
    """Return the runtime for a model, without importing either.

    On a CPU, ONNX Runtime is quicker than torch for all networks measured (docs/models.md).

    Args:
        card: The model; None for any model with an ONNX graph.
        device: Requested torch device; None for the best of this machine.
    """
    if not is_installed("onnxruntime"):
        return RuntimeChoice("torch", "no_onnxruntime")
    if card and not card.graph_sha256:
        return RuntimeChoice("torch", "no_graph")
    if not has_torch() or (card and card.only_predicts):
        return RuntimeChoice("onnx", "only_graph" if has_torch() else "no_torch")
    if device not in (None, "cpu"):
        return RuntimeChoice("torch", "device")
    if device is None and gpu_count():
        return RuntimeChoice("torch", "gpu")
    return RuntimeChoice("onnx", "quicker")


def has_torch() -> bool:
    """Return whether torch and torchvision are installed, without importing them."""
    return is_installed("torch") and is_installed("torchvision")


def is_installed(package: str) -> bool:
    """Return whether a package can be imported, without importing it."""
    with suppress(ImportError):
        return find_spec(package) is not None
    return False


def check_runtime(name: object) -> None:
    """Check a user's choice.

    Raises:
        ModelError: It is not a runtime.
    """
    if name is not None and name not in RUNTIMES:
        raise ModelError(f"The runtime is {name!r}; give 'onnx' or 'torch', or leave it out.")
