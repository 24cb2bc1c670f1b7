"""How large photos are by default, for objects of all sizes."""

import pytest

from autodet.datasets.imports.import_dataset import import_dataset
from autodet.messages.plans import plan_text
from autodet.search.planning.dataset_profile import Facts
from autodet.search.planning.image_size import fit_photo_size, photo_size_reason
from tests.helpers import write_labelled


def facts(small_box, photo_side=4_000):
    return Facts(240, 30, median_box=2 * small_box, small_box=small_box, photo_side=photo_side)


@pytest.mark.parametrize(
    ("small_box", "size"), [(0.5, 320), (0.1, 320), (0.098, 416), (0.07, 512), (0.052, 640), (0.001, 640)]
)
def test_the_smaller_the_boxes_the_larger_the_photos_up_to_twice_the_usual(small_box, size):
    assert fit_photo_size(320, facts(small_box)) == size
    assert fit_photo_size(640, facts(small_box / 2)) == 2 * size


@pytest.mark.parametrize(("photo_side", "size"), [(200, 320), (420, 416), (600, 512)])
def test_photos_are_not_made_larger_than_they_are(photo_side, size):
    assert fit_photo_size(320, facts(0.01, photo_side)) == size


def reason(size, usual, facts):
    return plan_text([photo_size_reason(size, usual, facts)])


def test_the_reason_is_said():
    assert reason(320, 320, facts(0.2)) == (
        "Photos are scaled to 320 px, because the median box is 40% of its photo's longer side; larger ones would help "
        "if objects were small."
    )
    assert "the photos are no larger" in reason(320, 320, facts(0.01, 300))
    assert reason(640, 320, facts(0.06)).endswith("about 4.0 times as long.")


def test_a_search_goes_by_it_unless_it_is_told_otherwise(home, tmp_path, order):
    for split in ("train", "val"):
        write_labelled(
            tmp_path / "seeds" / split, f"{split}_1", [("seed", (50, 40, 94, 84))], (640, 480), seed=len(split)
        )
    data = import_dataset(tmp_path / "seeds", "seeds", workspace=home)
    spec = order(data, trials=1, epochs=1).spec()
    assert spec.space["image_size"].values == (544,)
    assert spec.defaults == {"image_size": 544}
    assert "smaller than 32 px at the usual 416" in plan_text(spec.why)
    told = order(data, trials=1, epochs=1, space={"image_size": [320, 416]}).spec()
    assert told.space["image_size"].values == (320, 416)
    assert told.defaults == {"image_size": 544}
    assert told.why == ()
