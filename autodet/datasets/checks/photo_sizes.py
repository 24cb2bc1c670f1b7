"""Evidence about the frame in which boxes were drawn, where labels state another size than the photo has.

The labels alone cannot tell whether a photo was resized or turned after it was labelled, or whether the stated size is
wrong. The boxes of all such photos can: they lie in the frame in which they were drawn.
"""

from collections.abc import Sequence

from autodet.datasets.formats.labels import LabelledPhoto
from autodet.datasets.photos import PhotoFacts
from autodet.records import BoxXYXY

SizeWH = tuple[int, int]

SAME_SHARE = 0.01  # sizes whose sides differ by less, or by at most two pixels, are the same
SAME_PIXELS = 2
TOLERANCE = 0.02  # share of a side by which drawn boxes may reach beyond their frame
MIN_LEAD = 10  # evidence for one frame counts if it is this many times that for the other


def find_size_kinds(photos: Sequence[tuple[LabelledPhoto, PhotoFacts]]) -> list[str]:
    """Return per photo the kind of finding about its stated size; empty where the labels agree with the photo.

    ``turned`` means that boxes were drawn on the photo as stored, ``turned_upright`` that they were drawn on the
    upright photo although the stored size is stated, ``size_resized`` that the photo was resized after its boxes were
    drawn, and ``size_mismatch`` that the stated size is wrong. The kinds that end in ``unclear`` need a decision.
    """
    kinds = [_difference(labelled, facts) for labelled, facts in photos]
    for kind, decide in (("turned", _turned_kinds), ("size_mismatch", _mismatch_kinds)):
        places = [place for place, other in enumerate(kinds) if other == kind]
        for place, decided in zip(places, decide([photos[place] for place in places]), strict=True):
            kinds[place] = decided
    # A tool that ignores EXIF does so for photos that EXIF mirrors or turns by 180 degrees too, which their size cannot
    # show; nor can anything if there are only such photos.
    known = {kind for kind in kinds if kind.startswith("turned")}
    half = "turned_half" if not known and not _heeds_exif(photos) else "turned" if "turned" in known else ""
    return [kind or (half if _is_half_turned(*photo) else "") for kind, photo in zip(kinds, photos, strict=True)]


def _difference(labelled: LabelledPhoto, facts: PhotoFacts) -> str:
    stated_wh = labelled.stated_wh
    if stated_wh is None or stated_wh == facts.upright_wh:
        return ""
    if 0 in stated_wh:
        return "size_missing"
    if stated_wh == facts.stored_wh:
        return "turned"
    return "" if labelled.relative else "size_mismatch"  # fractions hold for any size


def _is_half_turned(labelled: LabelledPhoto, facts: PhotoFacts) -> bool:
    """Return whether EXIF mirrors a photo with boxes or turns it by 180 degrees."""
    drawn = bool(labelled.marks) and not labelled.relative
    return drawn and labelled.stated_wh == facts.stored_wh and facts.orientation in (2, 3, 4)


def _heeds_exif(photos: Sequence[tuple[LabelledPhoto, PhotoFacts]]) -> bool:
    """Return whether the labels state the upright size of a photo that lies on its side."""
    turned = ((labelled, facts) for labelled, facts in photos if facts.orientation >= 5)
    return any(labelled.stated_wh == facts.upright_wh != facts.stored_wh for labelled, facts in turned)


def _turned_kinds(photos: Sequence[tuple[LabelledPhoto, PhotoFacts]]) -> list[str]:
    votes = [_vote(labelled, facts.stored_wh, facts.upright_wh) for labelled, facts in photos]
    stored, upright = votes.count("first"), votes.count("second")
    if upright and stored:
        more = stored >= MIN_LEAD * upright, upright >= MIN_LEAD * stored
        return ["turned" if more[0] else "turned_upright" if more[1] else "turned_unclear"] * len(votes)
    return ["turned_upright" if upright else "turned"] * len(votes)


def _mismatch_kinds(photos: Sequence[tuple[LabelledPhoto, PhotoFacts]]) -> list[str]:
    kinds = [_mismatch(labelled, facts) for labelled, facts in photos]
    known = set(kinds) - {"size_unclear"}
    if known == {"size_mismatch"}:  # a template states the size, also for photos whose own boxes do not show it
        return ["size_mismatch"] * len(kinds)
    return kinds


def _mismatch(labelled: LabelledPhoto, facts: PhotoFacts) -> str:
    stated = labelled.stated_wh or (0, 0)
    actual = facts.upright_wh
    if _is_same(stated, actual) or not labelled.marks:
        return "size_mismatch"  # nothing depends on the stated size
    vote = _vote(labelled, stated, actual)
    if vote == "second":
        return "size_mismatch"
    if _has_same_shape(stated, actual) and vote in ("first", "both"):
        return "size_resized"
    return "size_unclear"


def _vote(labelled: LabelledPhoto, first_wh: SizeWH, second_wh: SizeWH) -> str:
    """Return in which of two frames all boxes of a photo lie: ``first``, ``second``, ``both`` or ``neither``."""
    first, second = (all(_lies_in(mark.box_xyxy, size) for mark in labelled.marks) for size in (first_wh, second_wh))
    return "both" if first and second else "first" if first else "second" if second else "neither"


def _lies_in(box_xyxy: BoxXYXY, size_wh: SizeWH) -> bool:
    across, down = (max(SAME_PIXELS, TOLERANCE * side) for side in size_wh)
    x1, y1, x2, y2 = box_xyxy
    return max(x1, x2) <= size_wh[0] + across and max(y1, y2) <= size_wh[1] + down


def _is_same(one: SizeWH, other: SizeWH) -> bool:
    return all(abs(a - b) <= max(SAME_PIXELS, SAME_SHARE * b) for a, b in zip(one, other, strict=True))


def _has_same_shape(one: SizeWH, other: SizeWH) -> bool:
    """Return whether one size is the other, scaled; rounding a side may change it by a pixel."""
    scale = other[0] / one[0], other[1] / one[1]
    tolerance = max(SAME_SHARE, 1 / min(*one, *other))
    return abs(scale[0] - scale[1]) <= tolerance * max(scale)
