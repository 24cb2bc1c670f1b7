"""The space of photo features: neighbours, near-duplicates, unusual photos, doubtful labels, and a map.

Vectors have length 1, so that the product of two is their cosine similarity: 1 for equal photos.
``autodet.inference.photo_features`` computes them.
"""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from autodet.records import FloatArray, IntArray

CHUNK = 512  # rows that are compared with all others at once
NEIGHBOURS = 10
USUAL_NEIGHBOURS = 5  # whose mean distance tells how unusual a photo is
TINY_DISTANCE = 0.005  # of photos that are nearly the same
CLOSE_SHARE, USUAL_PLACE = 0.28, 5  # or this share of the distance to the neighbour in this place, counted from 0
MAJORITY = 0.5  # share of the votes that speaks against a label
NO_NEIGHBOUR = -1.0  # similarity of photos that must not be compared


@dataclass(frozen=True, eq=False)
class Neighbours:
    """The most similar others of each photo or object, most similar first.

    Attributes:
        indices: Shape (N, K), int64; K is smaller than asked for if there are few.
        similarities: Cosine similarities, shape (N, K), float32; ``NO_NEIGHBOUR`` marks an entry that does not count.
    """

    indices: IntArray
    similarities: FloatArray


@dataclass(frozen=True, eq=False)
class FeatureMap:
    """Photos in two dimensions.

    Attributes:
        points: Coordinates, shape (N, 2), float32.
        shares: Share of the spread (variance) of all vectors that each axis shows, 0 to 1.
    """

    points: FloatArray
    shares: tuple[float, float]


def find_neighbours(vectors: FloatArray, count: int = NEIGHBOURS, groups: IntArray | None = None) -> Neighbours:
    """Find the nearest neighbours of each vector.

    Takes time proportional to N², and memory proportional to N.

    Args:
        vectors: Shape (N, D), of length 1.
        count: Number of neighbours.
        groups: Group of each vector, shape (N,); members of one group, such as objects on one photo, are no neighbours.
    """
    owners = np.arange(len(vectors)) if groups is None else groups
    count = min(count, max(0, len(vectors) - 1))
    indices = np.zeros((len(vectors), count), np.int64)
    similarities = np.zeros((len(vectors), count), np.float32)
    for start in range(0, len(vectors) if count else 0, CHUNK):
        rows = slice(start, start + CHUNK)
        similar = vectors[rows] @ vectors.T
        similar[owners[rows, None] == owners] = NO_NEIGHBOUR
        nearest = np.argpartition(-similar, count - 1, axis=1)[:, :count]
        found = np.take_along_axis(similar, nearest, axis=1)
        order = np.argsort(-found, axis=1, kind="stable")
        indices[rows] = np.take_along_axis(nearest, order, axis=1)
        similarities[rows] = np.take_along_axis(found, order, axis=1)
    return Neighbours(indices, similarities.clip(NO_NEIGHBOUR, 1))


def nearest(vectors: FloatArray, index: int, count: int) -> list[int]:
    """Return the indices of the vectors that are most similar to one of them, without it, most similar first."""
    order: list[int] = np.argsort(-(vectors @ vectors[index]), kind="stable").tolist()
    order.remove(index)
    return order[:count]


def near_duplicates(neighbours: Neighbours) -> list[tuple[int, int, float]]:
    """Return pairs of photos that are nearly the same, each once, with their similarity, the most similar first.

    Their distance is tiny, as between frames of a film, or far smaller than that to other similar photos: how similar
    different photos are depends on the data set. docs/experiments/photo-features.md has the measurements.
    """
    distances = 1 - neighbours.similarities
    limits = np.full(len(distances), TINY_DISTANCE)
    if distances.shape[1] > USUAL_PLACE:
        limits = np.maximum(limits, CLOSE_SHARE * distances[:, USUAL_PLACE])
    rows, columns = np.nonzero(distances <= np.minimum(limits[:, None], limits[neighbours.indices]))
    others, similarities = neighbours.indices[rows, columns], neighbours.similarities[rows, columns]
    pairs = {
        (min(one, other), max(one, other)): similarity
        for one, other, similarity in zip(rows.tolist(), others.tolist(), similarities.tolist(), strict=True)
    }
    return sorted(((*pair, similarity) for pair, similarity in pairs.items()), key=lambda pair: (-pair[2], pair))


def unusual_first(neighbours: Neighbours) -> IntArray:
    """Return all indices, ordered by the mean distance to the nearest neighbours, the farthest first."""
    closeness = neighbours.similarities[:, :USUAL_NEIGHBOURS].sum(axis=1)
    return np.argsort(closeness, kind="stable")


def class_votes(neighbours: Neighbours, class_ids: IntArray, class_count: int) -> FloatArray:
    """Return the share of each class among the neighbours of each object, weighted by similarity.

    Args:
        neighbours: Neighbours of the objects.
        class_ids: Class of each object as labelled, shape (M,).
        class_count: Number of classes.

    Returns:
        Shape (M, class_count), each row with the sum 1, or 0 without neighbours.
    """
    votes = np.zeros((len(class_ids), class_count), np.float32)
    weights = neighbours.similarities.clip(0)
    rows = np.repeat(np.arange(len(class_ids)), neighbours.indices.shape[1])
    np.add.at(votes, (rows, class_ids[neighbours.indices].reshape(-1)), weights.reshape(-1))
    shares: FloatArray = votes / votes.sum(axis=1, keepdims=True).clip(1e-6)
    return shares


def doubtful_labels(votes: FloatArray, class_ids: IntArray) -> tuple[IntArray, IntArray]:
    """Return the objects whose neighbours have mostly another class, the clearest first, and that class.

    Args:
        votes: Votes of the neighbours, from ``class_votes``.
        class_ids: Class of each object as labelled, shape (M,).

    Returns:
        Indices of objects, and the class that most of their neighbours have, both shape (K,).
    """
    if not len(class_ids):
        return np.zeros(0, np.int64), np.zeros(0, np.int64)
    own = votes[np.arange(len(class_ids)), class_ids]
    most, other = votes.max(axis=1), votes.argmax(axis=1)
    order = np.argsort(own - most, kind="stable")
    doubtful = order[(other != class_ids)[order] & (most > MAJORITY)[order]]
    return doubtful, other[doubtful]


def feature_map(vectors: FloatArray) -> FeatureMap:
    """Project vectors on the two axes along which they differ most (principal component analysis).

    The signs of the axes are fixed, so that the same vectors give the same map.
    """
    if len(vectors) < 2:
        return FeatureMap(np.zeros((len(vectors), 2), np.float32), (0.0, 0.0))
    centred = (vectors - vectors.mean(axis=0)).astype(np.float64)
    variances, axes = np.linalg.eigh(centred.T @ centred)  # ascending; as the SVD, but independent of N
    leading = _signed(axes[:, :-3:-1])
    total = max(float(variances.sum()), 1e-12)
    first, second = (max(0.0, float(variances[-place])) / total for place in (1, 2))
    return FeatureMap((centred @ leading).astype(np.float32), (first, second))


def _signed(axes: NDArray[np.float64]) -> NDArray[np.float64]:
    """Turn each axis, a column, so that its largest coordinate is positive."""
    largest = np.abs(axes).argmax(axis=0)
    turned: NDArray[np.float64] = axes * np.where(axes[largest, np.arange(axes.shape[1])] < 0, -1, 1)
    return turned
