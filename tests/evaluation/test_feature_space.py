import numpy as np
import pytest

from autodet.evaluation.feature_space import (
    class_votes,
    doubtful_labels,
    feature_map,
    find_neighbours,
    near_duplicates,
    nearest,
    unusual_first,
)

LABELS = np.array([0] * 40 + [1] * 40)


def clusters(seed=0, spread=0.1):
    """Two groups of 40 vectors around two directions."""
    random = np.random.default_rng(seed)
    middles = np.eye(16)[LABELS]
    vectors = middles + random.normal(0, spread, middles.shape)
    return (vectors / np.linalg.norm(vectors, axis=1, keepdims=True)).astype(np.float32)


def test_neighbours_are_those_of_a_comparison_of_all_pairs(monkeypatch):
    vectors = clusters()
    monkeypatch.setattr("autodet.evaluation.feature_space.CHUNK", 7)
    found = find_neighbours(vectors, 5)
    similar = vectors @ vectors.T - 2 * np.eye(len(vectors))
    np.testing.assert_array_equal(found.indices, np.argsort(-similar, axis=1, kind="stable")[:, :5])
    assert nearest(vectors, 9, 5) == found.indices[9].tolist()
    np.testing.assert_allclose(found.similarities, np.sort(similar, axis=1)[:, :-6:-1], atol=1e-6)


@pytest.mark.parametrize("count", [0, 1, 2, 3])
def test_few_vectors_have_few_neighbours(count):
    found = find_neighbours(clusters()[:count], 5)
    assert found.indices.shape == (count, max(0, count - 1))
    assert len(unusual_first(found)) == count
    assert near_duplicates(found) == []


def test_objects_on_one_photo_are_no_neighbours():
    vectors = np.repeat(clusters()[:6], 2, axis=0)
    found = find_neighbours(vectors, 3, np.arange(12) // 2)
    assert not (found.indices // 2 == np.arange(12)[:, None] // 2).any()


def test_near_duplicates_are_listed_once_and_the_most_similar_first():
    vectors = clusters()
    vectors[7], vectors[50] = vectors[3], 0.9 * vectors[60] + 0.1 * vectors[61]
    vectors /= np.linalg.norm(vectors, axis=1, keepdims=True)
    pairs = near_duplicates(find_neighbours(vectors))
    assert [pair[:2] for pair in pairs] == [(3, 7), (50, 60)]
    assert pairs[0][2] == pytest.approx(1)


def test_frames_of_a_film_are_near_duplicates_although_all_are_alike():
    film = clusters(spread=0.005)[:20]
    assert len({photo for pair in near_duplicates(find_neighbours(film)) for photo in pair[:2]}) == 20


def test_photos_that_are_alike_but_no_closer_than_others_are_no_near_duplicates():
    assert near_duplicates(find_neighbours(clusters(spread=0.05))) == []


def test_what_lies_far_from_all_others_is_the_most_unusual():
    vectors = clusters()
    vectors[33] = np.eye(16)[9]
    assert unusual_first(find_neighbours(vectors))[0] == 33


def test_labels_that_differ_from_those_of_their_neighbours_come_first():
    labels = LABELS.copy()
    swapped = [5, 11, 44]
    labels[swapped] = 1 - labels[swapped]
    votes = class_votes(find_neighbours(clusters()), labels, 3)
    np.testing.assert_allclose(votes.sum(axis=1), 1, atol=1e-5)
    doubtful, other = doubtful_labels(votes, labels)
    assert sorted(doubtful.tolist()) == swapped
    assert other.tolist() == LABELS[doubtful].tolist()


def test_no_objects_and_a_single_class_leave_nothing_doubtful():
    nothing = np.zeros(0, np.int64)
    votes = class_votes(find_neighbours(np.zeros((0, 4), np.float32)), nothing, 2)
    assert [len(part) for part in doubtful_labels(votes, nothing)] == [0, 0]
    one = np.zeros(80, np.int64)
    assert len(doubtful_labels(class_votes(find_neighbours(clusters()), one, 1), one)[0]) == 0


def test_the_map_keeps_groups_apart_and_tells_how_much_of_the_spread_it_shows():
    found = feature_map(clusters(spread=0.02))
    sides = np.sign(found.points[:, 0])
    assert set(sides[:40]) != set(sides[40:])
    assert found.shares[0] > 0.8
    assert found.shares[1] < found.shares[0]
    np.testing.assert_array_equal(found.points, feature_map(clusters(spread=0.02)).points)


def test_the_map_agrees_with_the_singular_value_decomposition():
    vectors = clusters()
    left, values, _ = np.linalg.svd(vectors - vectors.mean(axis=0), full_matrices=False)
    np.testing.assert_allclose(np.abs(feature_map(vectors).points), np.abs(left[:, :2] * values[:2]), atol=1e-4)
    expected = values[:2] ** 2 / (values**2).sum()
    np.testing.assert_allclose(feature_map(vectors).shares, expected, atol=1e-5)


@pytest.mark.parametrize("count", [0, 1, 2])
def test_few_photos_and_equal_photos_have_a_map(count):
    assert feature_map(clusters()[:count]).points.shape == (count, 2)
    equal = np.tile(clusters()[:1], (max(count, 1), 1))
    np.testing.assert_allclose(feature_map(equal).points, 0, atol=1e-6)
