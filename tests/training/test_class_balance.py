from dataclasses import replace

import numpy as np
import pytest

from autodet.records import Annotations, ImageRecord
from autodet.training.class_balance import MAX_OVERSAMPLING, mosaic_shares


def showing(*class_ids, difficult=False):
    marked = Annotations.of([[0, 0, 5, 5]] * len(class_ids), class_ids, [difficult] * len(class_ids))
    return ImageRecord("1.png", 10, 10, "train", marked)


COMMON, RARE, NOTHING = showing(0, 0), showing(1), showing()


def test_all_photos_are_drawn_alike_where_all_show_as_many_classes():
    np.testing.assert_allclose(mosaic_shares([COMMON] * 4), 1 / 4)
    np.testing.assert_allclose(mosaic_shares([COMMON, RARE, showing(0, 1)]), 1 / 3)
    np.testing.assert_allclose(mosaic_shares([NOTHING] * 2), 1 / 2)


def test_each_class_gets_as_many_places_however_few_photos_show_it():
    shares = mosaic_shares([COMMON] * 6 + [RARE] * 2)
    assert shares[:6].sum() == pytest.approx(shares[6:].sum()) == pytest.approx(1 / 2)


def test_a_photo_counts_by_the_rarest_class_that_it_shows_and_as_a_common_one_where_it_shows_none():
    common, both, nothing = mosaic_shares([COMMON, COMMON, showing(0, 1), NOTHING])[1:]
    assert both == pytest.approx(3 * common)
    assert nothing == pytest.approx(common)


def test_a_single_photo_does_not_get_half_of_all_places():
    shares = mosaic_shares([COMMON] * 990 + [RARE])
    assert shares[-1] == pytest.approx(MAX_OVERSAMPLING / 1000)


def test_boxes_that_are_not_learnt_from_make_no_photo_rare():
    shares = mosaic_shares([COMMON] * 3 + [replace(RARE, annotations=showing(1, difficult=True).annotations)])
    np.testing.assert_allclose(shares, 1 / 4)
