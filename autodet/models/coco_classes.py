"""Names of COCO's 80 classes, in the order of the NanoDet-g weights, and their plurals."""

from autodet.text_format import spelling_key

COCO_CLASSES = (
    "person",
    "bicycle",
    "car",
    "motorcycle",
    "airplane",
    "bus",
    "train",
    "truck",
    "boat",
    "traffic light",
    "fire hydrant",
    "stop sign",
    "parking meter",
    "bench",
    "bird",
    "cat",
    "dog",
    "horse",
    "sheep",
    "cow",
    "elephant",
    "bear",
    "zebra",
    "giraffe",
    "backpack",
    "umbrella",
    "handbag",
    "tie",
    "suitcase",
    "frisbee",
    "skis",
    "snowboard",
    "sports ball",
    "kite",
    "baseball bat",
    "baseball glove",
    "skateboard",
    "surfboard",
    "tennis racket",
    "bottle",
    "wine glass",
    "cup",
    "fork",
    "knife",
    "spoon",
    "bowl",
    "banana",
    "apple",
    "sandwich",
    "orange",
    "broccoli",
    "carrot",
    "hot dog",
    "pizza",
    "donut",
    "cake",
    "chair",
    "couch",
    "potted plant",
    "bed",
    "dining table",
    "toilet",
    "tv",
    "laptop",
    "mouse",
    "remote",
    "keyboard",
    "cell phone",
    "microwave",
    "oven",
    "toaster",
    "sink",
    "refrigerator",
    "book",
    "clock",
    "vase",
    "scissors",
    "teddy bear",
    "hair drier",
    "toothbrush",
)
IRREGULAR_PLURALS = {"person": "people", "mouse": "mice", "knife": "knives"}


def singular_of(name: str) -> str | None:
    """Return the COCO class whose English plural is ``name``, without regard to case and spaces; None if there is none.

    A class is never matched by this guess; it is a hint for users, who can rename theirs.
    """
    return _SINGULARS.get(spelling_key(name))


def _plurals(name: str) -> list[str]:
    if name.endswith(("s", "x", "z", "ch", "sh")):
        return [f"{name}es"]
    return [f"{name}s", *([IRREGULAR_PLURALS[name]] if name in IRREGULAR_PLURALS else [])]


_SINGULARS = {spelling_key(plural): name for name in COCO_CLASSES for plural in _plurals(name)}
