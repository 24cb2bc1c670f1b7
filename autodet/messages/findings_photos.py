"""Sentences for findings about photos and their sizes."""

from collections.abc import Callable, Mapping, Sequence
from typing import Any

from autodet.messages.audience import Audience
from autodet.messages.finding_phrases import GIT_POINTER, decide
from autodet.messages.formats import PHOTO_FORMATS
from autodet.text_format import counted


def _sides(size_wh: Sequence[int]) -> str:
    return "{}x{}".format(*size_wh)


def _pair(same: str, file: str, split: str, other_split: str) -> str:
    if split == other_split:
        return f"{file!r} {same}"
    return f"It is in {split}; {file!r} in {other_split} {same}"


def _turned_unclear(stated_wh: Sequence[int], width: int, height: int, *, audience: Audience = "terminal") -> str:
    return (
        f"The labels state the size of the photo lying on its side ({_sides(stated_wh)}). Some boxes of such photos "
        f"fit only that, others only the upright photo ({width}x{height}); "
        f"{decide('to turn all boxes with the photo, or none', 'turned_unclear', audience, 'fix', 'keep')}"
    )


def _turned_half(*, audience: Audience = "terminal", **_: Any) -> str:
    return (
        "EXIF mirrors the photo or turns it upside down, and nothing shows whether its boxes were drawn before or "
        f"after; {decide('to turn the boxes with the photo, or not', 'turned_half', audience, 'fix', 'keep')}"
    )


def _size_unclear(stated_wh: Sequence[int], width: int, height: int, *, audience: Audience = "terminal") -> str:
    actions = "to scale the boxes, to leave them as they are, or to leave the photo out"
    return (
        f"The labels say that the photo has the size {_sides(stated_wh)}, but it is {width}x{height}, and the boxes do "
        "not show which is right; "
        f"{decide(actions, 'size_unclear', audience, 'fix', 'keep', 'drop')}"
    )


def _copies_disagree(file: str, photos: int, *, audience: Audience = "terminal") -> str:
    actions = "to join the boxes of all copies, or to keep them as they are"
    return (
        f"It is a copy of {file!r} (identical bytes) with other labels, one of {photos} such copies; "
        f"{decide(actions, 'copies_disagree', audience, 'fix', 'keep')}"
    )


# By cause or kind: the finding's values in, a sentence without its period out.
PROBLEMS_PHOTOS: Mapping[str, Callable[..., str]] = {
    "photo_git_pointer": lambda name: f"{name!r} {GIT_POINTER}",
    "photo_large": lambda name, bytes: f"The photo {name!r} is larger than {bytes // 1_000_000} MB; make it smaller",
    "photo_unopened": lambda name, reason: f"The photo {name!r} cannot be read ({reason}); check that it is there",
    "photo_forbidden": lambda name, reason: (
        f"The photo {name!r} cannot be read ({reason}); check its name and permissions"
    ),
    "photo_pixels": lambda name, pixels: (
        f"The photo {name!r} has more than {pixels / 1e6:.0f} million pixels; make it smaller, or raise "
        "AUTODET_MAX_PHOTO_MEGAPIXELS"
    ),
    "photo_overfull": lambda name: f"The photo {name!r} has a file far larger than its pixels need; export it again",
    "photo_absent": lambda name: f"The photo {name!r} is not there; check its name",
    "photo_damaged": lambda name: f"The photo {name!r} is cut short or damaged; export or copy it again",
    "photo_foreign": lambda name: f"{name!r} is not a photo that can be read; give a {PHOTO_FORMATS} file",
    "tiff_layout": lambda name: (
        f"The TIFF {name!r} has bands or a compression that cannot be read, such as more than four bands; export it "
        "as RGB with 8 or 16 bits"
    ),
    "photo_converted": lambda format, photos, several, **_: (
        f"{counted(photos, 'photo is', 'photos are')} in the format {format}"
        + f"; {several} of them with several images, of which only the first was read" * bool(several)
    ),
    "wrong_ending": lambda ending, format, **_: f"The file is called {ending} but is a {format} photo",
    "ending_missing": lambda format, **_: f"The file has no extension and is a {format} photo",
    "size_missing": lambda **_: "The labels give no size for the photo, or 0x0",
    "turned": lambda stated_wh, **_: (
        f"The labels are for the photo lying on its side ({_sides(stated_wh)}), as the camera stored it"
    ),
    "turned_upright": lambda stated_wh, **_: (
        f"The labels state the size of the photo lying on its side ({_sides(stated_wh)}), but the boxes of such photos "
        "fit the upright photo only"
    ),
    "turned_half": _turned_half,
    "turned_unclear": _turned_unclear,
    "size_resized": lambda stated_wh, width, height: (
        f"The boxes were drawn when the photo had the size {_sides(stated_wh)}; now it is {width}x{height}"
    ),
    "size_mismatch": lambda stated_wh, width, height: (
        f"The labels say that the photo is {_sides(stated_wh)}, but it is {width}x{height}"
    ),
    "size_unclear": _size_unclear,
    "copy_unlabelled": lambda file: f"It is a copy of {file!r}, which has labels, and has none itself",
    "copies_disagree": _copies_disagree,
    "photo_crowded": lambda boxes, most: (
        f"{boxes} boxes are annotated on the photo, and a detector finds at most {most}"
    ),
    "photo_unlabelled": lambda: "No labels were found for this photo",
    "photo_unlisted": lambda: "No list of a split names this photo",
    "photo_copies": lambda differ=False, **pair: (
        _pair("is the same photo", **pair) + (", with other labels" if differ else "")
    ),
    "photo_alike": lambda **pair: _pair("looks the same", **pair),
    # photos that labels name
    "photo_unsupported": lambda name: f"The photo {name!r} has a format that cannot be read; convert it to JPEG or PNG",
    "photo_of_xml_missing": lambda name: f"There is no photo called {name!r} for this XML",
    "photo_of_entry_missing": lambda name: f"There is no photo called {name!r} for this entry",
    "photo_of_labels_missing": lambda name: f"There is no photo called {name!r} for this file of labels",
    "photo_embedded": lambda name: (
        f"The photo {name!r} is inside the JSON only (imageData); save it as a file of this name beside the JSON"
    ),
    "photos_missing": lambda entries: f"The photos of {entries} more entries are missing too",
}
