"""The labelled photos that models are measured on: a data set, or photos that are not imported."""

from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path

from autodet.datasets.imports.staging import Progress, no_progress
from autodet.datasets.imports.temporary import assumptions, path_of_photos, temporary_dataset
from autodet.datasets.manifest import Dataset, DatasetSummary, as_dataset
from autodet.errors import warn
from autodet.inference.comparable_records import unknown_classes
from autodet.messages.cautions import caution_text
from autodet.models.model_card import ModelCard
from autodet.records import Notice
from autodet.workspace import Workspace, open_workspace

AnyPhotos = Dataset | DatasetSummary | str | Path


@contextmanager
def measured_photos(
    given: AnyPhotos,
    cards: Sequence[ModelCard],
    workspace: Workspace | None = None,
    decisions: Mapping[str, str] | None = None,
    report: Progress = no_progress,
) -> Iterator[Dataset]:
    """Open a data set, or read the labelled photos of a path, which are deleted at the end of the block.

    For the photos of a path, warns (``AutodetWarning``) about findings that an import would ask about, with the
    decisions assumed for them, and about classes that a model does not know; their labels are ignored.

    Args:
        given: A data set, its id or its name; or a path of an archive or a folder. A text that is a data set's id or
            name means the data set.
        cards: The models that are measured.
        workspace: Workspace that resolves ids and names, and whose disk holds the photos of a path.
        decisions: Actions for kinds of findings; see ``import_dataset``.
        report: Callback that receives the completed fraction of reading a path, 0 to 1, and the current step.

    Raises:
        NotFoundError: The data set does not exist.
        DatasetError: The photos of a path have no labels, or cannot be read without a decision.
    """
    path = path_of_photos(given, workspace) if isinstance(given, str | Path) else None
    if path is None:
        yield as_dataset(str(given) if isinstance(given, Path) else given, workspace)
        return
    with temporary_dataset(path, workspace or open_workspace(), decisions, report) as photos:
        for sentence in assumptions(photos):
            warn(sentence)
        for sentence in dict.fromkeys(_unknown_sentence(card, photos, len(cards) > 1) for card in cards):
            if sentence:
                warn(sentence)
        yield photos


def _unknown_sentence(card: ModelCard, photos: Dataset, named: bool) -> str:
    unknown = unknown_classes(card, photos)
    if len(unknown) in (0, len(photos.classes)):  # a model that knows no class is an error, which names them
        return ""
    text = caution_text(Notice.of("classes_unknown", boxes=unknown))
    return f"{card.name}: {text}" if named else text
