"""Hidden weak spots: missed objects by size, crowding, source folder, light and sharpness."""

from collections.abc import Sequence
from functools import partial
from pathlib import PurePosixPath

import streamlit as st

from autodet.charts.errors import groups_figure
from autodet.evaluation.examples import group_examples
from autodet.evaluation.groupings import (
    Grouping,
    crowding_grouping,
    group_counts,
    name_grouping,
    size_grouping,
)
from autodet.evaluation.outcomes import Outcomes, ShownOutcomes
from autodet.evaluation.priorities import weak_groups
from autodet.messages.evaluation import GROUP_TITLES, group_text, weakest_text
from autodet.records import GroupCounts
from autodet.ui.common.frame import sentences_for_errors
from autodet.ui.common.markdown import escape, shortened
from autodet.ui.evaluate.evaluation import MAX_KEPT, Evaluated
from autodet.ui.evaluate.marks import Mark, clickable_chart, show_marked
from autodet.ui.evaluate.photo_conditions import condition_groupings

MAX_GROUPS = 12  # bars of a chart
EVEN = "No group of objects is missed clearly more often than the others."
MAX_NAME = 40
TITLES = {
    "size": "Object size, in pixels of the photo",
    "crowding": "Objects on the photo",
    "folder": "Source folder",
    "light": "Light",
    "sharpness": "Sharpness",
}
HELP = (
    "The share of labelled objects that are found and missed at the thresholds above. Sizes are the square root of the "
    "box's area, in pixels of the photo, with COCO's limits of 32 and 96; the statistics of a data set measure in "
    "photos that are shrunk for training, with limits of 16 and 48. Click a bar to see its objects."
)


@st.fragment
def show_weak_spots(evaluated: Evaluated, shown: ShownOutcomes) -> None:
    """Show found and missed objects by group; a click on a bar shows its objects."""
    with sentences_for_errors("Evaluate"):
        section = f"groups {evaluated.key}"
        groupings = dict(_groupings(evaluated.key, evaluated, evaluated.outcomes)) | condition_groupings(evaluated)
        counts = {kind: _largest(group_counts(shown, grouping)) for kind, grouping in groupings.items()}
        if len(counts.get("folder", ())) == 1:  # the only one with objects
            del counts["folder"]
        sentences = [weakest for groups in counts.values() if (weakest := _weakest(groups))] or [EVEN]
        st.markdown("\n".join(f"- {escape(sentence)}" for sentence in sentences), help=HELP)
        marks: dict[str, Mark] = {}
        columns = st.columns(2, gap="medium")
        for place, (kind, groups) in enumerate(counts.items()):
            with columns[place % 2]:
                st.markdown(f"**{TITLES[kind]}**")
                _show_chart(section, kind, groups)
            marks |= _marks(shown, kind, groupings[kind], groups)
        show_marked(evaluated, shown, section, marks)


@st.cache_resource(max_entries=MAX_KEPT, show_spinner=False)
def _groupings(key: str, _evaluated: Evaluated, _outcomes: Outcomes) -> dict[str, Grouping]:
    del key  # only the cache key
    folders = [str(PurePosixPath(record.origin).parent) for record in _evaluated.records]
    found = {"size": size_grouping(_outcomes), "crowding": crowding_grouping(_outcomes)}
    return found | ({"folder": name_grouping(_outcomes, folders)} if len(set(folders)) > 1 else {})


def _largest(groups: Sequence[GroupCounts]) -> list[GroupCounts]:
    """Return the groups that have boxes; of many, those with the most missed."""
    filled = [group for group in groups if group.boxes]
    if len(filled) <= MAX_GROUPS:
        return filled
    most = sorted(filled, key=lambda group: -group.missed)[:MAX_GROUPS]
    return [group for group in filled if group in most]


def _weakest(groups: Sequence[GroupCounts]) -> str:
    """Name the group that is missed clearly more often than the rest; empty if there is none."""
    if not (weak := weak_groups(groups)):
        return ""
    others = [group for group in groups if group is not weak[0]]
    missed, boxes = sum(group.missed for group in others), sum(group.boxes for group in others)
    return weakest_text(_title(weak[0].name), weak[0].missed, weak[0].boxes, missed, boxes)


def _title(name: str) -> str:
    return GROUP_TITLES.get(name, shortened(name, MAX_NAME))


def _show_chart(section: str, kind: str, groups: Sequence[GroupCounts]) -> None:
    texts = [group_text(group.missed, group.boxes, group.false_positives) for group in groups]
    figure = groups_figure(groups, [_title(group.name) for group in groups], texts, kind)
    clickable_chart(figure, section, TITLES[kind])


def _marks(shown: ShownOutcomes, kind: str, grouping: Grouping, groups: Sequence[GroupCounts]) -> dict[str, Mark]:
    marks = {}
    for group in groups:
        index = grouping.names.index(group.name)
        for state, count in (("missed", group.missed), ("found", group.found)):
            if count:
                examples = partial(group_examples, shown, grouping, index, found=state == "found")
                marks[f"{kind} {group.name} {state}"] = Mark(f"{count:,} {state}: {_title(group.name)}", examples)
    return marks
