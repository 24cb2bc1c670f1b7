"""Predictions on many photos, in batches on all cores.

Each worker thread takes batches from the file to the boxes. On a CPU each has a core of its own: cores that share every
operation wait for each other a thousand times per batch, and other load on one core delays all. For a GPU, the others
draw while one detects.
"""

import math
from collections import deque
from collections.abc import Callable, Generator, Iterable, Iterator, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import nullcontext, suppress
from dataclasses import dataclass
from itertools import islice
from pathlib import Path
from threading import Lock

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from autodet.datasets.photo_sources import Photo, file_or_bytes
from autodet.datasets.photos import open_photo
from autodet.errors import PhotoError
from autodet.inference.tile_merge import merge_tiles
from autodet.inference.tiles import Tile, Tiling
from autodet.models.letterbox import Letterbox
from autodet.records import Prediction

MAX_WORKERS = 8
TILE_BATCH = 4
LARGE_BYTES = 8_000_000  # of a file; decoded, a photo of 50 megapixels takes 400 MB

Square = NDArray[np.uint8]
Drawn = tuple[Square, Letterbox]
Detect = Callable[[Sequence[Square], Sequence[Letterbox]], list[Prediction]]

_large_photo = Lock()


def _nothing() -> None:
    pass


@dataclass(frozen=True)
class Workers:
    """Threads that predict side by side.

    Attributes:
        count: Number of threads.
        batch: Maximum number of photos per batch.
        detect: Detects objects on squares, uint8, shape (S, S, 3), with their letterboxes; called by all threads.
        detect_one: The same for a single photo, with all cores; called in the calling thread.
        enter: Called by each thread at its start.
        leave: Called in the calling thread when all have ended.
    """

    count: int
    batch: int
    detect: Detect
    detect_one: Detect
    enter: Callable[[], None] = _nothing
    leave: Callable[[], None] = _nothing


@dataclass(frozen=True)
class _Unopened:
    source: Path | bytes
    name: str

    @property
    def is_large(self) -> bool:
        if isinstance(self.source, bytes):
            return len(self.source) > LARGE_BYTES
        with suppress(OSError, ValueError):  # opening it reports the error
            return self.source.stat().st_size > LARGE_BYTES
        return False


@dataclass(frozen=True)
class _Cut:
    """A large photo with its tiles."""

    photo: Image.Image
    tiles: tuple[Tile, ...]
    small_object: float


_Ready = Drawn | _Cut


class _SourceError(Exception):
    """The iterable of photos itself failed, for the reason in ``__cause__``."""


def predict_photos(
    photos: Iterable[tuple[Photo, str]], side: int, workers: Workers, tiling: Tiling | None = None
) -> Generator[Prediction | Exception]:
    """Yield the prediction on each photo, in order, or the error that opening it raised.

    The iterable is consumed in the calling thread, only as far ahead as the workers need. An error that it raises is
    raised after the predictions on the photos before. The threads end with the iterator, also if it is closed early.

    Args:
        photos: Photos and their names for error messages.
        side: Side of the square in pixels.
        workers: The threads; a single photo is left to the calling thread and its cores.
        tiling: Tiles of large photos, which are predicted on as well; None for none. Each thread takes one photo then.
    """
    given = _given(photos, side, tiling)
    batch = 1 if tiling else workers.batch
    under_way: deque[Future[list[Prediction | Exception]]] = deque()
    pool = ThreadPoolExecutor(workers.count, "autodet-photos", workers.enter)
    try:
        while several := list(islice(given, workers.count * batch)):
            if len(several) == 1 and not under_way:
                yield from _checked(_predict(several, side, workers.detect_one, tiling))
                continue
            size = math.ceil(len(several) / workers.count)  # the last batches are smaller, so that all workers have one
            for at in range(0, len(several), size):
                under_way.append(pool.submit(_predict, several[at : at + size], side, workers.detect, tiling))
                if len(under_way) > workers.count:
                    yield from _checked(under_way.popleft().result())
        while under_way:
            yield from _checked(under_way.popleft().result())
    finally:
        pool.shutdown(cancel_futures=True)
        workers.leave()


def draw_photo(photo: Photo, name: str, side: int) -> Drawn:
    """Open a photo and draw its square.

    Args:
        photo: The photo, in any form that ``open_photo`` accepts.
        name: The user's name of the photo, for error messages; defaults to its file name.
        side: Side of the square in pixels.

    Raises:
        PhotoError: The photo cannot be read.
    """
    return _draw(open_photo(photo, name), side)


def _draw(photo: Image.Image, side: int) -> Drawn:
    letterbox = Letterbox.fit(photo.width, photo.height, side)
    return letterbox.draw(photo), letterbox


def _prepare(photo: Photo, name: str, side: int, tiling: Tiling | None) -> _Ready:
    opened = open_photo(photo, name)
    if tiling and (tiles := tiling.tiles(opened.width, opened.height)):
        return _Cut(opened, tiles, tiling.small_object)
    return _draw(opened, side)


def _given(
    photos: Iterable[tuple[Photo, str]], side: int, tiling: Tiling | None
) -> Iterator[_Unopened | _Ready | Exception]:
    """Yield photos that the workers may open, and the squares of the others.

    Only files and bytes can wait for a worker: an open file, an image or an array may change as soon as the caller has
    the control again.
    """
    try:
        for photo, name in photos:
            try:
                is_open = isinstance(photo, np.ndarray | Image.Image)
                if is_open:
                    yield _prepare(photo, name, side, tiling)
                else:
                    yield _Unopened(file_or_bytes(photo, name), name)
            except PhotoError as error:
                yield error
    except Exception as error:
        failure = _SourceError()
        failure.__cause__ = error
        yield failure


def _predict(
    given: Sequence[_Unopened | _Ready | Exception], side: int, detect: Detect, tiling: Tiling | None
) -> list[Prediction | Exception]:
    results = [_opened(one, side, tiling) if isinstance(one, _Unopened) else one for one in given]
    drawn = [result for result in results if isinstance(result, tuple)]
    predictions = iter(detect(*zip(*drawn, strict=True)) if drawn else ())
    return [
        next(predictions)
        if isinstance(result, tuple)
        else _predict_tiles(result, side, detect)
        if isinstance(result, _Cut)
        else result
        for result in results
    ]


def _predict_tiles(cut: _Cut, side: int, detect: Detect) -> Prediction:
    """Detect objects on a photo and on its tiles, a few at a time, and merge the detections."""
    views = iter([cut.photo, *map(cut.photo.crop, cut.tiles)])
    seen: list[Prediction] = []
    while several := [_draw(view, side) for view in islice(views, TILE_BATCH)]:
        seen += detect(*zip(*several, strict=True))
    whole, *tiles = seen
    return merge_tiles(whole, list(zip(cut.tiles, tiles, strict=True)), cut.small_object)


def _opened(photo: _Unopened, side: int, tiling: Tiling | None) -> _Ready | Exception:
    try:
        with _large_photo if photo.is_large else nullcontext():
            return _prepare(photo.source, photo.name, side, tiling)
    except Exception as error:
        return error


def _checked(results: Sequence[Prediction | Exception]) -> Generator[Prediction | Exception]:
    for result in results:
        if isinstance(result, _SourceError) and result.__cause__:
            raise result.__cause__
        yield result
