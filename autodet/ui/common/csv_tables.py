"""CSV export of tables."""

import pandas as pd

from autodet.text_format import defused


def as_csv(table: pd.DataFrame) -> bytes:
    """Convert a table to CSV, with an apostrophe before texts that a spreadsheet would run as formulas."""
    texts = table.select_dtypes(exclude="number").map(defused)
    return table.assign(**texts).to_csv(index=False).encode()
