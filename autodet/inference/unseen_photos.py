"""Photos of a data set that models can be compared on, because none of them was trained on these."""

from collections.abc import Sequence
from dataclasses import dataclass, replace

from autodet.datasets.manifest import Dataset, fingerprint_of
from autodet.errors import ModelError
from autodet.inference.comparable_records import with_shared_classes
from autodet.inference.leakage import find_source, photo_hashes
from autodet.models.model_card import ModelCard
from autodet.records import ImageRecord, Split


@dataclass(frozen=True, eq=False)
class UnseenPhotos:
    """Photos that no model was trained on, with the classes that all models know.

    Attributes:
        dataset: The data set with these photos only, all in one split; the data set itself if its split has no others.
        split: ``test`` if there are such test photos with boxes, else ``val``, whose photos chose a model.
        count: Number of these photos; 0 if none of them has a box.
        unknown: Names of data sets that a model was trained on and that are gone; their photos may be among these.
        left_out: Classes of the data set that a model does not know, so that their boxes do not count.
    """

    dataset: Dataset
    split: Split
    count: int
    unknown: tuple[str, ...] = ()
    left_out: tuple[str, ...] = ()

    @property
    def images(self) -> tuple[ImageRecord, ...]:
        """These photos."""
        return self.dataset.split(self.split)

    def only(self, images: tuple[ImageRecord, ...]) -> "UnseenPhotos":
        """Return some of these photos."""
        return replace(self, dataset=_with_images(self.dataset, images), count=len(images))


def unseen_photos(cards: Sequence[ModelCard], dataset: Dataset) -> UnseenPhotos:
    """Return the photos of a data set that no model, and no model in its fine-tuning history, was trained on.

    Test photos that chose an epoch or thresholds do not count either. Photos are compared by SHA-256, which does not
    detect near-duplicates.
    """
    trained, chose, unknown = _known_hashes(cards, dataset)
    try:
        shared = with_shared_classes(cards, dataset)
    except ModelError:  # the models have no class in common
        return UnseenPhotos(dataset, "test", 0, unknown, dataset.classes)
    left_out = tuple(name for name in dataset.classes if name not in shared.classes)
    split: Split = "test"
    unseen = _unseen(shared.split(split), trained | chose)
    if not unseen:
        split, unseen = "val", _unseen(shared.split("val"), trained)
    if left_out or len(unseen) < len(dataset.split(split)):
        shared = _with_images(shared, unseen)
    return UnseenPhotos(shared, split, len(unseen), unknown, left_out)


def _with_images(dataset: Dataset, images: tuple[ImageRecord, ...]) -> Dataset:
    return replace(dataset, images=images, fingerprint=fingerprint_of(dataset.classes, images))


def _unseen(records: Sequence[ImageRecord], known: set[str]) -> tuple[ImageRecord, ...]:
    """Return the photos without a known hash; none if no object is on them."""
    unseen = tuple(record for record in records if known.isdisjoint(photo_hashes(record)))
    return unseen if any(len(record.annotations) for record in unseen) else ()


def _known_hashes(cards: Sequence[ModelCard], dataset: Dataset) -> tuple[set[str], set[str], tuple[str, ...]]:
    """Return the hashes of photos that trained the models and that chose them, and the data sets that are gone."""
    trained, chose, unknown = set[str](), set[str](), dict[str, None]()
    for origin in dict.fromkeys(origin for card in cards for origin in card.as_origin("").ancestors):
        own = origin.dataset_fingerprint == dataset.fingerprint
        source = dataset if own else find_source(origin, dataset.workspace)
        if source is None:
            unknown[origin.dataset] = None
            continue
        for split, hashes in (("train", trained), ("val", trained if origin.refit else chose)):
            hashes.update(one for record in source.split(split) for one in photo_hashes(record))
    return trained, chose, tuple(unknown)
