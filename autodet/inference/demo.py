"""The demo model: NanoDet-g with its COCO weights, in 8 bits; it finds 80 kinds of everyday objects.

``python -m benchmarks.demo_model`` makes its bundle. It is in no workspace.
"""

from pathlib import Path

from autodet.errors import NotFoundError
from autodet.models.bundle import read_card
from autodet.models.store import StoredModel, find_model
from autodet.workspace import Workspace

BUNDLE = Path(__file__).parent / "assets" / "demo.autodet"


def demo_model() -> StoredModel:
    """Return the demo model, which predicts without torch."""
    return StoredModel("demo", BUNDLE, read_card(BUNDLE))


def find_model_or_demo(name: str | Path, workspace: Workspace) -> StoredModel:
    """Return a model as ``find_model``; without a model of that name, ``demo`` means the demo model.

    Raises:
        NotFoundError: There is no such model.
        BundleError: The file is damaged.
    """
    try:
        return find_model(name, workspace)
    except NotFoundError:
        if name == demo_model().id:
            return demo_model()
        raise
