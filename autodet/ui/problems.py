"""What an import found and did about it."""

from dataclasses import asdict

import pandas as pd
import streamlit as st

from autodet.datasets.manifest import Dataset
from autodet.ui.tables import as_csv


def show_problems(dataset: Dataset) -> None:
    """A table of problems, to be searched and downloaded."""
    if not dataset.problems:
        st.success("Nothing was wrong with this data set.", icon=":material/check_circle:")
        return
    table = pd.DataFrame([asdict(problem) for problem in dataset.problems])
    wanted = st.text_input("Find", placeholder="part of a file's name or of a problem", key=f"find {dataset.id}")
    if wanted:
        matches = table.apply(lambda row: wanted.lower() in " ".join(map(str, row)).lower(), axis=1)
        table = table[matches]
    st.dataframe(
        table,
        hide_index=True,
        height=min(460, 38 + 35 * max(1, len(table))),
        column_config={"file": "File", "problem": "What was wrong", "action": "What was done"},
    )
    st.download_button(
        "Download as CSV",
        as_csv(table),
        f"{dataset.id}-problems.csv",
        "text/csv",
        icon=":material/download:",
    )
