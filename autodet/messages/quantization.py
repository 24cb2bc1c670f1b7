"""What an INT8 export gains and loses, in words."""

from autodet.records import Quantization
from autodet.text_format import counted, size_text


def quantization_text(result: Quantization) -> str:
    """Return the figures before and after as sentences."""
    lost = result.map50_95[0] - result.map50_95[1]
    points = f"{100 * abs(lost):.1f} points"
    verdict = "keeps all points" if points == "0.0 points" else f"{'loses' if lost > 0 else 'gains'} {points}"
    map50, map50_95 = (" -> ".join(f"{value:.3f}" for value in pair) for pair in (result.map50, result.map50_95))
    milliseconds = " -> ".join(f"{value:g}" for value in result.milliseconds)
    sizes = " -> ".join(size_text(size) for size in result.size_bytes)
    return (
        f"INT8 {verdict} of mAP50-95 on {counted(result.measured_photos, 'validation photo')} of {result.dataset}: "
        f"mAP50 {map50}, mAP50-95 {map50_95}. A photo takes {milliseconds} ms on one core of this machine; the file "
        f"has {sizes}. Calibrated on {counted(result.calibration_photos, 'training photo')}."
    )
