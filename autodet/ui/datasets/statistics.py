"""Charts of a data set, each with an explanation and warnings."""

from collections.abc import Callable

import numpy as np
import pandas as pd
import plotly.graph_objects as go
import streamlit as st

from autodet.charts.datasets import (
    MAX_CLASSES,
    box_ratios_figure,
    box_sides_figure,
    class_counts_figure,
    photo_sizes_figure,
    places_figure,
)
from autodet.datasets.manifest import Dataset
from autodet.datasets.statistics import SMALL_SIDE, TRAINING_SIZE, Columns, columns_of, count_classes
from autodet.records import SPLITS
from autodet.text_format import counted
from autodet.ui.common.markdown import escape, shortened

UNEVEN = 10  # imbalance warning: ratio of the most to the least frequent class
SLIM = 3  # aspect ratio of a slim box
MUCH = 0.25  # share of small or slim boxes that triggers a warning
CENTRED = 0.5  # share of boxes centred in the middle ninth that triggers a warning


def show_statistics(dataset: Dataset) -> None:
    """Show all charts."""
    if dataset.boxes:
        _show("Classes", class_counts_figure, _about_classes, dataset)
        if len(dataset.classes) > MAX_CLASSES:
            _show_all_classes(dataset)
    else:
        st.info("No labels yet, so there are only the sizes of the photos.", icon=":material/select:")
        _show("Sizes of photos", photo_sizes_figure, _about_photo_sizes, dataset)
        return
    left, right = st.columns(2, gap="large")
    with left:
        _show("Sizes of boxes", box_sides_figure, _about_sides, dataset)
        _show("Positions of boxes", places_figure, _about_places, dataset)
    with right:
        _show("Shapes of boxes", box_ratios_figure, _about_ratios, dataset)
        _show("Sizes of photos", photo_sizes_figure, _about_photo_sizes, dataset)


def _show(
    title: str, draw: Callable[[Dataset], go.Figure], describe: Callable[[Dataset, Columns], str], dataset: Dataset
) -> None:
    st.subheader(title, anchor=False)
    st.markdown(describe(dataset, columns_of(dataset)))
    key = f"{title} {dataset.id}"
    st.plotly_chart(draw(dataset), key=key, config={"displayModeBar": False}, alt=title)


def _show_all_classes(dataset: Dataset) -> None:
    counts = count_classes(columns_of(dataset), len(dataset.classes))
    table = pd.DataFrame({"class": dataset.classes, "boxes": counts.sum(axis=0)})
    for split in dataset.splits:
        table[split] = counts[SPLITS.index(split)]
    with st.expander(f"All {counted(len(dataset.classes), 'class', 'classes')} as a table"):
        st.dataframe(table.sort_values("boxes", ascending=False), hide_index=True)


def _about_classes(dataset: Dataset, columns: Columns) -> str:
    counts = count_classes(columns, len(dataset.classes)).sum(axis=0)
    if len(counts) == 1:
        return f"There is one class, {escape(dataset.classes[0])}, so there is no class imbalance."
    most, least = int(counts.argmax()), int(counts.argmin())
    times = counts[most] / max(1, counts[least])
    names = f"{escape(shortened(dataset.classes[most]))} ({counted(int(counts[most]), 'box', 'boxes')}) and "
    names += f"{escape(shortened(dataset.classes[least]))} ({counts[least]:,})"
    shown = f"The {MAX_CLASSES} most frequent of {len(counts):,} classes. " if len(counts) > MAX_CLASSES else ""
    if times < UNEVEN:
        return f"{shown}Balanced well enough: the most and the least frequent class are {names}."
    return (
        f"{shown}Class imbalance: the most and the least frequent class are {names}. A detector finds rare "
        "classes less reliably; add photos of them."
    )


def _about_sides(_dataset: Dataset, columns: Columns) -> str:
    small = float((columns.sides < SMALL_SIDE).mean())
    text = (
        f"Photos are shrunk until their longer side has {TRAINING_SIZE} pixels. Then half of the boxes have a side of "
        f"less than **{np.median(columns.sides):.0f} pixels**, and {_share(small)} are small "
        "(Evaluate uses COCO's limits instead, 32 and 96 pixels of the photo itself)."
    )
    if small > MUCH:
        text += (
            " The detector will miss many small objects: take photos from closer up, or cut them into tiles before you "
            "label."
        )
    return text


def _about_ratios(_dataset: Dataset, columns: Columns) -> str:
    low, high = np.quantile(columns.ratios, [0.25, 0.75])
    slim = float((np.maximum(columns.ratios, 1 / columns.ratios) > SLIM).mean())
    text = (
        f"The middle half of the boxes are {low:.1f} to {high:.1f} times as wide as they are high; {_share(slim)} are "
        f"more than {SLIM} times as long one way as the other."
    )
    if slim > MUCH:
        text += " Such slim boxes are hard to fit: if objects lie diagonally, label their parts instead."
    return text


def _about_places(_dataset: Dataset, columns: Columns) -> str:
    centres = (columns.boxes_xyxy[:, :2] + columns.boxes_xyxy[:, 2:]) / 2
    middle = float((np.abs(centres - 0.5) < 1 / 6).all(axis=1).mean())
    text = f"The bluer, the more boxes cover that part of a photo. {_share(middle)} have their centre in the middle."
    if middle > CENTRED:
        text += " The detector would learn little near the edges: add photos with objects off the centre."
    return text


def _about_photo_sizes(_dataset: Dataset, columns: Columns) -> str:
    longer = columns.sizes_wh.max(axis=1)
    small = float((longer < TRAINING_SIZE).mean())
    text = f"Half of the photos have a longer side of at least {np.median(longer):,.0f} pixels."
    if small > 0:
        text += f" {_share(small)} are smaller than the training size of {TRAINING_SIZE}: enlarged, they are blurred."
    return text


def _share(share: float) -> str:
    return "none" if share == 0 else "fewer than 1%" if share < 0.01 else f"{share:.0%}"
