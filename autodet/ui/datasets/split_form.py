"""A form that redraws the splits of a data set."""

import streamlit as st

from autodet.datasets.splits import SHARES
from autodet.datasets.versions.photo_groups import RULES
from autodet.datasets.versions.resplit import Resplit

PATTERN = "pattern"


def edit_splits(key: str) -> Resplit | None:
    """Show the form for new splits, and return the request; None if the splits stay or the pattern is empty.

    Args:
        key: Key of the form, unique on the page.
    """
    if not st.toggle("Redraw the splits", key=f"resplit {key}"):
        return None
    train, val, test, seed = st.columns(4)
    of_train = train.number_input("Training, %", 1, 100, round(100 * SHARES["train"]), key=f"train {key}")
    of_val = val.number_input("Validation, %", 0, 99, round(100 * SHARES["val"]), key=f"val {key}")
    test.metric("Test", f"{100 - of_train - of_val} %", help="The rest of the photos.")
    number = seed.number_input("Seed", 0, 2**31 - 1, 0, key=f"seed {key}", help="Another seed draws other splits.")
    stratified = st.checkbox("Stratify: every class gets its share of each split", value=True, key=f"stratified {key}")
    rules = {"": "Only copies of a photo, and photos that look alike", **RULES, PATTERN: "A regular expression"}
    rule = st.selectbox(
        "Keep together",
        list(rules),
        format_func=rules.__getitem__,
        key=f"together {key}",
        help="Frames of one video in two splits are data leakage: metrics look better than they are.",
    )
    if rule == PATTERN:
        rule = st.text_input(
            "Regular expression",
            placeholder="(clip[0-9]+)_",
            key=f"pattern {key}",
            help="With one group in parentheses, searched in the path that a photo had when it was imported. What the "
            "group matches is the same for photos that belong together.",
        )
        if not rule:
            return None
    return Resplit((of_train, of_val, 100 - of_train - of_val), number, stratified, rule or "")
