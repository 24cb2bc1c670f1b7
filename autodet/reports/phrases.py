"""Numbers and names as a report writes them."""

from collections.abc import Iterable, Mapping, Sequence

from autodet.messages import evaluation as messages
from autodet.records import Interval
from autodet.reports.markup import Child, Markup, tag

SPACE = "\u202f"  # narrow, and no line break: between a number and its sign
NOTHING = "–"
SPLIT_PHOTOS = {"train": "training", "val": "validation", "test": "test", "all": ""}


def percent(share: float | None) -> str:
    """Format a share; only 0 and 1 become 0 % and 100 %. A dash for None."""
    return NOTHING if share is None else messages.percent(share, SPACE)


def percent_range(interval: Interval | None) -> str:
    """Format an interval of shares; empty for None, and for one without width."""
    return messages.interval_text(interval, SPACE) if interval and interval[0] < interval[1] else ""


def figure(value: float | None) -> str:
    """Format a metric from 0 to 1; a dash for None."""
    return NOTHING if value is None else f"{value:.3f}"


def figure_range(interval: Interval | None) -> str:
    """Format the interval of a metric; empty for None, and for one without width."""
    return f"{interval[0]:.3f} to {interval[1]:.3f}" if interval and interval[0] < interval[1] else ""


def cell(text: str, more: str = "") -> Markup:
    """Return a cell's content, with smaller words below."""
    return tag("span", text, tag("small", more) if more else None)


def table(titles: Sequence[str], rows: Iterable[Sequence[Child]], *, cards: bool = False) -> Markup:
    """Return a table whose first column names the rows; ``cards`` makes each row a list on a phone."""
    named = list(titles)
    body = [
        tag(
            "tr",
            tag("th", first, scope="row"),
            [tag("td", each, data_name=name) for name, each in zip(named[1:], rest, strict=True)],
        )
        for first, *rest in rows
    ]
    head = tag("tr", [tag("th", title, scope="col") for title in named])
    return tag("table", tag("thead", head), tag("tbody", body), class_="cards" if cards else None)


def facts(values: Mapping[str, Child]) -> Markup:
    """Return a table of names and values; empty values are left out."""
    rows = [tag("tr", tag("th", name, scope="row"), tag("td", value)) for name, value in values.items() if value]
    return tag("table", tag("tbody", rows), class_="facts")


def parameter(value: object) -> str:
    """Format the value of a hyperparameter."""
    return f"{value:.3g}" if isinstance(value, float) else str(value)


def moment(iso: str) -> str:
    """Format an ISO 8601 time as date and time to the minute; unchanged if it is none."""
    return iso[:16].replace("T", " ") if iso[10:11] == "T" else iso
