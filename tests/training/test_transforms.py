import colorsys

import torch

from autodet.models.letterbox import PAD_GREY
from autodet.training import transforms
from autodet.training.transforms import TrainingTransform, generator_of, recolour

SIDE = 160


def a_square_with_a_white_box(x1, y1, x2, y2):
    square = torch.full((3, SIDE, SIDE), 60, dtype=torch.uint8)
    square[:, y1:y2, x1:x2] = 255
    return square, torch.tensor([[x1, y1, x2, y2]], dtype=torch.float32)


def test_boxes_follow_what_they_mark():
    transform = TrainingTransform(SIDE)
    square, boxes = a_square_with_a_white_box(60, 70, 100, 90)
    followed = 0
    for seed in range(40):
        image, moved, kept = transform(square, boxes, generator_of(seed, 1, 0))
        assert image.shape == square.shape
        assert image.dtype == torch.uint8
        if not kept.any():
            continue
        # Rotation by up to 5 degrees makes the box around the corners a little larger than the mark.
        bright = image.float().mean(0) > (image.float().mean(0).max() + image.float().mean(0).min()) * 0.6
        ys, xs = torch.nonzero(bright, as_tuple=True)
        marked = torch.tensor([xs.min(), ys.min(), xs.max() + 1, ys.max() + 1])
        assert (moved[0] - marked).abs().max() <= 4, seed
        followed += 1
    assert followed >= 35


def test_boxes_stay_inside_the_square_and_those_cut_off_are_dropped():
    transform = TrainingTransform(SIDE)
    square, corner = a_square_with_a_white_box(0, 0, 12, 12)
    boxes = torch.cat([corner, torch.tensor([[60.0, 60.0, 110.0, 110.0]])])
    dropped = 0
    for seed in range(60):
        _, moved, kept = transform(square, boxes, generator_of(seed, 1, 0))
        assert kept.shape == (2,)
        assert len(moved) == int(kept.sum())
        assert (moved >= 0).all()
        assert (moved <= SIDE).all()
        dropped += int(not kept[0])
    assert 5 < dropped < 55


def test_a_square_without_boxes_goes_through():
    image, moved, kept = TrainingTransform(SIDE)(torch.zeros(3, SIDE, SIDE, dtype=torch.uint8), torch.zeros(0, 4))
    assert image.shape == (3, SIDE, SIDE)
    assert moved.shape == (0, 4)
    assert kept.shape == (0,)


def test_beside_a_photo_there_is_grey_and_no_line_between(monkeypatch):
    monkeypatch.setattr(transforms, "COLOURED", 0.0)
    square = torch.full((3, SIDE, SIDE), 200, dtype=torch.uint8)
    for seed in range(10):
        image, _, _ = TrainingTransform(SIDE)(square, torch.zeros(0, 4), generator_of(seed, 1, 0))
        assert image.min() >= PAD_GREY
        assert image.max() == 200


def test_seed_epoch_and_photo_decide_everything():
    transform = TrainingTransform(SIDE)
    square, boxes = a_square_with_a_white_box(60, 70, 100, 90)

    def once(seed, epoch, index):
        return transform(square, boxes, generator_of(seed, epoch, index))[0]

    assert torch.equal(once(3, 2, 1), once(3, 2, 1))
    for other in ((3, 3, 1), (4, 2, 1), (3, 2, 0)):
        assert not torch.equal(once(3, 2, 1), once(*other))
    large = 2**62 + 1  # a person may give any
    assert not torch.equal(once(large, 2, 1), once(large, 2, 0))


def test_colours_change_as_far_as_they_may():
    generator = torch.Generator().manual_seed(0)
    square = torch.randint(0, 256, (3, 8, 8), dtype=torch.uint8, generator=generator)
    torch.manual_seed(0)
    assert (recolour(square, 0.0).int() - square.int()).abs().max() <= 1
    changes = [(recolour(square, 1.0).float() - square.float()).abs().mean() for _ in range(30)]
    assert 2 < min(changes) < max(changes) < 90


def test_grey_stays_grey_and_red_stays_reddish():
    torch.manual_seed(0)
    for _ in range(50):
        grey = recolour(torch.full((3, 4, 4), 120, dtype=torch.uint8), 1.0).int()
        assert grey.amax() - grey.amin() <= 1
        red = recolour(torch.tensor([180, 60, 60], dtype=torch.uint8).view(3, 1, 1).expand(3, 4, 4), 1.0)
        hue, _, _ = colorsys.rgb_to_hsv(*(red[:, 0, 0].float() / 255).tolist())
        assert min(hue, 1 - hue) < 0.04


def test_brightness_and_contrast_go_both_ways():
    torch.manual_seed(0)
    square = torch.cat([torch.full((3, 4, 2), 90), torch.full((3, 4, 2), 150)], dim=2).to(torch.uint8)
    changed = [recolour(square, 1.0).float() for _ in range(60)]
    means, ranges = [one.mean() for one in changed], [one.amax() - one.amin() for one in changed]
    assert min(means) < 95 < 145 < max(means)
    assert min(ranges) < 45 < 75 < max(ranges)


def four_squares():
    """Squares of one grey each, with a white box in each at another place."""
    places = [(20, 30, 70, 80), (60, 20, 140, 60), (10, 90, 60, 150), (80, 80, 150, 150)]
    drawn = [a_square_with_a_white_box(*place) for place in places]
    return [square for square, _ in drawn], [boxes for _, boxes in drawn]


def test_in_a_mosaic_boxes_follow_what_they_mark():
    transform = TrainingTransform(SIDE)
    squares, boxes = four_squares()
    followed = 0
    for seed in range(40):
        image, moved, kept = transform.mosaic(squares, boxes, generator_of(seed, 1, 0))
        assert (image.shape, image.dtype) == (squares[0].shape, torch.uint8)
        assert kept.shape == (4,)
        assert len(moved) == int(kept.sum())
        bright = image.float().mean(0)
        bright = bright > (bright.max() + bright.min()) / 2
        for x1, y1, x2, y2 in moved.round().int().tolist():
            assert bright[y1 + 2 : y2 - 2, x1 + 2 : x2 - 2].all(), seed
            around = bright[max(0, y1 - 4) : y2 + 4, max(0, x1 - 4) : x2 + 4]
            assert around.sum() <= (x2 - x1 + 2) * (y2 - y1 + 2) + 4, seed
            followed += 1
    assert followed > 60


def test_a_mosaic_shows_objects_smaller_and_of_other_squares():
    transform = TrainingTransform(SIDE)
    squares, boxes = four_squares()
    torch.manual_seed(0)
    counts, widths = [], []
    for _ in range(60):
        _, moved, kept = transform.mosaic(squares, boxes)
        counts.append(int(kept.sum()))
        widths += [float(x2 - x1) for x1, _, x2, _ in moved[kept[0] * 1 :].tolist()]
    assert max(counts) >= 3
    assert min(widths) < 40
    empty = transform.mosaic(squares, [torch.zeros(0, 4)] * 4)
    assert (empty[1].shape, empty[2].shape) == ((0, 4), (0,))
