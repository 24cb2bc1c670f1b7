"""What the starting weights know of a data set's classes, told before a search starts."""

from collections.abc import Sequence

from autodet.models.coco_classes import singular_of
from autodet.models.matching_weights import match_classes
from autodet.models.registry import find_architecture
from autodet.records import Notice


def coco_classes_reason(networks: Sequence[str], classes: Sequence[str]) -> Notice | None:
    """Say which classes COCO's weights know; None if no network has such weights, or they know none of the classes.

    Args:
        networks: Networks of the search.
        classes: Classes of the data set.
    """
    knowing = next((network for network in map(find_architecture, networks) if network.known_classes), None)
    if knowing is None:
        return None
    return known_classes_reason("COCO", knowing.known_classes, classes, tested=knowing.takes_examples)


def known_classes_reason(
    source: str, source_classes: Sequence[str], classes: Sequence[str], *, tested: bool = False
) -> Notice | None:
    """Say which classes keep their rows of the head; None if there are none, and no plural suggests one.

    Args:
        source: Where the weights come from: ``COCO``, or the model.
        source_classes: Classes of the weights.
        classes: Classes of the data set.
        tested: Whether a class keeps its rows only if they respond to its objects.
    """
    matched = match_classes(source_classes, classes)
    hints = [[name, singular_of(name)] for name in matched.fresh if singular_of(name) in matched.gone]
    if not matched.kept and not hints:
        return None
    known, fresh = dict(matched.kept), list(matched.fresh)
    return Notice.of("classes_known", source=source, known=known, fresh=fresh, plurals=hints, tested=tested)
