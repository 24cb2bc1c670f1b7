"""Tables to take away."""

import pandas as pd

FORMULA_STARTS = ("=", "+", "-", "@", "\t", "\r")


def as_csv(table: pd.DataFrame) -> bytes:
    """A table as CSV, in which no spreadsheet takes a text for a formula: an apostrophe stands before it."""
    texts = table.select_dtypes(exclude="number").map(_defused)
    return table.assign(**texts).to_csv(index=False).encode()


def _defused(text: object) -> str:
    return f"'{text}" if str(text).startswith(FORMULA_STARTS) else str(text)
