"""What a data set holds, at a glance."""

import streamlit as st

from autodet.charts.datasets import class_counts_figure
from autodet.datasets.manifest import Dataset
from autodet.ui.text import ago

SPLIT_TITLES = {"train": "Training", "val": "Validation", "test": "Test"}
FORMAT_TITLES = {"voc": "Pascal VOC", "coco": "COCO", "yolo": "YOLO"}


def show_contents(dataset: Dataset) -> None:
    """Counts, and boxes per class and split."""
    figures = {
        "Photos": f"{len(dataset.images):,}",
        "Boxes": f"{dataset.boxes:,}",
        "Classes": f"{len(dataset.classes):,}",
        **{SPLIT_TITLES[split]: f"{count:,}" for split, count in dataset.splits.items()},
    }
    with st.container(horizontal=True, gap="medium"):
        for label, value in figures.items():
            st.metric(label, value, width="content")
    title = FORMAT_TITLES.get(dataset.format, dataset.format)
    st.caption(f"Detected as {title}, imported {ago(dataset.created)}. Boxes per class and split:")
    st.plotly_chart(class_counts_figure(dataset), key=f"counts {dataset.id}", config={"displayModeBar": False})
