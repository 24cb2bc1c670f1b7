"""The confidence threshold of a page, which starts at those of the model."""

from statistics import median

import numpy as np
from streamlit.delta_generator import DeltaGenerator

from autodet.models.model_card import ModelCard
from autodet.records import FloatArray
from autodet.text_format import listed, shortened
from autodet.ui.common.markdown import escape

LOWEST, HIGHEST, STEP = 0.05, 0.95, 0.01
MAX_SHOWN = 8  # classes
HELP = "Lower: more objects are found (higher recall), with more false alarms (lower precision). Higher: the opposite."
HELP_OWN = f"{HELP} It starts at the model's own threshold, chosen on its validation photos."


def ask_for_threshold(place: DeltaGenerator, card: ModelCard) -> float | FloatArray:
    """Show the slider; return the model's own threshold of each class id until the visitor moves it, then one for all.

    Args:
        place: Container of the slider.
        card: Description of the model.
    """
    own = card.all_thresholds
    start = min(max(round(median(own.values()), 2), LOWEST), HIGHEST)
    chosen = place.slider(
        "Confidence threshold", LOWEST, HIGHEST, start, STEP, help=HELP_OWN if card.thresholds else HELP
    )
    if chosen != start:
        return chosen
    if len(set(own.values())) > 1:
        place.caption(f"Each class has its own: {escape(thresholds_text(card))}. Move the slider to use one for all.")
    return np.array(list(own.values()), np.float32)


def thresholds_text(card: ModelCard) -> str:
    """List the threshold of each class, the first of many."""
    own = card.all_thresholds
    shown = [f"{shortened(name, 30)} {threshold:.2f}" for name, threshold in list(own.items())[:MAX_SHOWN]]
    return listed([*shown, *([f"{len(own) - MAX_SHOWN} more"] if len(own) > MAX_SHOWN else [])])
