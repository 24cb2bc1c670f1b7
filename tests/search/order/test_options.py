"""Each option of a search is described once, and is there in Python, on the command line and in ``spec.json``."""

import inspect
import json
import pydoc
from dataclasses import asdict, fields
from typing import get_type_hints

import pytest

import autodet
from autodet import arguments
from autodet.errors import SearchError
from autodet.search.order.options import (
    OPTIONS,
    SearchKeywords,
    SearchOptions,
    StoredOptions,
)
from autodet.search.order.spec import SPEC, SearchSpec
from autodet.search.planning.plan import Plan
from autodet.search.planning.presets import PRESETS
from autodet.search.start import fit, start_search

OF_THE_CALL = {"dataset", "name", "detach", "again"}  # arguments of the command that are no options of a search
FLAGS = {"lr_range": {"lr_min", "lr_max"}}  # by default, an option has one argument of its own name
VALUES = {
    "train_share": 0.5,  # valid, and not the default
    "trials": 2,
    "epochs": 5,
    "time_limit": 60.0,
    "sampler": "random",
    "pruner": "none",
    "patience": 4,
    "objective": "map50_95",
    "device": "cpu",
    "repeat": True,
    "refit": True,
    "seed": 7,
}


@pytest.fixture
def launched(monkeypatch):
    folders = []
    monkeypatch.setattr("autodet.search.start.launch", folders.append)
    return folders


def search_arguments():
    parser = arguments.Parser(prog="search", add_help=False)
    arguments.add_search(parser)
    return {action.dest: action for action in parser._actions}


def test_an_option_is_an_argument_of_the_command_line_with_help():
    flags = set().union(*(FLAGS.get(name, {name}) for name in OPTIONS))
    found = search_arguments()
    assert set(found) - OF_THE_CALL == flags
    assert all(found[name].help for name in flags)
    assert all(found[name].default == OPTIONS[name].default for name in flags & set(OPTIONS) - {"space"})


@pytest.mark.parametrize("name", OPTIONS)
def test_an_option_is_described(name):
    option = OPTIONS[name]
    assert option.help and option.help[-1] != "."
    assert option.problem(option.default) is None


@pytest.mark.parametrize("function", [start_search, fit, autodet.start_search])
def test_help_lists_every_option(function):
    listed = inspect.signature(function).parameters
    assert {name: listed[name].default for name in OPTIONS} == asdict(SearchOptions())
    told = " ".join(pydoc.render_doc(function, renderer=pydoc.plaintext).split())
    for name, option in OPTIONS.items():
        assert f"{name}: {option.doc}" in told


def test_keywords_have_the_types_of_the_options():
    assert get_type_hints(SearchKeywords) == get_type_hints(SearchOptions)


def test_each_stored_option_is_tried_here():
    elsewhere = {"executor"}  # the other one needs a cluster
    assert set(VALUES) | elsewhere == {field.name for field in fields(StoredOptions)}


@pytest.mark.parametrize("name", VALUES)
def test_a_stored_option_is_accepted_written_and_read_back(data, home, launched, name):
    assert VALUES[name] != OPTIONS[name].default
    spec = start_search(data, **{name: VALUES[name]}).spec()
    (folder,) = launched
    assert json.loads((folder / SPEC).read_text())[name] == VALUES[name] == getattr(spec, name)
    assert SearchSpec.read(folder) == spec


def test_options_and_keywords_ask_for_the_same_search(data, launched):
    asked = {"trials": 2, "space": {"batch_size": 8}, "lr_range": (5e-4, 1e-3), "preset": "quick", "patience": 3}
    first = start_search(data, **asked)
    assert start_search(data, SearchOptions(**asked), once_within=60).id == first.id
    assert start_search(data, SearchOptions(**asked | {"trials": 4}), trials=2, once_within=60).id == first.id
    assert start_search(data, SearchOptions(**asked), seed=1, once_within=60).id != first.id
    with pytest.raises(TypeError, match="trails"):
        start_search(data, trails=3)


def test_the_command_line_passes_every_option_on(data, launched, monkeypatch):
    from autodet import cli, commands

    given = []
    search = start_search(data)
    monkeypatch.setattr(commands, "start_search", lambda dataset, options, **_: given.append(options) or search)
    words = ["search", "fruit", "--detach", "--json"]
    for name, value in VALUES.items():
        words += [f"--{name.replace('_', '-')}", *([] if value is True else [str(value)])]
    words += ["--preset", "quick", "--lr-min", "5e-4", "--lr-max", "1e-3", "--space", "batch_size=8"]
    words += ["--start-from", "model", "--warm-start", "earlier", "--executor", "ray"]
    words += ["--architecture", "fasterrcnn_efficientnet_lite0"]
    assert cli.main(words) == 0
    others = {"preset": "quick", "lr_range": (5e-4, 1e-3), "space": {"batch_size": [8]}, "executor": "ray"}
    others |= {"start_from": "model", "warm_start": "earlier", "architecture": "fasterrcnn_efficientnet_lite0"}
    assert given == [SearchOptions(**VALUES | others)]
    assert set(VALUES | others) == set(OPTIONS)


def test_what_a_preset_chooses_is_left_open():
    planned = {field.name for field in fields(Plan)} & {field.name for field in fields(StoredOptions)}
    assert planned == {"trials", "epochs", "sampler", "pruner", "patience"}
    assert all(OPTIONS[name].default is None for name in planned)
    assert list(OPTIONS["preset"].choices) == list(PRESETS)


@pytest.mark.parametrize(
    ("name", "value", "sentence"),
    [
        ("trials", 0, "trials must be between 1 and 10,000; got 0."),
        ("trials", True, "trials must be a whole number; got True."),
        ("epochs", 1001, "epochs must be between 1 and 1,000; got 1,001."),
        ("time_limit", "60", "time_limit must be a number of seconds; got '60'."),
        ("time_limit", 0, "time_limit must be a finite number of seconds above 0; got 0."),
        ("time_limit", float("inf"), "time_limit must be a finite number of seconds above 0; got inf."),
        ("patience", -1, "patience must be 1 or more epochs, or 0 for never; got -1."),
        ("seed", None, "seed must be a whole number; got None."),
        ("seed", -1, "seed must be between 0 and 2,147,483,647; got -1."),
        ("sampler", "grid", "There is no sampler 'grid'; choose one of tpe, random, gp."),
        ("executor", "moon", "There is no executor 'moon'; choose one of local, ray."),
        ("preset", "fastest", "There is no preset 'fastest'; choose one of quick, balanced, best."),
    ],
)
def test_an_invalid_value_is_a_sentence(name, value, sentence):
    with pytest.raises(SearchError) as refused:
        SearchOptions(**{name: value}).check()
    assert str(refused.value) == sentence
