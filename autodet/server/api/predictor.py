"""Predictions for requests, in the process that predicts for the pages.

Photos that wait for the same model go to the process together, so that all cores work on them. One such request is
under way at a time: a page waits for one at most.
"""

import asyncio
from collections import OrderedDict, deque
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from itertools import islice
from pathlib import Path
from typing import TYPE_CHECKING

from autodet.errors import AutodetError, PhotoError
from autodet.inference.prediction_process import BATCH
from autodet.models.store import StoredModel
from autodet.records import Prediction

if TYPE_CHECKING:
    from autodet.inference.detector import Detector

MAX_REMEMBERED = 32  # detectors: facts only, as the models are loaded in the process


@dataclass(eq=False)
class _Wanted:
    model: StoredModel
    photo: tuple[bytes, str]
    tiles: bool
    answer: "asyncio.Future[Prediction]"


class Predictor:
    """Predicts on photos in order of arrival; for one event loop."""

    def __init__(self) -> None:
        self._waiting: deque[_Wanted] = deque()
        self._work: asyncio.Task[None] | None = None
        self._thread = ThreadPoolExecutor(1, "autodet-api")
        self._detectors: OrderedDict[Path, Detector] = OrderedDict()

    async def predict(self, model: StoredModel, content: bytes, name: str, *, tiles: bool = False) -> Prediction:
        """Detect objects on a photo; a cancelled call is dropped if its prediction has not begun.

        Args:
            model: The model.
            content: The bytes of the photo's file.
            name: Its name, for error messages.
            tiles: Whether to predict on tiles of a large photo too; see ``Detector.predict``.

        Returns:
            The prediction, including detections of low confidence.

        Raises:
            PhotoError: The photo cannot be read.
            BusyError: Too many predictions of pages are waiting.
            ModelError: The model cannot be used, or the prediction process ended repeatedly.
        """
        wanted = _Wanted(model, (content, name), tiles, asyncio.get_running_loop().create_future())
        self._waiting.append(wanted)
        if self._work is None or self._work.done():
            self._work = asyncio.create_task(self._serve())
        try:
            return await wanted.answer
        finally:
            if wanted in self._waiting:
                self._waiting.remove(wanted)

    async def _serve(self) -> None:
        while self._waiting:
            batch = self._next_batch()
            results = await self._results(batch)
            for wanted, result in zip(batch, results, strict=True):
                if wanted.answer.done():  # cancelled
                    continue
                if isinstance(result, Prediction):
                    wanted.answer.set_result(result)
                else:
                    wanted.answer.set_exception(result)

    def _next_batch(self) -> list[_Wanted]:
        """Take the first photo, and the next ones for the same model; one on tiles is alone, because it takes long."""
        first = self._waiting[0]
        others = (one for one in self._waiting if not first.tiles and not one.tiles and one.model == first.model)
        batch = list(islice(others, BATCH)) or [first]
        self._waiting = deque(wanted for wanted in self._waiting if wanted not in batch)
        return batch

    async def _results(self, batch: list[_Wanted]) -> list[Prediction | Exception]:
        """Return what became of each photo; if several fail together, each gets its own attempt."""
        try:
            return list(await asyncio.get_running_loop().run_in_executor(self._thread, self._predictions, batch))
        except Exception as error:
            if len(batch) == 1 or not isinstance(error, AutodetError):
                return [error] * len(batch)
            return [result for wanted in batch for result in await self._results([wanted])]

    def _predictions(self, batch: list[_Wanted]) -> list[Prediction | Exception]:
        detector = self._detector(batch[0].model)
        predictions = detector.predict_named([wanted.photo for wanted in batch], 0.0, "return", tiles=batch[0].tiles)
        return [PhotoError(prediction.error) if prediction.error else prediction for prediction in predictions]

    def _detector(self, model: StoredModel) -> "Detector":
        from autodet.inference.detector import load_detector_apart

        known = self._detectors.pop(model.path, None)
        if known is None or known.card != model.card:  # the model was replaced
            known = load_detector_apart(model)
        self._detectors[model.path] = known
        while len(self._detectors) > MAX_REMEMBERED:
            self._detectors.popitem(last=False)
        return known
