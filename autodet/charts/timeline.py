"""Timeline of trials per device."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, tzinfo

import plotly.graph_objects as go

from autodet.charts.layout import label, name_rows, note, styled
from autodet.charts.palette import BROWN, CLASS_COLOURS, SLATE
from autodet.records import Attempt, SearchStatus, TrialStatus
from autodet.text_format import duration, size_text

ROW = 46  # pixels
MIN_TEXT_SIZE = 10
LOST = "lost"  # an attempt that was followed by another one of the same trial
# Stripes distinguish states for users who cannot see the colours.
LOOKS = {
    "finished": (CLASS_COLOURS[3], ""),
    "running": (CLASS_COLOURS[1], ""),
    "pruned": (SLATE, ""),
    "stopped": (CLASS_COLOURS[2], ""),
    "failed": (CLASS_COLOURS[0], "/"),
    LOST: (BROWN, "\\"),
}
UNKNOWN_DEVICE = "device not known"


@dataclass(frozen=True)
class _Bar:
    """One attempt of one trial."""

    trial: TrialStatus
    number: int  # of the attempt, from 1
    attempt: Attempt
    started: datetime
    ended: datetime

    @property
    def state(self) -> str:
        return self.trial.state if self.number == len(self.trial.attempts) else LOST

    @property
    def device(self) -> str:
        return self.attempt.device or UNKNOWN_DEVICE


def timeline_figure(status: SearchStatus, now: datetime, zone: tzinfo | None = None) -> go.Figure:
    """Plot a row per device slot and a bar per attempt of a trial, coloured by its outcome.

    Args:
        status: The search.
        now: Current time, with time zone; bars of running trials end here.
        zone: The time zone to show; the zone of ``now`` if not given.
    """
    bars = [
        _bar(trial, number, now, zone)
        for trial in status.trials
        for number, attempt in enumerate(trial.attempts, start=1)
    ]
    devices = sorted({bar.device for bar in bars}, key=_natural)
    figure = go.Figure()
    for state in LOOKS:
        if shown := [bar for bar in bars if bar.state == state]:
            figure.add_trace(_trace(state, shown, devices))
    if not bars:
        note(figure, "No trial has started yet" if not status.trials else "The times of the trials were not recorded")
    figure.update_layout(barmode="overlay", bargap=0.3, uniformtext={"minsize": MIN_TEXT_SIZE, "mode": "hide"})
    figure.update_xaxes(type="date", visible=bool(bars))
    name_rows(figure, devices)
    return styled(figure, height=160 + ROW * max(1, len(devices)), tools=True)


def _bar(trial: TrialStatus, number: int, now: datetime, zone: tzinfo | None) -> _Bar:
    attempt = trial.attempts[number - 1]
    started = datetime.fromisoformat(attempt.started)
    ended = datetime.fromisoformat(attempt.ended) if attempt.ended else max(now, started)
    zone = zone or now.tzinfo
    return _Bar(trial, number, attempt, started.astimezone(zone), ended.astimezone(zone))


def _trace(state: str, bars: Sequence[_Bar], devices: Sequence[str]) -> go.Bar:
    colour, stripes = LOOKS[state]
    return go.Bar(
        name=state,
        orientation="h",
        # Plotly shows times as written: omit the time zone so that nothing shifts them.
        base=[bar.started.replace(tzinfo=None).isoformat() for bar in bars],
        x=[1000 * (bar.ended - bar.started).total_seconds() for bar in bars],
        y=[devices.index(bar.device) for bar in bars],
        customdata=[bar.trial.number for bar in bars],
        text=[str(bar.trial.number) for bar in bars],
        textposition="inside",
        insidetextanchor="middle",
        textangle=0,
        insidetextfont={"color": "white"},
        marker={
            "color": colour,
            "line": {"width": 0.5, "color": "rgba(255, 255, 255, 0.7)"},
            "pattern": {"shape": stripes, "size": 6, "fillmode": "overlay", "fgcolor": "white", "fgopacity": 0.3},
        },
        hovertext=[_hover(bar, state) for bar in bars],
        hovertemplate="%{hovertext}<extra></extra>",
    )


def _hover(bar: _Bar, state: str) -> str:
    attempt, best = bar.attempt, bar.trial.best_epoch
    again = f", attempt {bar.number}" if len(bar.trial.attempts) > 1 else ""
    lines = [
        f"<b>trial {bar.trial.number}{again}</b>: {state}",
        f"{label(bar.device)}, {bar.started:%H:%M:%S} to {bar.ended:%H:%M:%S}"
        f" ({duration((bar.ended - bar.started).total_seconds())})",
    ]
    if best:
        lines.append(f"best mAP@0.5 {best.map50:.3f}")
    if attempt.memory_bytes is not None:
        lines.append(f"peak memory {size_text(attempt.memory_bytes)}")
    if attempt.gpu_memory_bytes is not None:
        lines.append(f"peak GPU memory {size_text(attempt.gpu_memory_bytes)}")
    if attempt.gpu_utilisation is not None:
        lines.append(f"GPU busy {attempt.gpu_utilisation:.0%}")
    return "<br>".join(lines)


def _natural(device: str) -> tuple[object, ...]:
    """Return a sort key that puts ``cuda:2`` before ``cuda:10``."""
    parts = device.replace(" #", ":").split(":")
    return tuple((part.isdigit(), int(part) if part.isdigit() else part) for part in parts)
