"""Predictions for the pages, in a separate process.

The server thus needs neither torch nor memory for models and decoded photos, and survives a photo that needs too much
memory. One process serves all visitors, in order of arrival, and ends after some time without requests.
"""

import threading
from collections.abc import Generator, Iterable, Iterator, Sequence
from concurrent.futures import Future
from dataclasses import dataclass
from functools import cache
from itertools import islice
from queue import Empty, Full, Queue

from autodet.datasets.photo_sources import Photo
from autodet.errors import BusyError, ModelError
from autodet.inference.runtime import RuntimeName
from autodet.inference.tiles import Tiling
from autodet.models.model_card import ModelCard
from autodet.models.store import StoredModel
from autodet.processes import Child, start_child
from autodet.records import Prediction

MAX_WAITING = 32  # requests
BATCH = 8  # photos of a request, so that other requests run between those of a long job
IDLE_SECONDS = 300.0
DEADLINE_SECONDS = 300.0
ATTEMPTS = 2
MODULE = "autodet.inference.prediction_worker"


@dataclass(frozen=True)
class Request:
    """Photos for a model, each with its name for error messages; without photos, the model is only loaded.

    Attributes:
        model: The model.
        photos: The photos with their names.
        tiling: Tiles of large photos, which are predicted on as well; None for none.
    """

    model: StoredModel
    photos: Sequence[tuple[Photo, str]] = ()
    tiling: Tiling | None = None


@dataclass(frozen=True)
class Answer:
    """A loaded model, and the prediction or the error of each photo.

    Attributes:
        card: Card of the model's file.
        name: Runtime that computes the predictions.
        device: Its device.
        limit: Maximum number of objects that the network detects per photo.
        results: One unfiltered prediction, or the error that opening it raised, per photo of the request.
    """

    card: ModelCard
    name: RuntimeName
    device: str
    limit: int
    results: tuple[Prediction | Exception, ...] = ()


class PredictionProcess:
    """A process that predicts, started on the first request.

    Args:
        idle_seconds: Time without requests after which the process ends and frees its memory.
        deadline_seconds: Maximum time of a request, after which the process is killed; applies to the next request.
    """

    def __init__(self, idle_seconds: float = IDLE_SECONDS, deadline_seconds: float = DEADLINE_SECONDS) -> None:
        self._idle_seconds, self.deadline_seconds = idle_seconds, deadline_seconds
        self._requests: Queue[tuple[Request, Future[Answer]]] = Queue(MAX_WAITING)
        self._child: Child | None = None
        threading.Thread(target=self._serve, name="autodet-predictions", daemon=True).start()

    @property
    def pid(self) -> int | None:
        """Process id of the running process; None if there is none."""
        child = self._child
        return child.process.pid if child else None

    def ask(self, request: Request) -> Answer:
        """Send a request and wait for its answer.

        Raises:
            BusyError: Too many requests are waiting.
            AutodetError: The model cannot be used.
            ModelError: The process ended or exceeded the deadline.
        """
        answer: Future[Answer] = Future()
        try:
            self._requests.put_nowait((request, answer))
        except Full:
            raise BusyError("Too many photos are waiting for a prediction right now; try again in a minute.") from None
        return answer.result()

    def _serve(self) -> None:
        while True:
            try:
                request, answer = self._requests.get(timeout=self._idle_seconds if self._child else None)
            except Empty:
                self._end_child()
                continue
            try:
                answer.set_result(self._answer(request))
            except BaseException as error:
                answer.set_exception(error)

    def _answer(self, request: Request) -> Answer:
        for _ in range(ATTEMPTS):
            child = self._child = self._child or start_child(MODULE)
            try:
                child.connection.send(request)
                if not child.connection.poll(self.deadline_seconds):
                    self._end_child()
                    seconds = f"{self.deadline_seconds:.0f} seconds"
                    raise ModelError(f"A prediction took more than {seconds} and was ended; try smaller photos.")
                answer: Answer | Exception = child.connection.recv()
            except (EOFError, OSError):  # killed, or crashed
                self._end_child()
                continue
            if isinstance(answer, Exception):
                raise answer
            return answer
        raise ModelError(
            "The prediction process ended twice, probably for lack of memory; try fewer or smaller photos."
        )

    def _end_child(self) -> None:
        child, self._child = self._child, None
        if child:
            child.end()


@cache
def _shared_process() -> PredictionProcess:
    return PredictionProcess()


@dataclass
class RuntimeApart:
    """A model in a prediction process; see ``autodet.inference.runtime.Runtime``. It does not accept open files."""

    model: StoredModel
    process: PredictionProcess
    name: RuntimeName
    device: str
    limit: int

    def predict(
        self, photos: Iterable[tuple[Photo, str]], side: int, tiling: Tiling | None = None
    ) -> Generator[Prediction | Exception]:
        """See ``autodet.inference.runtime.Runtime.predict``; the side is that of the model's card.

        Raises:
            BusyError: Too many requests are waiting.
            ModelError: The process ended or exceeded the deadline.
        """
        del side
        for several in _batches(photos, 1 if tiling else BATCH):
            yield from self.process.ask(Request(self.model, several, tiling)).results


def _batches(photos: Iterable[tuple[Photo, str]], size: int) -> Iterator[tuple[tuple[Photo, str], ...]]:
    iterator = iter(photos)
    while several := tuple(islice(iterator, size)):
        yield several


def load_runtime_apart(model: StoredModel, process: PredictionProcess | None = None) -> tuple[ModelCard, RuntimeApart]:
    """Load a model in a prediction process.

    Args:
        model: The model.
        process: The process; by default the one that all pages share.

    Returns:
        The card of the file as it is now, and the runtime.

    Raises:
        BundleError: The file is damaged or modified, or its weights or its graph do not fit its description.
        BusyError: Too many requests are waiting.
        ModelError: The model needs a runtime that is not installed.
    """
    process = process or _shared_process()
    answer = process.ask(Request(model))
    return answer.card, RuntimeApart(model, process, answer.name, answer.device, answer.limit)
