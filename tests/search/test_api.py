"""What is refused before a search starts, and what reading its status needs."""

import subprocess
import sys
from dataclasses import replace

import pytest

from autodet.datasets.imports.import_dataset import import_dataset
from autodet.errors import (
    AmbiguousNameError,
    AutodetError,
    NameWarning,
    NotFoundError,
    SearchError,
    WeightsError,
)
from autodet.messages.plans import plan_text
from autodet.models.store import add_model, rename_model
from autodet.search.api import find_only_search, find_search, list_searches
from autodet.search.order.space import Choices, Range
from autodet.search.start import start_search
from autodet.search.status.status_file import STATUS
from tests.helpers import untrained_bundle, write_voc


@pytest.mark.parametrize(
    ("options", "words"),
    [
        ({"trials": 0}, "trials must be between 1 and 10,000; got 0"),
        ({"trials": 10**9}, "trials must be between"),
        ({"epochs": -1}, "epochs must be between"),
        ({"time_limit": 0}, "time_limit must be"),
        ({"time_limit": float("nan")}, "time_limit must be"),
        ({"lr_range": (1e-2, 1e-3)}, "lower one first"),
        ({"lr_range": (0, 1e-3)}, "above 0"),
        ({"preset": "fastest"}, "balanced"),
        ({"architecture": "yolo99"}, "choose one of"),
        ({"device": "tpu"}, "not a device"),
        ({"device": "cuda:7"}, "no GPU on this machine, so there is no cuda:7"),
        ({"trials": 2.5}, "whole number"),
        ({"epochs": "3"}, "whole number"),
        ({"seed": -1}, "seed must be between"),
        ({"seed": 2**31}, "seed must be between"),
        ({"time_limit": float("inf")}, "time_limit must be"),
        ({"time_limit": "60"}, "time_limit must be a number of seconds; got '60'"),
        ({"time_limit": True}, "time_limit must be a number of seconds; got True"),
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


def test_a_single_photo_is_told_to_bring_more(home, tmp_path):
    data = import_dataset(write_voc(tmp_path / "only", photos=1), "only", workspace=home)
    with pytest.raises(SearchError, match=r"no boxes in its split val.*with more labelled photos"):
        start_search(data)


def test_boxes_that_are_all_difficult_are_no_boxes(data):
    marks = data.images[0].annotations
    difficult = replace(marks, difficult=~marks.difficult)
    images = tuple(replace(one, annotations=difficult) if one.split == "val" else one for one in data.images)
    with pytest.raises(SearchError, match="no boxes but difficult ones in its split val"):
        start_search(replace(data, images=images))


def test_weights_out_of_reach_are_told_before_anything_starts(data, home, monkeypatch):
    monkeypatch.setattr("autodet.search.start.weights_problem", lambda name: f"{name} cannot start here.")
    with pytest.raises(WeightsError, match="cannot start here"):
        start_search(data)
    assert list(home.searches.iterdir()) == []


@pytest.mark.parametrize(
    ("settings", "gpus", "device", "words"),
    [
        ("", "", "cuda:0", "finds no GPU on this machine, so there is no cuda:0; choose cpu, or leave the device out"),
        ("", "", "cuda", "finds no GPU on this machine, so there is no cuda:0"),
        ("", "0,1", "cuda:7", "This machine has cuda:0 and cuda:1, and no cuda:7; choose cuda:0, cuda:1 or cpu, or"),
        ("cpu", "0", "cuda:0", "AUTODET_DEVICES allows cpu, and not cuda:0; choose cpu"),
        ("cuda:1,cuda:1", "0,1", "cuda:0", "AUTODET_DEVICES allows cuda:1, and not cuda:0; choose cuda:1 or cpu"),
    ],
)
def test_a_device_that_is_not_there_is_told_with_what_is(data, monkeypatch, settings, gpus, device, words):
    monkeypatch.setenv("AUTODET_DEVICES", settings)
    monkeypatch.setenv("CUDA_VISIBLE_DEVICES", gpus)
    with pytest.raises(SearchError, match=words):
        start_search(data, device=device)


@pytest.mark.parametrize(("settings", "device"), [("cuda", "cuda:0"), ("cuda:0", "cuda"), ("cuda:0", "cpu")])
def test_cuda_is_the_first_gpu_however_it_is_called(data, order, monkeypatch, settings, device):
    monkeypatch.setenv("AUTODET_DEVICES", settings)
    assert order(data, device=device).spec().device == device


def test_presets_fill_in_what_is_not_given(start):
    search = start(preset="quick", epochs=1)
    assert (search.spec().trials, search.spec().epochs, search.spec().pruner) == (2, 1, "none")
    assert "2 trials of 1 epoch, as requested" in plan_text(search.spec().why)
    search.wait()


def test_what_is_given_counts_whatever_the_preset_says(data, order):
    best = order(data, preset="best").spec()
    assert (best.pruner, best.patience, best.space["batch_size"]) == ("median", 33, Choices((2, 4, 8)))
    given = {"trials": 30, "sampler": "random", "pruner": "none", "patience": 0}
    mine = order(data, preset="best", space={"batch_size": 8, "epochs": (5, 9)}, **given).spec()
    assert (mine.trials, mine.epochs, mine.sampler, mine.pruner, mine.patience) == (30, 9, "random", "none", None)
    assert (mine.space["batch_size"], mine.space["augmentation"]) == (Choices((8,)), Range(0.5, 1.5))


def test_without_a_preset_nothing_is_chosen(data, order):
    spec = order(data).spec()
    assert (spec.trials, spec.epochs, spec.sampler, spec.pruner) == (3, 20, "tpe", "median")
    assert plan_text(spec.why).startswith("Photos are scaled to 320 px")  # the one thing that the data set decides
    assert [reason.kind for reason in spec.why] == ["photo_size_lowered", "classes_known"]


@pytest.mark.parametrize("options", [{"epochs": "3"}, {"trials": 0}, {"device": "cuda:many"}, {"executor": "moon"}])
def test_what_makes_no_sense_is_refused_with_a_preset_too(data, home, options):
    with pytest.raises(SearchError):
        start_search(data, preset="quick", **options)
    assert list(home.searches.iterdir()) == []


def test_an_unknown_search_or_data_set_lists_what_there_is(data, home):
    with pytest.raises(NotFoundError, match="start one"):
        find_search("nothing", home)
    with pytest.raises(NotFoundError, match="fruit"):
        start_search("nothing", workspace=home)


def test_a_search_is_found_by_id_and_else_by_name_the_newest_first(data, home, order):
    long = [order(data, name="Long one") for _ in range(2)]
    with pytest.warns(NameWarning, match=r"More than one search is called 'Long one' \(long-one-2, long-one\)"):
        assert find_search("Long one", home).id == long[1].id == "long-one-2"
    assert find_search("long-one", home).id == "long-one"
    with pytest.raises(AmbiguousNameError, match="give the id of one"):
        find_only_search("Long one", home)
    with pytest.warns(NameWarning, match="'fruit' is the id of another search or model"):
        fruit = [order(data, name="fruit") for _ in range(2)]
    assert order(data).spec().name == "fruit 3"  # which nobody chose, and nobody is warned
    assert [(search.id, search.spec().name) for search in fruit] == [("fruit", "fruit"), ("fruit-2", "fruit 2")]
    with pytest.warns(
        NameWarning, match="The search with the id 'fruit' is used; .* newer ones of that name: fruit-3, fruit-2"
    ):
        assert find_search("fruit", home).id == "fruit"
    assert find_only_search("fruit 2", home).id == "fruit-2"


@pytest.mark.slow
def test_a_search_takes_neither_the_id_nor_the_name_of_a_model(data, home, order, tmp_path):
    add_model(untrained_bundle(tmp_path / "x.autodet"), "fruit", home)
    add_model(untrained_bundle(tmp_path / "x.autodet"), "camera", home)
    rename_model("camera", "customs", home)
    search = order(data)
    assert (search.id, search.spec().name) == ("fruit-2", "fruit 2")
    customs = order(data, name="customs")  # a name that both have, and an id of its own
    assert (customs.id, customs.spec().name) == ("customs-2", "customs")


def test_one_order_given_twice_at_once_is_one_search_under_a_numbered_name_too(data, home, order):
    order(data, seed=1)
    first = order(data, once_within=60)
    damaged = home.searches / "damaged"
    damaged.mkdir()
    (damaged / "spec.json").write_text("{")
    assert order(data, once_within=60).id == first.id == "fruit-2"


def test_what_is_over_is_neither_stopped_nor_resumed(start):
    search = start(trials=1, epochs=1)
    search.wait()
    with pytest.raises(SearchError, match="nothing to stop"):
        search.stop()
    with pytest.raises(SearchError, match="only an interrupted or stopped"):
        search.resume()


def test_a_search_without_a_model_says_so(start):
    search = start({"fail": {"0": 1}}, trials=1, epochs=1)
    search.wait(best_so_far=True)
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
        "import sys; import autodet.search.api, autodet.search.start; "
        "print([name for name in ('torch', 'optuna', 'streamlit') if name in sys.modules])"
    )
    ran = subprocess.run([sys.executable, "-c", code], check=True, capture_output=True, text=True)
    assert ran.stdout.strip() == "[]"
