"""Sentences about labels that a model proposes."""

from collections.abc import Mapping

from autodet.messages.evaluation import percent
from autodet.text_format import counted, listed, shortened

MAX_CLASSES = 5  # named in a sentence


def auto_labels_text(photos: int, boxes: Mapping[str, int], without: int, skipped: int, unreadable: int) -> str:
    """Describe the proposals of a model.

    Args:
        photos: Photos with proposals.
        boxes: Number of proposals by class.
        without: Photos without a proposal.
        skipped: Photos that stay as they are.
        unreadable: Photos that cannot be read.
    """
    return " ".join(
        filter(
            None,
            (
                _proposed_text(photos, boxes),
                f"Nothing new was found on {counted(without, 'photo')}." * bool(without),
                f"{counted(skipped, 'photo')} that people have reviewed {_stay(skipped)} as {_they(skipped)}."
                * bool(skipped),
                f"{counted(unreadable, 'photo')} cannot be read." * bool(unreadable),
            ),
        )
    )


def acceptance_text(accepted: int, proposals: int, photos: int, right: float | None) -> str:
    """Describe the proposals that an acceptance takes over.

    Args:
        accepted: Proposals that score enough.
        proposals: All proposals.
        photos: Photos of the accepted ones.
        right: Mean calibrated score of the accepted ones; None if their scores are not calibrated.
    """
    if not accepted:
        return f"None of {counted(proposals, 'proposal')} scores that much."
    taken = f"{accepted:,} of {counted(proposals, 'proposal')}, on {counted(photos, 'photo')}"
    if right is None:
        return f"{taken}. The scores of this model are not calibrated, so look at some of them first."
    return f"{taken}. On validation photos, about {percent(right)} of detections with such scores were right."


def accepted_text(boxes: int, photos: int) -> str:
    """Say how many proposals an acceptance made labels, and on how many photos, without a full stop."""
    return f"{counted(boxes, 'box', 'boxes')} accepted on {counted(photos, 'photo')}"


def _proposed_text(photos: int, boxes: Mapping[str, int]) -> str:
    if not photos:
        return "No box was proposed."
    most = sorted(boxes.items(), key=lambda item: (-item[1], item[0]))
    named = listed([f"{shortened(name, 30)} {count:,}" for name, count in most], most=MAX_CLASSES)
    return f"{counted(sum(boxes.values()), 'box', 'boxes')} proposed on {counted(photos, 'photo')}: {named}."


def _stay(count: int) -> str:
    return "stays" if count == 1 else "stay"


def _they(count: int) -> str:
    return "it is" if count == 1 else "they are"
