"""A data set's photos as letterboxed squares: decoded once, kept in memory as far as it goes."""

import hashlib
from collections.abc import Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor

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
from autodet.training.transforms import TrainingTransform

CACHE_BYTES = 2_000_000_000

Sample = tuple[Tensor, dict[str, Tensor]]


class Squares(TorchDataset[Sample]):
    """Photos of one split with their boxes, in pixels of the square.

    Args:
        dataset: The data set.
        records: The photos to serve, in this order.
        side: Side of the square in pixels.
        transform: Augmentation, or None to serve the squares as they are.
        cache_bytes: How much memory may be used to keep them.
    """

    def __init__(
        self,
        dataset: Dataset,
        records: Sequence[ImageRecord],
        side: int,
        transform: TrainingTransform | None = None,
        cache_bytes: int = CACHE_BYTES,
    ) -> None:
        self.dataset, self.records, self.transform = dataset, records, transform
        self.letterboxes = [Letterbox.fit(record.width, record.height, side) for record in records]
        self._cache: dict[int, Tensor] = {}
        self._cache_size = cache_bytes // (3 * side * side)

    def __len__(self) -> int:
        return len(self.records)

    def __getitem__(self, index: int) -> Sample:
        """One square, uint8 (3, S, S), and ``boxes`` (N, 4) and ``labels`` (N,); difficult boxes are left out."""
        marked = self.records[index].annotations
        boxes = torch.from_numpy(self.letterboxes[index].to_square(marked.boxes_xyxy[~marked.difficult]))
        labels = torch.from_numpy(marked.class_ids[~marked.difficult])
        square = self.square(index)
        if self.transform:
            square, boxes, kept = self.transform(square, boxes)
            labels = labels[kept]
        return square, {"boxes": boxes, "labels": labels}

    def decode(self, threads: int) -> Iterator[int]:
        """Read photos until the memory for them is full, so that processes forked from this one have them too.

        Args:
            threads: How many photos at a time.

        Yields:
            How many are there, after each.
        """
        with ThreadPoolExecutor(threads) as pool:
            first = range(min(len(self), self._cache_size))
            yield from (count for count, _ in enumerate(pool.map(self.square, first), start=1))

    def square(self, index: int) -> Tensor:
        """One photo in its square, uint8 (3, S, S).

        Raises:
            PhotoError: The photo cannot be read any more, or is another one by now.
        """
        square = self._cache.get(index)
        if square is None:
            square = square_tensor(self.letterboxes[index].draw(self.photo(index)))
            if len(self._cache) < self._cache_size:
                self._cache[index] = square
        return square

    def photo(self, index: int) -> Image.Image:
        """One photo as it is, RGB.

        Raises:
            PhotoError: The photo cannot be read any more, or is another one by now.
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
    """A batch: squares (B, 3, S, S) and their targets."""
    squares, targets = zip(*samples, strict=True)
    return torch.stack(squares), list(targets)
