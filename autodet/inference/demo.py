"""The demo model: NanoDet-g with its COCO weights, in 8 bits; it finds 80 kinds of everyday objects.

``python -m benchmarks.demo_model`` makes its bundle. It is in no workspace.
"""

from pathlib import Path

from autodet.models.bundle import read_card
from autodet.models.store import StoredModel

BUNDLE = Path(__file__).parent / "assets" / "demo.autodet"


def demo_model() -> StoredModel:
    """Return the demo model, which predicts without torch."""
    return StoredModel("demo", BUNDLE, read_card(BUNDLE))
