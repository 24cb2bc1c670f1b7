"""What a search varies, and how a person says so."""

import json
from dataclasses import asdict, replace

import optuna
import pytest

from autodet.errors import NotFoundError, SearchError
from autodet.models.registry import ARCHITECTURES, DEFAULT_ARCHITECTURE, find_architecture
from autodet.records import Hyperparameters
from autodet.search.api import find_search
from autodet.search.order.space import (
    PARAMETERS,
    Choices,
    Range,
    default_values,
    hyperparameters_of,
    make_space,
    params_near,
    parse_tried,
    space_from_json,
    suggest_values,
)
from autodet.search.order.spec import SearchSpec
from autodet.search.start import start_search

ALL = dict.fromkeys(PARAMETERS, True)


def trials_of(space, count=20):
    study = optuna.create_study(sampler=optuna.samplers.RandomSampler(seed=1))
    return [suggest_values(study.ask(), space) for _ in range(count)]


@pytest.mark.parametrize(
    ("typed", "asked", "tried"),
    [
        ("lr=5e-4..5e-3", (5e-4, 5e-3), Range(5e-4, 5e-3)),
        ("batch_size=4,8", [4, 8], Choices((4, 8))),
        ("batch_size=8", 8, Choices((8,))),
        ("image_size=256..512", (256, 512), Range(256, 512)),
        ("scheduler=linear,constant", ["linear", "constant"], Choices(("linear", "constant"))),
        ("frozen_depth=half", "half", Choices(("half",))),
        ("ema_decay=0", 0, Choices((0,))),
        ("augmentation=tune", True, Range(0.5, 1.5)),
        ("weight_decay=default", False, None),
    ],
)
def test_a_value_a_range_and_a_list_are_said_alike_in_python_and_on_the_command_line(typed, asked, tried):
    name, _, text = typed.partition("=")
    assert make_space({name: asked}).get(name) == tried
    assert make_space({name: parse_tried(text)}).get(name) == tried


@pytest.mark.parametrize(
    ("space", "words"),
    [
        ({"learning": 1}, "no parameter 'learning'"),
        ({"lr": (1e-2, 1e-3)}, "lower one first"),
        ({"lr": (0, 1e-3)}, "above 0"),
        ({"lr": (1e-4, 1e-3, 1e-2)}, "3 ends of a range; give two, or list"),
        ({"lr": "fast"}, "cannot be fast"),
        ({"lr": float("nan")}, "cannot be nan"),
        ({"batch_size": 2.5}, "whole number"),
        ({"batch_size": []}, "has no value"),
        ({"batch_size": [4, 5.5]}, r"cannot be 5.5; give a whole number from 1 to 256\."),
        (
            {"batch_size": ["4;8"]},
            r"cannot be 4;8; give .*several values are a list \(\[4, 8\], on the command line 4,8",
        ),
        ({"batch_size": [4, ""]}, "cannot be empty"),
        ({"ema_decay": [0, 0.0]}, "twice"),
        ({"scheduler": ["cosine", "cosine"]}, "has the value cosine twice"),
        ({"lr": [[1e-3]]}, "cannot be"),
        ({"batch_size": [4, 4]}, "has the value 4 twice; give each value once"),
        ({"image_size": (256, 300)}, "steps of 32"),
        ({"ema_decay": 1.0}, "cannot be 1.0"),
        ({"scheduler": "steps"}, "one of cosine, linear, constant"),
        ({"scheduler": ("linear", "steps")}, "cannot be steps; give one of cosine"),
    ],
)
def test_what_cannot_be_tried_is_a_sentence_that_says_what_can(space, words):
    with pytest.raises(SearchError, match=words):
        make_space(space)


def test_if_nothing_is_said_three_rates_are_tuned_and_the_rest_has_its_default():
    space = make_space()
    assert list(space) == ["lr", "backbone_lr_factor", "weight_decay"]
    assert hyperparameters_of(default_values(space)) == Hyperparameters(
        **find_architecture(DEFAULT_ARCHITECTURE).default_values
    )


@pytest.mark.parametrize("name", PARAMETERS)
def test_every_parameter_can_be_tuned_by_its_prior(name):
    space = make_space({name: True})
    tried = {trial[name] for trial in trials_of(space)}
    assert len(tried) > 1
    assert all(make_space({name: value}) for value in tried)
    assert hyperparameters_of(trials_of(space, 1)[0])


def test_trial_0_has_the_defaults_moved_into_the_space():
    space = make_space({"lr": (2e-3, 5e-3), "batch_size": [8, 16], "scheduler": ["linear"], "epochs": [5, 9]})
    assert default_values(space) == {
        "lr": 2e-3,
        "backbone_lr_factor": 0.3,
        "weight_decay": 1e-4,
        "batch_size": 8,
        "scheduler": "linear",
        "epochs": 9,
    }
    assert "scheduler" not in params_near(space, {})


