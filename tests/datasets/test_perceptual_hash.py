import random

import numpy as np
import pytest
from PIL import Image, ImageEnhance

from autodet.datasets.perceptual_hash import COLUMNS, MAX_BITS, ROWS, find_alike, group_alike, look_of


def scene(seed: int = 0, size_wh: tuple[int, int] = (320, 240)) -> Image.Image:
    """A photo with large shapes, as real ones have them."""
    coarse = np.random.default_rng(seed).integers(0, 256, (6, 8, 3), dtype=np.uint8)
    return Image.fromarray(coarse).resize(size_wh, Image.Resampling.BICUBIC)


def differing(one: int, other: int) -> int:
    return (one ^ other).bit_count()


@pytest.mark.parametrize(
    "change",
    [
        lambda photo: photo.resize((97, 61)),
        lambda photo: ImageEnhance.Brightness(photo).enhance(1.1),
        lambda photo: photo.convert("L"),
        lambda photo: photo.crop((3, 3, 317, 237)),
    ],
)
def test_a_changed_copy_looks_like_its_original(change):
    assert all(differing(look_of(scene(seed)), look_of(change(scene(seed)))) <= MAX_BITS for seed in range(20))


def test_other_scenes_look_otherwise():
    looks = [look_of(scene(seed)) for seed in range(60)]
    assert min(differing(one, other) for n, one in enumerate(looks) for other in looks[:n]) > MAX_BITS


def test_a_photo_lying_on_its_side_looks_like_the_upright_one():
    upright = scene()
    stored = upright.transpose(Image.Transpose.ROTATE_90)
    assert differing(look_of(stored, Image.Transpose.ROTATE_270), look_of(upright)) <= 2
    assert differing(look_of(stored), look_of(upright)) > MAX_BITS


def test_what_is_transparent_is_white():
    clear = scene().convert("RGBA")
    clear.paste((255, 0, 0, 0), (0, 0, 160, 240))
    white = scene()
    white.paste((255, 255, 255), (0, 0, 160, 240))
    assert differing(look_of(clear), look_of(white)) <= 2


def looks_with_relatives(count: int, seed: int = 0) -> list[int]:
    """Looks of which every third one is a near relative of an earlier one."""
    chance = random.Random(seed)
    looks: list[int] = []
    for number in range(count):
        look = chance.getrandbits(128)
        if number % 3 == 2:
            look = chance.choice(looks)
            for bit in chance.sample(range(128), chance.randrange(MAX_BITS + 4)):
                look ^= 1 << bit
        looks.append(look)
    return looks


def test_finds_the_most_alike_whatever_the_number():
    looks, among = looks_with_relatives(ROWS * 2 + 5), looks_with_relatives(ROWS * 2 + 5)[::-1]
    for look, found in zip(looks, find_alike(looks, among), strict=True):
        fewest = min(differing(look, other) for other in among)
        assert (found is None) == (fewest > MAX_BITS)
        assert found is None or differing(look, among[found]) == fewest


def test_groups_join_what_is_alike_through_others():
    looks = looks_with_relatives(300)
    expected = list(range(300))  # each takes the number of whoever it is alike to, until nothing changes
    while True:
        joined = [min(expected[j] for j in range(300) if differing(looks[i], looks[j]) <= MAX_BITS) for i in range(300)]
        if joined == expected:
            break
        expected = joined
    groups = group_alike(looks)
    pairs = [(i, j) for i in range(300) for j in range(i)]
    assert [groups[i] == groups[j] for i, j in pairs] == [expected[i] == expected[j] for i, j in pairs]


def test_a_camera_that_never_moves_is_one_group_and_quickly_found():
    chance = random.Random(0)
    looks = [chance.getrandbits(128) & 0b111 for _ in range(COLUMNS + 100)]
    assert len(set(group_alike(looks))) == 1
    assert None not in find_alike(looks, looks[:7])


def test_nothing_is_like_nothing():
    assert (find_alike([], [1]), find_alike([1], []), group_alike([])) == ([], [None], [])
