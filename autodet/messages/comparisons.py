"""Sentences about two models that were compared."""

from autodet.messages.audience import Audience
from autodet.messages.cautions import SPLIT_WORDS
from autodet.records import Comparison, Difference, Improvement
from autodet.records.comparisons import MIN_PHOTOS
from autodet.text_format import counted, listed

FIGURES = {"terminal": "mAP50", "page": "mAP@0.5"}
DIFFERENCES = {"terminal": "B - A", "page": "the difference"}  # the page names models instead of A and B

MORE_PHOTOS = (
    "More test photos help: of a pool, some of the photos that you label next become test photos in the next version; "
    "draw new splits of other data sets."
)


def comparison_sentence(comparison: Comparison, audience: Audience = "terminal") -> str:
    """Say which of two models is better, or that the difference is within noise."""
    figure, photos, name = comparison.map50, counted(len(comparison.images), "photo"), FIGURES[audience]
    better, worse = (comparison.models[side] for side in ("ba" if figure.difference > 0 else "ab"))
    low, high = sorted(abs(bound) for bound in figure.interval)
    if figure.significant:
        return (
            f"{better} is better than {worse}: its {name} on {photos} is higher by {abs(figure.difference):.3f} "
            f"(95 % interval {low:.3f} to {high:.3f})."
        )
    lowest, highest = figure.interval
    if lowest == highest == 0:
        return f"Both models have the same {name} on these {photos}."
    return (
        f"The difference of {abs(figure.difference):.3f} in {name} is within noise: on {len(comparison.images):,} "
        f"other photos like these, {DIFFERENCES[audience]} could be anywhere between {lowest:+.3f} and {highest:+.3f}. "
        "Compare on more photos."
    )


def verdict_text(figure: Difference, a: str, b: str) -> str:
    """Say which model is better in a figure, or that the difference is within noise."""
    if not figure.significant:
        return "within noise"
    return f"{b if figure.difference > 0 else a} is better"


def improvement_sentence(improvement: Improvement, audience: Audience = "terminal") -> str:
    """Describe the gain of a search over the model that it started from."""
    figure, names = improvement.comparison.map50, improvement.names
    photos = counted(improvement.photos, f"{SPLIT_WORDS[improvement.split]} photo")
    figures = (
        f"{names['b']} against {names['a']}, which it started from, on {photos} that neither was trained on: "
        f"{FIGURES[audience]} {figure.a:.3f} before, {figure.b:.3f} now"
    )
    if improvement.too_few:
        return f"{figures}; too few photos to tell."
    low, high = figure.interval
    verdict = "more than chance" if figure.significant else "within noise"
    return f"{figures}, a difference of {figure.difference:+.3f} (95 % interval {low:+.3f} to {high:+.3f}), {verdict}."


def improvement_cautions(improvement: Improvement) -> list[str]:
    """Say why the figures of an improvement need care, and what to do; empty if they do not."""
    cautions = []
    if improvement.proposed or improvement.set_aside:
        cautions.append(_proposed_text(improvement))
    if improvement.too_few:
        cautions.append(f"{counted(improvement.photos, 'photo')} cannot tell two models apart. {MORE_PHOTOS}")
    if improvement.split == "val":
        remedy = "" if improvement.too_few else f" {MORE_PHOTOS}"
        cautions.append(
            f"There are no such test photos, and {improvement.names['b']} was chosen on these validation photos, so it "
            f"looks a little too good.{remedy}"
        )
    if improvement.unknown:
        cautions.append(
            f"A data set that a model was trained on was deleted ({listed(improvement.unknown)}), so it may have been "
            "trained on some of these photos."
        )
    if improvement.left_out:
        cautions.append(
            f"Boxes of {listed(improvement.left_out)} do not count, because {improvement.names['a']} does not know "
            "these classes."
        )
    return cautions


def _proposed_text(improvement: Improvement) -> str:
    """Say what it means that the earlier model proposed labels of photos."""
    name, kind = improvement.names["a"], f"{SPLIT_WORDS[improvement.split]} photo"
    if improvement.set_aside:
        verb = "does" if improvement.set_aside == 1 else "do"
        photos = counted(improvement.set_aside, kind)
        return f"{photos} {verb} not count: {name} proposed labels there, which would favour it."
    verb = "has" if improvement.proposed == 1 else "have"
    return (
        f"{improvement.proposed:,} of these {counted(improvement.photos, 'photo')} {verb} labels that {name} proposed, "
        f"which favours it. Labels drawn by hand on {MIN_PHOTOS} test photos would tell."
    )


def no_unseen_photos_text(earlier: str, model: str) -> str:
    """Say that two models cannot be compared, and what to do.

    Args:
        earlier: Name of the earlier model.
        model: Name of the other model.
    """
    return f"There are no labelled photos that neither {earlier} nor {model} was trained on. {MORE_PHOTOS}"


def few_photos(photos: int) -> str:
    """Return the caution beside a figure that few photos gave, ``on 3 photos``; empty for enough photos, or unknown."""
    return f"on {counted(photos, 'photo')}" if 0 < photos < MIN_PHOTOS else ""
