"""The queue of photos in the label editor: their order, a filter by state, and what is near the shown photo."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import lru_cache
from typing import Literal, get_args

from autodet.datasets.drafts.journal import Drafts
from autodet.datasets.manifest import Dataset
from autodet.records import DraftState

Filter = Literal["all", "unlabelled", "proposed", "labelled", "flagged"]
FILTERS: tuple[Filter, ...] = get_args(Filter)
STRIP = 8  # photos on each side of the shown one whose thumbnails are offered
NEAR = 2  # photos on each side whose labels are sent ahead


@dataclass(frozen=True)
class Queue:
    """The photos that pass a filter, in their order, and the shown one among them.

    Attributes:
        files: The photos; the shown one is there even if the filter excludes it, because its labels have changed.
        place: Index of the shown photo.
        entry: The photo to open once the filter is chosen: the shown one if it passes, else the next one that does;
            None if no photo passes.
        counts: Number of photos that pass each filter.
        next_unlabelled: The next unlabelled photo after the shown one, of all photos; None if there is no other.
        next_flagged: The same for flagged ones.
    """

    files: Sequence[str]
    place: int
    entry: str | None
    counts: Mapping[Filter, int]
    next_unlabelled: str | None
    next_flagged: str | None

    @property
    def strip(self) -> Sequence[str]:
        """The shown photo and those around it."""
        return self.files[max(0, self.place - STRIP) : self.place + STRIP + 1]

    @property
    def near(self) -> list[str]:
        """The shown photo and those that a visitor may open next, without repetition."""
        around = self.files[max(0, self.place - NEAR) : self.place + NEAR + 1]
        following = filter(None, (self.entry, self.next_unlabelled, self.next_flagged))
        return list(dict.fromkeys((self.files[self.place], *around, *following)))


def make_queue(drafts: Drafts, order: Sequence[str], shown: str, chosen: Filter) -> Queue:
    """Return the queue of a data set's photos.

    Args:
        drafts: The labels as they stand now.
        order: All photos in the order in which they are labelled.
        shown: The shown photo, one of ``order``.
        chosen: The filter.
    """
    places = _places(tuple(order))
    imported = _imported_states(drafts.dataset)

    def passes(file: str, which: Filter) -> bool:
        draft = drafts.changed.get(file)
        if which == "flagged":
            return draft is not None and draft.needs_look
        state = draft.state if draft else imported[file]
        return which in ("all", _filter_of(state))

    files: Sequence[str] = order
    if chosen != "all":
        files = [file for file in order if file == shown or passes(file, chosen)]
    start = places[shown]

    def following(which: Filter) -> str | None:
        cycle = (order[(start + step) % len(order)] for step in range(1, len(order)))
        return next((file for file in cycle if passes(file, which)), None)

    counts = _counts(drafts, imported)
    place = start if chosen == "all" else files.index(shown)
    flagged = following("flagged") if counts["flagged"] else None
    unlabelled = following("unlabelled") if counts["unlabelled"] else None
    entry = shown if passes(shown, chosen) else following(chosen)
    return Queue(files, place, entry, counts, unlabelled, flagged)


def _counts(drafts: Drafts, imported: Mapping[str, DraftState]) -> dict[Filter, int]:
    counts: dict[Filter, int] = dict.fromkeys(FILTERS, 0)
    counts["all"] = len(imported)
    labelled = counts["labelled"] = _imported_labelled(drafts.dataset)
    counts["unlabelled"] = len(imported) - labelled
    for file, draft in drafts.changed.items():
        counts[_filter_of(imported[file])] -= 1
        counts[_filter_of(draft.state)] += 1
        counts["flagged"] += draft.needs_look
    return counts


def _filter_of(state: DraftState) -> Filter:
    return "labelled" if state == "empty" else state


@lru_cache(maxsize=4)
def _places(order: tuple[str, ...]) -> Mapping[str, int]:
    return {file: place for place, file in enumerate(order)}


@lru_cache(maxsize=4)
def _imported_labelled(dataset: Dataset) -> int:
    return sum(state == "labelled" for state in _imported_states(dataset).values())


@lru_cache(maxsize=4)
def _imported_states(dataset: Dataset) -> Mapping[str, DraftState]:
    return {record.file: "labelled" if len(record.annotations) else "unlabelled" for record in dataset.images}
