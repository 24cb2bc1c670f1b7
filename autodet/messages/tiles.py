"""What tiles gain, in words."""

from autodet.records import TileGain
from autodet.text_format import counted


def tile_gain_text(gain: TileGain) -> str:
    """Return the figures without and with tiles as a sentence."""
    without, tiled = gain.map50
    change = "keep" if round(without, 3) == round(tiled, 3) else "raise" if tiled > without else "lower"
    figure = f"mAP50 at {tiled:.3f}" if change == "keep" else f"mAP50 from {without:.3f} to {tiled:.3f}"
    precision, recall = (f"{before:.0%} to {after:.0%}" for before, after in (gain.precision, gain.recall))
    return (
        f"On {counted(gain.photos, 'large validation photo')} of {gain.dataset}, tiles {change} {figure}; precision "
        f"changes from {precision}, recall from {recall}."
    )
