"""The demo model comes with autodet."""

from autodet.inference.demo import demo_model
from autodet.models.coco_classes import COCO_CLASSES


def test_the_demo_model_is_shipped_and_finds_80_kinds_of_objects() -> None:
    assert demo_model().card.classes == COCO_CLASSES
