"""Choosing what a search begins with, and what is said of it."""

import re
from dataclasses import replace

import pytest

from autodet.datasets.versions.derive import derive_dataset
from autodet.models.bundle import read_bundle, write_bundle
from autodet.models.store import add_model
from autodet.records import Origin
from autodet.search.api import find_search, list_searches
from autodet.search.delete_assets import delete_model
from autodet.search.order.space import Choices
from tests.app.conftest import checked, labelled, labels, says, trial
from tests.helpers import untrained_bundle

pytestmark = pytest.mark.slow


@pytest.fixture
def bundle(tmp_path):
    return untrained_bundle(tmp_path / "old.autodet", ("Apple ", "pear"))


def begin_with(app, model):
    return checked(labelled(app.selectbox, "Starting weights").select(model).run())


def test_where_there_is_nothing_to_begin_with_nothing_is_asked(visit, fruit):
    asked = labels(visit("search").selectbox)
    assert "Network" in asked
    assert not {"Starting weights", "Also try the best parameters of"} & set(asked)


def test_a_model_brings_its_network_and_photo_size_and_every_trial_begins_with_it(
    visit, fruit, workspace, bundle, launched
):
    model = add_model(bundle, "old", workspace)
    app = begin_with(visit("search"), "old")
    assert "Network" not in labels(app.selectbox)
    assert "was trained at 96 pixels" in says(app)
    (reason,) = re.findall(r"needs about .* per epoch .*: (about .*) in all", says(app))
    (forecast,) = re.findall(r"\*\*(About .*)\*\* for 3 trials", says(app))
    assert reason == forecast.lower()
    assert "It knows 1 of 2 classes; untrained at the start: banana" in says(app)
    checked(labelled(app.button, "Start training").click().run())
    spec = find_search(list_searches(workspace)[0].search, workspace).spec()
    assert spec.start_from.weights_sha256 == model.card.weights_sha256
    assert spec.space["image_size"] == Choices((96,))
    delete_model("old", workspace)
    assert "Network" in labels(checked(app.switch_page("pages/search.py").run()).selectbox)


@pytest.mark.parametrize("others", [0, 1])
def test_a_model_that_was_deleted_meanwhile_is_told_and_nothing_else_is_started_instead(
    visit, fruit, workspace, tmp_path, launched, others
):
    for name in ["old", "other"][: others + 1]:
        add_model(untrained_bundle(tmp_path / f"{name}.autodet"), name, workspace)
    app = begin_with(visit("search"), "old")
    delete_model("old", workspace)
    app = checked(labelled(app.button, "Start training").click().run())
    assert "The model old, whose weights the search was to start from, has been deleted" in says(app)
    assert launched == []
    checked(labelled(app.button, "Start training").click().run())
    assert find_search(launched[0].name, workspace).spec().start_from is None


def test_figures_that_would_flatter_are_told_before_the_start_and_on_results(
    visit, fruit, workspace, tmp_path, launched
):
    version = derive_dataset(fruit, "again", resplit=(40, 30, 30), workspace=workspace)
    facts = {"dataset": fruit.name, "dataset_fingerprint": fruit.fingerprint}
    add_model(untrained_bundle(tmp_path / "knowing.autodet", **facts), "knowing", workspace)
    assert "was trained on" not in says(begin_with(visit("search", dataset=fruit.id), "knowing"))
    app = begin_with(visit("search", dataset=version.id), "knowing")
    assert "The model knowing was trained on" in says(app)
    app = checked(labelled(app.button, "Start training").click().run())
    assert app.title[0].value == "Results"
    assert "Started from the weights of knowing" in says(app)
    assert "The model knowing was trained on" in says(app)


def test_a_model_that_is_none_is_refused_in_words(visit, fruit, model_there, launched):
    model = model_there("fake")
    card, weights = read_bundle(model.path)
    write_bundle(model.path, replace(card, classes=("apple",)), weights)
    app = begin_with(visit("search"), "fake")
    app = checked(labelled(app.button, "Start training").click().run())
    assert "its weights do not fit" in says(app)
    assert launched == []


def test_an_earlier_searchs_best_parameters_can_be_tried(visit, fruit, workspace, search_there, launched):
    search_there("earlier", trials=[trial(0, scores=(0.3,)), trial(1, scores=(0.8,))], dataset="fruit")
    search_there("empty", state="failed")
    app = visit("search")
    choice = labelled(app.selectbox, "Also try the best parameters of")
    assert choice.value is None
    (earlier,) = [option for option in choice.options if option]
    assert earlier.startswith("fruit (earlier) · finished · 0.800")
    app = checked(choice.set_value("earlier").run())
    checked(labelled(app.button, "Start training").click().run())
    spec = find_search(launched[0].name, workspace).spec()
    assert spec.known_good["lr"] == 1e-3
    assert spec.start_from is None


def test_results_of_a_search_that_began_with_pretrained_weights_say_nothing_of_models(visit, fruit, search_there):
    search_there("plain")
    search_there("begun", start_from=Origin("![x](y)", "a" * 64, "fruit", "f" * 64))
    assert "Started from" not in says(visit("results", search="plain"))
    assert r"Started from the weights of \!\[x\]" in says(visit("results", search="begun"))
