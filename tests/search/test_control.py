"""What is refused before a search starts, and what reading its status needs."""

import subprocess
import sys
from dataclasses import replace

import pytest

from autodet.datasets.importing import import_dataset
from autodet.errors import AutodetError, NotFoundError, SearchError, WeightsError
from autodet.search import control
from autodet.search.control import find_search, list_searches, start_search
from autodet.search.snapshot import STATUS
from tests.helpers import write_voc


@pytest.mark.parametrize(
    ("options", "words"),
    [
        ({"trials": 0}, "0 trials"),
        ({"trials": 10**9}, "ask for 1 to"),
        ({"epochs": -1}, "-1 epochs"),
        ({"time_limit": 0}, "time limit"),
        ({"time_limit": float("nan")}, "time limit"),
        ({"lr_range": (1e-2, 1e-3)}, "lower one first"),
        ({"lr_range": (0, 1e-3)}, "above 0"),
        ({"preset": "fastest"}, "balanced"),
        ({"architecture": "yolo99"}, "choose one of"),
        ({"device": "tpu"}, "not a device"),
        ({"device": "cuda:7"}, "no device cuda:7 here"),
        ({"trials": 2.5}, "whole number"),
        ({"epochs": "3"}, "whole number"),
        ({"seed": -1}, "seed -1"),
        ({"seed": 2**31}, "out of range"),
        ({"time_limit": float("inf")}, "time limit"),
    ],
)
def test_what_makes_no_sense_is_refused_and_nothing_is_left(data, home, options, words):
    with pytest.raises(AutodetError, match=words):
        start_search(data, **options)
    assert list(home.searches.iterdir()) == []


def test_a_data_set_without_boxes_to_judge_by_is_refused(home, tmp_path):
    write_voc(tmp_path / "only" / "test", photos=4)
    data = import_dataset(tmp_path / "only", "only", workspace=home)
    with pytest.raises(SearchError, match="split train"):
        start_search(data)
    records = tuple(replace(record, split="train") for record in data.images)
    with pytest.raises(SearchError, match="split val"):
        start_search(replace(data, images=records))


def test_weights_out_of_reach_are_told_before_anything_starts(data, home, monkeypatch):
    monkeypatch.setattr(control, "weights_problem", lambda name: f"{name} cannot start here.")
    with pytest.raises(WeightsError, match="cannot start here"):
        start_search(data)
    assert list(home.searches.iterdir()) == []


def test_presets_fill_in_what_is_not_given(start):
    search = start(preset="quick", epochs=1)
    assert (search.spec().trials, search.spec().epochs) == (2, 1)
    search.wait()


def test_an_unknown_search_or_data_set_lists_what_there_is(data, home):
    with pytest.raises(NotFoundError, match="start one"):
        find_search("nothing", home)
    with pytest.raises(NotFoundError, match="fruit"):
        start_search("nothing", workspace=home)


def test_what_is_over_is_neither_stopped_nor_resumed(start):
    search = start(trials=1, epochs=1)
    search.wait()
    with pytest.raises(SearchError, match="nothing to stop"):
        search.stop()
    with pytest.raises(SearchError, match="only an interrupted or stopped"):
        search.resume()


def test_a_search_without_a_model_says_so(start):
    search = start({"fail": {"0": 1}}, trials=1, epochs=1)
    search.wait()
    with pytest.raises(SearchError, match="too beautiful"):
        search.best_detector()


def test_a_damaged_search_does_not_hide_the_others(start, home):
    good, bad = start(trials=1, epochs=1), start(trials=1, epochs=1)
    assert (good.wait().state, bad.wait().state) == ("finished", "finished")
    (home.searches / bad.id / STATUS).write_text("{")
    assert [status.search for status in list_searches(home)] == [good.id]
    with pytest.raises(SearchError, match="damaged"):
        find_search(bad.id, home).status()


def test_watching_searches_needs_neither_torch_nor_optuna_nor_streamlit():
    code = (
        "import sys; import autodet.search.control; "
        "print([name for name in ('torch', 'optuna', 'streamlit') if name in sys.modules])"
    )
    ran = subprocess.run([sys.executable, "-c", code], check=True, capture_output=True, text=True)
    assert ran.stdout.strip() == "[]"
