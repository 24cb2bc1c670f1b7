"""Tiles: overlapping squares of a large photo, on which its objects appear as large as in training.

A photo that is larger than the training photos is predicted as a whole and in tiles; ``tile_merge`` merges the
detections. A tile has the side of the median training photo. Tiles overlap by the size of a median object, so that such
an object lies whole on at least one tile.
"""

import math
from dataclasses import dataclass, replace
from typing import Self

from autodet.models.model_card import ModelCard

LARGE = 1.5  # times the median training photo: photos from this size on are cut into tiles
MAX_TILES = 64  # of a photo; a photo that needs more gets larger tiles
MIN_OVERLAP, MAX_OVERLAP = 0.2, 0.5  # of neighbouring tiles, as a share of their side

Tile = tuple[int, int, int, int]  # x1, y1, x2, y2 in pixels of the photo


@dataclass(frozen=True)
class Tiling:
    """The tiles for one model.

    Attributes:
        side: Side of a tile in pixels of the photo.
        overlap: Overlap of neighbouring tiles, as a share of the side.
        least: Longer side of a photo in pixels from which it is cut into tiles.
        small_object: Side of a small object of the training as a share of its photo's longer side; 0 if not known.
    """

    side: int
    overlap: float
    least: float
    small_object: float = 0.0

    @classmethod
    def of(cls, card: ModelCard) -> Self:
        """Return the tiling for a model; one that does not know its training photos gets tiles of its photo size."""
        sizes = card.trained_sizes
        if not sizes:
            return cls(card.image_size, MIN_OVERLAP, LARGE * card.image_size)
        overlap = min(max(sizes.object_side / sizes.photo_side, MIN_OVERLAP), MAX_OVERLAP)
        return cls(sizes.photo_side, overlap, LARGE * sizes.photo_side, sizes.small_object)

    def tiles(self, width: int, height: int) -> tuple[Tile, ...]:
        """Return the tiles of a photo, row by row, at most ``MAX_TILES``; none if the photo is not large."""
        if max(width, height) < self.least:
            return ()
        fitted = self
        while fitted._needs_too_many(width, height):
            fitted = replace(fitted, side=math.ceil(fitted.side * 1.05))
        return fitted._all_tiles(width, height)

    def is_capped(self, width: int, height: int) -> bool:
        """Return whether a photo needs more tiles than ``MAX_TILES``, so that they are larger than ``side``."""
        return max(width, height) >= self.least and self._needs_too_many(width, height)

    def _needs_too_many(self, width: int, height: int) -> bool:
        return self._count(width) * self._count(height) > MAX_TILES

    def _count(self, length: int) -> int:
        """Return the number of tiles along one side of a photo."""
        step = self.side * (1 - self.overlap)
        return 1 if length <= self.side else 1 + math.ceil((length - self.side) / step)

    def _all_tiles(self, width: int, height: int) -> tuple[Tile, ...]:
        across, down = (min(self.side, length) for length in (width, height))
        return tuple(
            (left, top, left + across, top + down) for top in self._starts(height) for left in self._starts(width)
        )

    def _starts(self, length: int) -> list[int]:
        """Return the first pixel of each tile along one side of a photo, evenly spaced."""
        count = self._count(length)
        return [round(number * (length - self.side) / (count - 1)) for number in range(count)] if count > 1 else [0]
