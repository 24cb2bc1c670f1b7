"""Text output of a leaderboard on the command line."""

from autodet.messages.leaderboards import split_note
from autodet.models.registry import architecture_title
from autodet.records import Interval, Leaderboard
from autodet.terminal import PROGRAM, columns, figure
from autodet.text_format import size_text


def leaderboard_text(leaderboard: Leaderboard) -> str:
    """List the models on a leaderboard, and those that are not evaluated on its photos yet."""
    if not leaderboard.standings:
        return f"There is no model yet that knows the classes; train one with '{PROGRAM} search {leaderboard.dataset}'."
    rows: list[tuple[str, ...]] = [
        ("MODEL", "MAP50", "95 % INTERVAL", "MAP50-95", "95 % INTERVAL", "MS", "SIZE", "NETWORK", "SEARCH")
    ]
    rows += [
        (
            standing.model,
            figure(standing.map50),
            _ends(standing.interval.get("map50")),
            figure(standing.map50_95),
            _ends(standing.interval.get("map50_95")),
            "-" if standing.latency_ms is None else f"{standing.latency_ms:g}",
            size_text(standing.size_bytes),
            architecture_title(standing.architecture),
            standing.search or "-",
        )
        for standing in leaderboard.standings
    ]
    missing = [standing.model for standing in leaderboard.standings if not standing.is_evaluated]
    hint = f"Add --evaluate to evaluate {', '.join(missing)} on these photos."
    cautions = [f"{standing.model}: {standing.caution}" for standing in leaderboard.standings if standing.caution]
    note = split_note(leaderboard.split)
    return "\n\n".join(filter(None, [columns(rows), "\n".join([*cautions, note]).strip(), hint * bool(missing)]))


def _ends(interval: Interval | None) -> str:
    return f"{interval[0]:.3f} to {interval[1]:.3f}" if interval else "-"
