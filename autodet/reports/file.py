"""A report as a file."""

import os
from pathlib import Path

from autodet.errors import ModelError
from autodet.reports.model_report import ModelReport
from autodet.reports.page import report_html
from autodet.workspace import write_atomically


def check_place(path: Path) -> None:
    """Check that a report can be written to a path, before the time for an evaluation is spent.

    Raises:
        ModelError: It cannot.
    """
    if path.is_dir():
        raise ModelError(f"{path} is a folder; name a file, such as {path / 'report.html'}.")
    if path.exists() and not path.is_file():
        raise ModelError(f"{path} is not a regular file; choose another place for the report.")
    folder = path.resolve().parent
    if not folder.is_dir():
        raise ModelError(f"The folder {folder} for the report does not exist; create it, or choose another place.")
    if not os.access(folder, os.W_OK):
        raise ModelError(f"The folder {folder} cannot be written to; choose another place for the report.")


def report_bytes(report: ModelReport) -> bytes:
    """Return the HTML file of a report."""
    return report_html(report).encode("utf-8", "backslashreplace")  # a name may hold half a surrogate pair


def write_report(report: ModelReport, path: Path) -> None:
    """Write a report as HTML; an existing file, or the one behind a link, is replaced when the new one is complete.

    Raises:
        ModelError: The file cannot be written.
    """
    try:
        write_atomically(path.resolve(), report_bytes(report))
    except OSError as error:
        raise ModelError(f"{path} cannot be written: {error.strerror}; choose another place.") from error
