"""Preview of a version of a data set: changes, groups, and counts before and after."""

from collections.abc import Sequence

import pandas as pd
import streamlit as st

from autodet.charts.palette import GREY
from autodet.datasets.versions.diff import Difference
from autodet.datasets.versions.planned_dataset import PlannedDataset
from autodet.messages.findings import problem_sentence
from autodet.messages.versions import change_sentence
from autodet.text_format import counted
from autodet.ui.common.markdown import SPLIT_TITLES, escape

GROUPS_SHOWN, EXAMPLES, WARNINGS_SHOWN = 5, 4, 6


def show_preview(version: PlannedDataset, differences: Sequence[Difference] | None = None) -> None:
    """Show the changes of a planned version, with counts before and after and warnings.

    Args:
        version: The planned version.
        differences: The counts to show; by default, those of the parent and the version.
    """
    changes = "\n".join(f"- {escape(change_sentence(change, planned=True))}" for change in version.changes)
    st.markdown(f"**What would change**\n\n{changes}")
    together = sorted((photos for photos in version.groups.items() if len(photos[1]) > 1), key=lambda g: -len(g[1]))
    if together:
        more = f", the largest {GROUPS_SHOWN} of them here" if len(together) > GROUPS_SHOWN else ""
        st.caption(
            "Photos that belong together, such as those of one scene, stay in one split: "
            f"{counted(len(together), 'group')}{more}."
        )
        rows = [
            {"Group": name, "Photos": len(photos), "For example": ", ".join(sorted(photos)[:EXAMPLES])}
            for name, photos in together[:GROUPS_SHOWN]
        ]
        st.dataframe(pd.DataFrame(rows), hide_index=True, alt="Groups of photos that stay together")
    show_differences(version.differences() if differences is None else differences)
    problems = [problem_sentence(finding, "page") for finding in version.findings_of_the_whole]
    if problems:
        more = f" And {len(problems) - WARNINGS_SHOWN} more like these." if len(problems) > WARNINGS_SHOWN else ""
        st.warning(escape(" ".join(problems[:WARNINGS_SHOWN]) + more), icon=":material/warning:")


def show_differences(differences: Sequence[Difference]) -> None:
    """Show a table of counts before and after, with unchanged counts in grey."""
    rows = [
        {"": difference.name or difference.of.capitalize()}
        | {
            SPLIT_TITLES.get(split, "All"): _changed(difference.before[split], count)
            for split, count in difference.after.items()
        }
        for difference in differences
    ]
    table = pd.DataFrame(rows)
    st.dataframe(
        table.style.map(lambda cell: "" if "→" in cell else f"color: {GREY}", subset=table.columns[1:]),
        hide_index=True,
        height=min(460, 38 + 35 * len(table)),
        alt="Photos and boxes before and after",
    )


def _changed(before: int, after: int) -> str:
    return f"{after:,}" if before == after else f"{before:,} → {after:,}"
