"""A report as one HTML file: it loads nothing, runs nothing, follows the reader's theme, and prints."""

from functools import cache
from pathlib import Path

from autodet.reports.markup import Child, Markup, tag
from autodet.reports.model_report import ModelReport
from autodet.reports.sections.figures import class_section, curve_section, error_section, subset_section
from autodet.reports.sections.origin import data_section, limit_section, model_section, search_section, usage_section
from autodet.reports.sections.photos import photo_section
from autodet.reports.sections.summary import head, summary_section, term_section
from autodet.text_format import shortened

STYLE = Path(__file__).parent / "assets" / "report.css"
POLICY = "default-src 'none'; style-src 'unsafe-inline'; img-src data:; base-uri 'none'; form-action 'none'"
SECTIONS = {
    "In short": summary_section,
    "Limits": limit_section,
    "Examples": photo_section,
    "Classes": class_section,
    "Errors": error_section,
    "Weak spots": subset_section,
    "Curves": curve_section,
    "Data": data_section,
    "Search": search_section,
    "Model and licence": model_section,
    "How to use it": usage_section,
    "Terms": term_section,
}


def report_html(report: ModelReport) -> str:
    """Return a report as an HTML document."""
    sections = {title: section(report) for title, section in SECTIONS.items()}
    numbered = [(f"s{number}", title, content) for number, (title, content) in enumerate(sections.items(), start=1)]
    links = [tag("a", title, href=f"#{place}") for place, title, _ in numbered]
    body = tag(
        "body",
        head(report),
        tag("nav", links, aria_label="Sections"),
        tag("main", [_section(*section) for section in numbered]),
    )
    return f"<!DOCTYPE html>\n{tag('html', _head(report), body, lang='en')}\n"


def _section(place: str, title: str, content: Child) -> Markup:
    return tag("section", tag("h2", title), content, id=place)


def _head(report: ModelReport) -> Markup:
    return tag(
        "head",
        tag("meta", charset="utf-8"),
        tag("meta", http_equiv="Content-Security-Policy", content=POLICY),
        tag("meta", name="viewport", content="width=device-width, initial-scale=1"),
        tag("meta", name="color-scheme", content="light dark"),
        tag("title", f"{shortened(report.model.name)}: model report"),
        tag("style", Markup(_style())),
    )


@cache
def _style() -> str:
    return STYLE.read_text(encoding="utf-8")
