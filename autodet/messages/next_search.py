"""Sentences about a search that starts from the last best model."""

from collections.abc import Sequence

from autodet.text_format import counted, few, listed


def next_search_sentence(
    model: str, trained_on: str, new_photos: int | None, relabelled: int | None, new_classes: Sequence[str]
) -> str:
    """Say from which model a search starts, and which photos and classes are new to it.

    Args:
        model: Name of the model.
        trained_on: Name of the data set that it was trained on.
        new_photos: Number of photos that this data set lacks; None if it was deleted.
        relabelled: Number of photos with other labels there; None if it was deleted.
        new_classes: Classes that the model does not know.
    """
    news = []
    if new_photos:
        news.append(f"{counted(new_photos, 'new photo')}")
    if relabelled:
        news.append(f"{counted(relabelled, 'photo')} with other labels")
    if new_classes:
        news.append(few(new_classes, "new class", "new classes"))
    since = f" Since then: {listed(news)}." if news else ""
    return f"A new search starts from the weights of {model}, the best model on {trained_on}.{since}"
