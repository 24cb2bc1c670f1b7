"""Bounds and texts of confidence thresholds."""

from autodet.models.model_card import ModelCard
from autodet.text_format import listed, shortened

LOWEST, HIGHEST, STEP = 0.05, 0.95, 0.01
MAX_SHOWN = 8  # classes
HELP = "Lower: more objects are found (higher recall), with more false alarms (lower precision). Higher: the opposite."
HELP_OWN = f"{HELP} It starts at the model's own threshold, chosen on its validation photos."


def thresholds_text(card: ModelCard) -> str:
    """List the threshold of each class, the first of many."""
    own = card.all_thresholds
    return listed([f"{shortened(name, 30)} {threshold:.2f}" for name, threshold in own.items()], most=MAX_SHOWN)
