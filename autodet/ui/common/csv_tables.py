"""CSV export of tables."""

import pandas as pd

FORMULA_STARTS = ("=", "+", "-", "@", "\t", "\r")


def as_csv(table: pd.DataFrame) -> bytes:
    """Convert a table to CSV, with an apostrophe before texts that a spreadsheet would run as formulas."""
    texts = table.select_dtypes(exclude="number").map(_defused)
    return table.assign(**texts).to_csv(index=False).encode()


def _defused(text: object) -> str:
    return f"'{text}" if str(text).startswith(FORMULA_STARTS) else str(text)
