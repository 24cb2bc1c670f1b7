"""Predictions on a visitor's photos in the background, so that they continue after the visitor leaves the page.

Each batch asks for few photos at a time (``prediction_process.BATCH``), so that the batches of several visitors take
turns. It keeps predictions and checksums, and no decoded photo.
"""

import hashlib
import logging
import threading
import time
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from autodet.access.quota import Quota, Use
from autodet.access.visitor import for_current_visitor
from autodet.datasets.photos import photo_header, read_photo
from autodet.errors import ModelError, PhotoError, sentence_for
from autodet.inference.detector import Detector
from autodet.inference.prediction_process import BATCH
from autodet.records import MIN_SCORE, Prediction
from autodet.settings import load_settings

MAX_REMEMBERED = 5000
UNEXPECTED = "The predictions stopped; the app's log has the details. Try again."

NamedPhoto = tuple[Path | bytes, str]  # a photo's file or its content, and its name for error messages
Way = tuple[str, bool]  # the version of a model, and whether it predicts on tiles of large photos too

log = logging.getLogger("autodet.prediction_batches")


@dataclass(frozen=True, eq=False)
class Result:
    """The prediction on one photo.

    Attributes:
        sha256: Checksum of the photo's content, or another text if its file cannot be opened.
        prediction: Unfiltered detections; ``error`` tells why the photo could not be read.
    """

    sha256: str
    prediction: Prediction


class SessionPredictions:
    """The predictions of one session: within the quotas of a demo, and remembered by the photo's checksum.

    Thread-safe.

    Args:
        session: Identifies the session.
        quota: The quotas of all sessions.
    """

    def __init__(self, session: str, quota: Quota) -> None:
        self._session, self._quota = session, quota
        self._remembered: dict[tuple[str, Way], Prediction] = {}
        self._lock = threading.Lock()

    def predict(self, detector: Detector, way: Way, photos: Sequence[NamedPhoto]) -> Iterator[Result]:
        """Yield the result of each photo, in order, with at most ``BATCH`` photos in one request.

        Args:
            detector: The model.
            way: The version of the model, and whether to predict on tiles.
            photos: The photos.

        Raises:
            BusyError: Too many requests are waiting.
            QuotaError: The visitor's quota, or that of all visitors, is used up.
            ModelError: The prediction process ended or exceeded the deadline.
        """
        left = list(photos)
        while left:
            several = left[: 1 if way[1] else BATCH]
            try:
                results = self._predict_some(detector, way, several)
            except ModelError:  # perhaps one photo takes too much memory or time
                results = self._predict_singly(detector, way, several)
            yield from results
            left = left[len(results) :]

    def _predict_singly(self, detector: Detector, way: Way, photos: Sequence[NamedPhoto]) -> list[Result]:
        """Return the result of each photo, in requests of their own; raise the last error if all fail."""
        results, errors = [], 0
        for photo in photos:
            try:
                results += self._predict_some(detector, way, [photo])
            except ModelError as error:
                errors += 1
                if errors == len(photos) > 1:
                    raise
                results.append(Result("", Prediction.of([], [], [], error=f"{photo[1]!r}: {error}")))
        return results

    def _predict_some(self, detector: Detector, way: Way, photos: Sequence[NamedPhoto]) -> list[Result]:
        """Return the results of the first photos, at least one: as many as the quotas allow."""
        checksums = [_checksum(*photo) for photo in photos]
        known = {checksum: self._find(checksum, way) for checksum in checksums}
        wanted: dict[str, NamedPhoto] = {}
        for checksum, photo in zip(checksums, photos, strict=True):
            if known[checksum] is None:
                wanted.setdefault(checksum, photo)
        if wanted:
            uses = (_use(*photo) for photo in wanted.values())
            with self._quota.predictions(self._session, uses, load_settings()) as allowed:
                given = list(wanted.values())[:allowed]
                known |= zip(wanted, detector.predict_named(given, MIN_SCORE, "return", tiles=way[1]), strict=False)
        results = []
        for photo, checksum in zip(photos, checksums, strict=True):
            prediction = known[checksum]
            if prediction is None or (prediction.error and wanted[checksum] != photo):  # the error names another file
                break
            if not prediction.error:
                self._remember(checksum, way, prediction)
            results.append(Result(checksum, prediction))
        return results

    def _find(self, checksum: str, way: Way) -> Prediction | None:
        with self._lock:
            return self._remembered.get((checksum, way))

    def _remember(self, checksum: str, way: Way, prediction: Prediction) -> None:
        with self._lock:
            self._remembered[checksum, way] = prediction
            while len(self._remembered) > MAX_REMEMBERED:
                del self._remembered[next(iter(self._remembered))]


