"""Counts and boxes of the predictions that are shown, as tables."""

from collections.abc import Sequence

import numpy as np
import pandas as pd
import streamlit as st

from autodet.records import Prediction
from autodet.ui.predict.seen import Seen
from autodet.ui.predict.sides import Sides

ALL = "All photos"
BOX_FORMATS = {"score": "%.2f", "x1": "%.1f", "y1": "%.1f", "x2": "%.1f", "y2": "%.1f"}


def show_tables(seen: Sequence[Seen], sides: Sides, shown: Sequence[Sequence[Prediction]]) -> None:
    """Show the number of objects by photo and class, and every object, in folded parts.

    Args:
        seen: The photos.
        sides: The models.
        shown: The detections of each model on each photo, with the model's class ids.
    """
    counts = st.expander("Counts by photo", icon=":material/grid_on:", key="counts by photo", on_change="rerun")
    boxes = st.expander("Every object", icon=":material/list:", key="every object", on_change="rerun")
    if counts.open:
        counts.dataframe(count_table(seen, sides, shown), hide_index=True, alt="Number of objects by photo and class")
    if boxes.open:
        formats = {name: st.column_config.NumberColumn(format=shape) for name, shape in BOX_FORMATS.items()}
        table = box_table(seen, sides, shown)
        boxes.dataframe(table, hide_index=True, column_config=formats, alt="Every object with its score and box")


def count_table(seen: Sequence[Seen], sides: Sides, shown: Sequence[Sequence[Prediction]]) -> pd.DataFrame:
    """Count the objects of each class on each photo; the last rows have the totals.

    Classes that are on no photo have no column.
    """
    counts = np.array(
        [
            [np.bincount(side.joint_ids[one.class_ids], minlength=len(sides.classes)) for one in predictions]
            for side, predictions in zip(sides.sides, shown, strict=True)
        ]
    )
    counts = np.concatenate([counts, counts.sum(axis=1, keepdims=True)], axis=1)
    found = np.flatnonzero(counts.any(axis=(0, 1))).tolist()
    rows = []
    for index, name in enumerate([*(one.photo.name for one in seen), ALL]):
        for place, side in enumerate(sides.sides):
            model = {"model": side.model.card.name} if len(sides.sides) > 1 else {}
            numbers = {sides.classes[class_id]: int(counts[place, index, class_id]) for class_id in found}
            rows.append(_row({"photo": name} | model, numbers | {"objects": int(counts[place, index].sum())}))
    return pd.DataFrame(rows)


def _row(texts: dict[str, str], numbers: dict[str, int]) -> dict[str, str | int]:
    """Join both; a class with the name of another column keeps its own one."""
    return {**texts, **{f"{name} (class)" if name in texts else name: count for name, count in numbers.items()}}


def box_table(seen: Sequence[Seen], sides: Sides, shown: Sequence[Sequence[Prediction]]) -> pd.DataFrame:
    """List every object with its score and its box in pixels, photo by photo, the best first."""
    rows = []
    for index, one in enumerate(seen):
        for side, predictions in zip(sides.sides, shown, strict=True):
            prediction = predictions[index]
            model = {"model": side.model.card.name} if len(sides.sides) > 1 else {}
            for box, class_id, score in zip(
                prediction.boxes_xyxy.astype(float).round(1).tolist(),
                prediction.class_ids.tolist(),
                prediction.scores.tolist(),
                strict=True,
            ):
                named = {"class": side.model.card.classes[class_id], "score": round(score, 4)}
                rows.append(
                    {"photo": one.photo.name, **model, **named, **dict(zip(("x1", "y1", "x2", "y2"), box, strict=True))}
                )
    return pd.DataFrame(rows, columns=None if rows else ["photo", "class", "score", "x1", "y1", "x2", "y2"])
