"""A data set's photos as letterboxed squares, each decoded once if the cache has room."""

import hashlib
from collections.abc import Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor

import numpy as np
import torch
from PIL import Image
from torch import Tensor
from torch.utils.data import Dataset as TorchDataset

from autodet.datasets.manifest import Dataset
from autodet.datasets.photos import open_photo, read_photo
from autodet.errors import PhotoError
from autodet.models.detection import square_tensor
from autodet.models.letterbox import Letterbox
from autodet.records import ImageRecord
from autodet.training.class_balance import mosaic_shares
from autodet.training.image_cache import SquareCache
from autodet.training.transforms import MOSAICS, TrainingTransform, generator_of

Sample = tuple[Tensor, dict[str, Tensor]]


class Squares(TorchDataset[Sample]):
    """Photos of one split with their boxes in pixels of the square.

    Each decoding verifies the photo's checksum in the manifest; for a cached square that happens once per attempt of a
    trial.

    Args:
        dataset: The data set.
        records: The photos to serve, in this order.
        side: Side of the square in pixels.
        transform: Augmentation, or None to serve unmodified squares.
        cache: Cache of squares, which other splits may share; memory only if not given.
    """

    def __init__(
        self,
        dataset: Dataset,
        records: Sequence[ImageRecord],
        side: int,
        transform: TrainingTransform | None = None,
        cache: SquareCache | None = None,
    ) -> None:
        self.dataset, self.records, self.transform = dataset, records, transform
        self.letterboxes = [Letterbox.fit(record.width, record.height, side) for record in records]
        self._cache = cache or SquareCache((record.file for record in records), side)
        self._bounds = torch.from_numpy(np.cumsum(mosaic_shares(records))[:-1])
        self._turn = (0, 0)

    def begin_epoch(self, seed: int, epoch: int) -> None:
        """Switch to the augmentations of an epoch, which depend only on the trial's seed and the epoch."""
        self._turn = (seed, epoch)

    def __len__(self) -> int:
        return len(self.records)

    def __getitem__(self, index: int) -> Sample:
        """Return one square, uint8 (3, S, S), ``boxes`` (N, 4) and ``labels`` (N,), without difficult boxes.

        With a transform, the square differs in each epoch, and is often part of a mosaic with three others, which
        ``autodet.training.class_balance`` weights by class.
        """
        generator = generator_of(*self._turn, index)
        if self.transform is None:
            square, boxes, labels = self._marked(index)
        elif torch.rand((), generator=generator) < MOSAICS:
            others = torch.searchsorted(self._bounds, torch.rand(3, generator=generator)).tolist()
            squares, marked, named = zip(*map(self._marked, (index, *others)), strict=True)
            square, boxes, kept = self.transform.mosaic(squares, marked, generator)
            labels = torch.cat(named)[kept]
        else:
            square, boxes, labels = self._marked(index)
            square, boxes, kept = self.transform(square, boxes, generator)
            labels = labels[kept]
        return square, {"boxes": boxes, "labels": labels}

    def _marked(self, index: int) -> tuple[Tensor, Tensor, Tensor]:
        """Return an unmodified square, its boxes and their labels."""
        marked = self.records[index].annotations
        boxes = torch.from_numpy(self.letterboxes[index].to_square(marked.boxes_xyxy[~marked.difficult]))
        return self.square(index), boxes, torch.from_numpy(marked.class_ids[~marked.difficult])

    def decode(self, threads: int) -> Iterator[int]:
        """Decode the photos that are cached in memory, so that processes forked from this one have them too.

        Photos for the disk cache are decoded on first use: the forked processes share that cache.

        Args:
            threads: Number of photos decoded in parallel.

        Yields:
            The number of decoded photos, after each.
        """
        with ThreadPoolExecutor(threads) as pool:
            kept = [index for index, record in enumerate(self.records) if self._cache.is_for_memory(record.file)]
            yield from (count for count, _ in enumerate(pool.map(self.square, kept), start=1))

    def square(self, index: int) -> Tensor:
        """Return one photo in its square, uint8 (3, S, S).

        Raises:
            PhotoError: The photo can no longer be read, or has changed since the import.
        """
        file = self.records[index].file
        square = self._cache.get(file)
        if square is None:
            square = square_tensor(self.letterboxes[index].draw(self.photo(index)))
            self._cache.put(file, square)
        return square

    def photo(self, index: int) -> Image.Image:
        """Return one unmodified photo, RGB.

        Raises:
            PhotoError: The photo can no longer be read, or has changed since the import.
        """
        return open_photo(self._read(self.records[index]), self.records[index].file)

    def _read(self, record: ImageRecord) -> bytes:
        content = read_photo(str(self.dataset.photo(record)), record.file)
        if record.sha256 not in ("", hashlib.sha256(content).hexdigest()):
            raise PhotoError(
                f"The photo {record.file!r} of the data set {self.dataset.id} has changed since it was imported; put "
                "the original back, or import the data set again."
            )
        return content


def collate(samples: Sequence[Sample]) -> tuple[Tensor, list[dict[str, Tensor]]]:
    """Collate samples to a batch: squares (B, 3, S, S) and their targets."""
    squares, targets = zip(*samples, strict=True)
    return torch.stack(squares), list(targets)