class PredictionBatch:
    """Predictions of one model on a visitor's photos, in a thread, in the order in which the photos are given.

    Args:
        session: Predictions of the visitor's session.
        detector: The model.
        way: The version of the model, and whether to predict on tiles.
        photos: The photos; one that is given twice counts once.
        earlier: Results of an earlier batch of the same way; those of these photos are kept.
    """

    def __init__(
        self,
        session: SessionPredictions,
        detector: Detector,
        way: Way,
        photos: Sequence[NamedPhoto],
        earlier: Mapping[NamedPhoto, Result],
    ) -> None:
        self.photos, self.way = tuple(dict.fromkeys(photos)), way
        self._session, self._detector = session, detector
        self._results = {photo: earlier[photo] for photo in self.photos if photo in earlier}
        self._error = ""
        self._run: _Run | None = None
        self._thread: threading.Thread | None = None

    @property
    def under_way(self) -> bool:
        """Whether predictions are being made."""
        return bool(self._run and not self._run.ended)

    @property
    def error(self) -> str:
        """Sentence that tells why the predictions ended before the last photo; empty if they did not."""
        return self._error

    @property
    def results(self) -> dict[NamedPhoto, Result]:
        """The results so far, by photo, in the order of the photos."""
        return {photo: self._results[photo] for photo in self.photos if photo in self._results}

    @property
    def left(self) -> int:
        """Number of photos without a result."""
        return len(self.photos) - len(self._results)

    @property
    def seconds_left(self) -> float | None:
        """Time until the last photo is done, extrapolated; None before the first one is done."""
        run = self._run
        done = len(self._results) - run.known if run else 0
        return (time.monotonic() - run.started) / done * self.left if run and done else None

    def start(self) -> None:
        """Predict on the photos without a result, for the current visitor; does nothing if that is under way."""
        if not self.under_way and self.left:
            self._error, self._run = "", _Run(len(self._results), time.monotonic())
            work = for_current_visitor(self._predict)
            self._thread = threading.Thread(target=work, args=(self._run,), name="autodet-batch", daemon=True)
            self._thread.start()

    def cancel(self) -> None:
        """End after the request that is under way; ``start`` continues."""
        if self._run:
            self._run.ended = True

    def wait(self, seconds: float) -> None:
        """Wait until the predictions end, at most for some time."""
        if self._thread:
            self._thread.join(seconds)

    def _predict(self, run: "_Run") -> None:
        missing = [photo for photo in self.photos if photo not in self._results]
        results = self._session.predict(self._detector, self.way, missing)
        try:
            for photo, result in zip(missing, results, strict=True):
                self._results[photo] = result
                if run.ended:  # cancelled
                    return
        except Exception as error:  # thread boundary
            if not run.ended:
                self._error = sentence_for(error) or UNEXPECTED
                log.exception("A batch of predictions stopped.")
        run.ended = True


@dataclass
class _Run:
    """One run of a batch's thread: the results at its start, its start, and whether it has ended or was cancelled."""

    known: int
    started: float
    ended: bool = False


def _checksum(source: Path | bytes, name: str) -> str:
    try:
        content = source if isinstance(source, bytes) else read_photo(str(source), name)
    except PhotoError:  # the prediction has the error
        return f"unread {name}"
    return hashlib.sha256(content).hexdigest()


def _use(source: Path | bytes, name: str) -> Use:
    try:
        content = source if isinstance(source, bytes) else read_photo(str(source), name)
        return Use.of_photo(photo_header(content, name).stored_wh, len(content))
    except PhotoError:
        return Use(1)
