from datetime import UTC, datetime, timedelta
from zoneinfo import ZoneInfo

import pytest

from autodet.charts.timeline import timeline_figure
from autodet.records import Attempt, EpochResult, SearchStatus, TrialStatus

START = datetime(2026, 5, 1, 12, tzinfo=UTC)


def at(minute):
    return (START + timedelta(minutes=minute)).isoformat()


def attempt(device, start, end=None, **usage):
    return Attempt(device, at(start), None if end is None else at(end), **usage)


def trial(number, state, *attempts):
    return TrialStatus(number, state, {}, (EpochResult(1, 1.0, 0.5, 0.3, 60.0),), None, attempts)


def draw(*trials, now=20, zone=None):
    return timeline_figure(SearchStatus("s", "d", "running", trials), START + timedelta(minutes=now), zone)


def bars(figure):
    """State, text, row, start and minutes of every bar."""
    names = figure.layout.yaxis.ticktext
    return sorted(
        (trace.name, text, names[row], start[11:16], milliseconds / 60_000)
        for trace in figure.data
        for text, row, start, milliseconds in zip(trace.text, trace.y, trace.base, trace.x, strict=True)
    )


def test_every_attempt_is_a_bar_on_its_devices_row_in_the_state_it_came_to():
    figure = draw(
        trial(0, "finished", attempt("cuda:0", 0, 10)),
        trial(1, "pruned", attempt("cuda:1", 0, 4), attempt("cuda:0", 12, 15)),
        trial(2, "running", attempt("cuda:1", 5)),
    )
    assert bars(figure) == [
        ("finished", "0", "cuda:0", "12:00", 10),
        ("lost", "1", "cuda:1", "12:00", 4),
        ("pruned", "1", "cuda:0", "12:12", 3),
        ("running", "2", "cuda:1", "12:05", 15),
    ]
    colours = [trace.marker.color for trace in figure.data]
    assert len(set(colours)) == len(colours)


def test_devices_are_in_their_order():
    named = ["cuda:10", "cpu #2", "cuda:2", "cpu", "cuda:2 #2", ""]
    figure = draw(*(trial(number, "finished", attempt(device, 0, 1)) for number, device in enumerate(named)))
    assert list(figure.layout.yaxis.ticktext) == [
        "cpu", "cpu #2", "cuda:2", "cuda:2 #2", "cuda:10", "device not known",
    ]  # fmt: skip


def test_moments_are_those_of_the_visitors_zone():
    figure = draw(trial(0, "finished", attempt("cpu", 0, 10)), zone=ZoneInfo("Asia/Kolkata"))
    assert figure.data[0].base[0] == "2026-05-01T17:30:00"
    assert "17:30:00 to 17:40:00" in figure.data[0].hovertext[0]


def test_the_hover_tells_what_was_needed_and_nothing_that_is_not_known():
    usage = {"memory_bytes": 1_400_000_000, "gpu_memory_bytes": 5_200_000_000, "gpu_utilisation": 0.834}
    (told,) = draw(trial(3, "failed", attempt("cuda:0", 0, 10, **usage))).data[0].hovertext
    for words in ("trial 3", "failed", "(10 min)", "0.500", "peak memory 1.4 GB", "GPU memory 5.2 GB", "GPU busy 83%"):
        assert words in told
    (told,) = draw(trial(3, "failed", attempt("cpu", 0, 10))).data[0].hovertext
    assert "memory" not in told
    assert "GPU" not in told


def test_a_device_cannot_bring_markup():
    figure = draw(trial(0, "finished", attempt("<b>x</b>", 0, 1)))
    assert "<b>x" not in figure.data[0].hovertext[0]
    assert "<b>" not in figure.layout.yaxis.ticktext[0]


@pytest.mark.parametrize(("trials", "words"), [((), "No trial has started"), ((trial(0, "finished"),), "not recorded")])
def test_an_empty_timeline_says_why(trials, words):
    figure = draw(*trials)
    assert not figure.data
    assert not figure.layout.xaxis.visible
    assert words in figure.layout.annotations[0].text


def test_five_hundred_trials_are_a_few_traces():
    figure = draw(*(trial(n, "finished", attempt(f"cuda:{n % 4}", n // 4, n // 4 + 1)) for n in range(500)))
    assert len(figure.data) == 1
    assert len(figure.data[0].x) == 500
    assert len(figure.to_json()) < 300_000