def test_trial_0_has_the_photo_size_of_its_network(monkeypatch):
    first, second = DEFAULT_ARCHITECTURE, "fasterrcnn_mobilenet_v3_large_320_fpn"
    monkeypatch.setitem(ARCHITECTURES, second, replace(ARCHITECTURES[second], image_size=640))
    for asked, size in (({}, 416), ({"architecture": second}, 640), ({"architecture": [second, first]}, 416)):
        assert default_values(make_space({"image_size": [256, 416, 640], **asked}))["image_size"] == size
        assert default_values(make_space({"image_size": (96, 512), **asked}))["image_size"] == min(size, 512)


def test_a_space_survives_being_written(tmp_path):
    spec = SearchSpec("fruit", "fruit", space=make_space(ALL))
    spec.write(tmp_path)
    assert SearchSpec.read(tmp_path) == spec
    assert space_from_json(json.loads(json.dumps(asdict(spec)))["space"]) == spec.space


def test_the_order_of_an_earlier_version_is_read(tmp_path):
    earlier = {"name": "fruit", "dataset": "fruit", "trials": 3, "epochs": 20, "time_limit": None}
    earlier |= {"lr_range": [1e-4, 1e-3], "architecture": "fasterrcnn_mobilenet_v3_large_320_fpn", "seed": 0}
    (tmp_path / "spec.json").write_text(json.dumps(earlier))
    space = SearchSpec.read(tmp_path).space
    assert space["lr"] == Range(1e-4, 1e-3)
    assert hyperparameters_of(default_values(space)).architecture == "fasterrcnn_mobilenet_v3_large_320_fpn"


def test_nothing_is_asked_for_twice(data, home):
    for words in ({"lr_range": (1e-4, 1e-3)}, {"epochs": 3}):
        with pytest.raises(SearchError, match="asked for twice"):
            start_search(data, space={"lr": 1e-3, "epochs": [2, 4]}, **words)
    assert list(home.searches.iterdir()) == []


def test_the_command_line_tries_what_it_is_asked_to(cli, home):
    space = ["batch_size=4,8", "epochs=2,3", "scheduler=linear", "weight_decay=default", "lr=1e-3..2e-3"]
    words = [word for one in space for word in ("--space", one)]
    code, document, _ = cli("search", "fruit", "--trials", 4, "--json", *words).ends()
    assert code == 0
    params = [trial["params"] for trial in document["trials"]]
    assert {one["batch_size"] for one in params} <= {4, 8}
    assert all(one["scheduler"] == "linear" and one["weight_decay"] == 1e-4 for one in params)
    assert all(1e-3 <= one["lr"] <= 2e-3 for one in params)
    assert [len(trial["epochs"]) for trial in document["trials"]] == [one["epochs"] for one in params]
    assert (params[0]["batch_size"], params[0]["epochs"]) == (8, 3)
    assert find_search("fruit", home).spec().epochs == 3


@pytest.mark.parametrize(
    ("word", "sentence"),
    [
        ("lr", "not NAME=VALUES"),
        ("batch_size=4,4", "has the value 4 twice"),
        ("rate=1", "no parameter 'rate'"),
        ("lr=2..1", "lower one"),
    ],
)
def test_a_mistake_on_the_command_line_is_a_sentence(cli, word, sentence):
    code, _, error = cli("search", "fruit", "--space", word).ends()
    assert code == 2
    assert sentence in error


def test_a_warm_start_tries_an_earlier_searchs_best_after_the_defaults(start):
    curves = {"0": [0.2], "1": [0.3], "2": [0.9]}
    earlier = start({"map50": curves}, trials=3, epochs=1, seed=5)
    best = earlier.wait().trials[2].params
    trials = start(trials=3, epochs=1, warm_start=earlier.id, space={"weight_decay": (1e-8, 1e-7)}).wait().trials
    assert trials[0].params["lr"] == Hyperparameters().lr
    assert (trials[1].params["lr"], trials[1].params["backbone_lr_factor"]) == (best["lr"], best["backbone_lr_factor"])
    assert trials[1].params["weight_decay"] == 1e-7  # moved to what may be tried
    assert trials[2].params["lr"] not in (trials[0].params["lr"], best["lr"])


def test_a_warm_start_needs_a_search_with_an_epoch(start, data):
    with pytest.raises(NotFoundError, match="no search 'nothing'"):
        start_search(data, warm_start="nothing")
    failed = start({"fail": {"0": 1}}, trials=1, epochs=1)
    failed.wait(best_so_far=True)
    with pytest.raises(SearchError, match="has no best parameters"):
        start_search(data, warm_start=failed.id)
