import json
import re
import shutil
import time
from dataclasses import replace
from types import SimpleNamespace

import pytest

from autodet.datasets.imports.import_dataset import import_dataset
from autodet.inference import background_jobs, int8_jobs
from autodet.inference.demo import demo_model
from autodet.messages.quantization import quantization_text
from autodet.models import onnx_graph
from autodet.models.bundle import read_bundle, read_card
from autodet.models.onnx_graph import read_metadata
from autodet.models.store import add_model, list_models, put_model
from autodet.records import Quantization
from autodet.ui.common.markdown import escape
from tests.app.conftest import checked, labelled, labels, link, says, trial
from tests.helpers import untrained_bundle
from tests.reports.conftest import evaluated, unloadable_model


@pytest.fixture
def bundle(model_there, workspace):
    """The bytes of a model that came from another installation."""
    model = model_there("visitor", classes=("apple", "kiwi"))
    content = model.path.read_bytes()
    shutil.rmtree(model.path.parent)
    return content


def upload(app, name, content, as_name=None):
    checked(app.file_uploader[0].set_value((name, content, "application/octet-stream")).run())
    if as_name is not None:
        labelled(app.text_input, "Name").set_value(as_name)
    return checked(labelled(app.button, "Add the model").click().run())


def test_without_models_it_says_what_to_do(visit):
    app = visit("models")
    assert "no model yet" in says(app)
    assert not app.download_button


@pytest.mark.slow
def test_models_are_listed_with_their_figures_the_best_first(visit, model_there):
    model_there("poor", 0.2)
    model_there("good", 0.9)
    app = visit("models")
    assert [metric.value for metric in app.metric] == ["0.900", "0.450", "0.200", "0.100"]
    text = says(app)
    assert text.index("good") < text.index("poor")
    assert "apple, banana" in text
    assert "Faster R" in text
    assert "f" * 64 in text


def test_a_bundle_is_read_only_when_somebody_downloads_it(visit, model_there, offered):
    model = model_there("fruit")
    visit("models")
    assert offered["fruit.autodet"]() == model.path.read_bytes()


@pytest.mark.slow
def test_an_uploaded_model_is_there(visit, bundle, workspace, tmp_path):
    app = upload(visit("models"), "fruit.autodet", bundle)
    (added,) = list_models(workspace)
    assert added.id == "fruit"
    assert read_card(added.path).classes == ("apple", "kiwi")
    assert "apple, kiwi" in says(app)
    assert "fruit was added." in says(app).replace("\\", "")
    assert "**fruit**" in says(app) and "Added just now" in says(app)
    assert not app.error


@pytest.mark.slow
def test_an_uploaded_model_is_called_what_was_typed(visit, bundle, workspace):
    name = "[x](http) <b> $x$"
    app = upload(visit("models"), "visitor.autodet", bundle, name)
    (added,) = list_models(workspace)
    assert (added.id, added.card.name) == ("x-http-b-x", name)
    assert escape(f"{name} was added.") in says(app)
    assert f"**{escape(f'{name} (x-http-b-x)')}**" in says(app)


@pytest.mark.slow
def test_an_uploaded_model_without_a_name_keeps_its_own(visit, bundle, workspace):
    upload(visit("models"), "fruit.autodet", bundle, "  ")
    assert [model.card.name for model in list_models(workspace)] == ["visitor"]


@pytest.mark.slow
def test_a_model_is_renamed(visit, model_there, workspace):
    before, weights = read_bundle(model_there("fruit").path)
    app = visit("models")
    labelled(app.text_input, "New name").set_value("Customs *camera*")
    app = checked(labelled(app.button, "Rename it").click().run())
    (renamed,) = list_models(workspace)
    assert (renamed.id, renamed.card) == ("fruit", replace(before, name="Customs *camera*"))
    assert read_bundle(renamed.path)[1] == weights
    assert r"fruit was renamed to Customs \*camera\*" in says(app)
    labelled(app.text_input, "New name").set_value("  ")
    app = checked(labelled(app.button, "Rename it").click().run())
    assert "needs a name" in says(app)
    assert list_models(workspace)[0].card.name == "Customs *camera*"


def test_the_model_of_a_running_search_is_not_renamed(visit, model_there, search_there):
    model_there("fruit")
    search_there("fruit", "running", [trial(0, "running")], model="fruit")
    assert "Rename it" not in labels(visit("models").button)


@pytest.mark.slow
def test_an_upload_never_replaces_a_model(visit, model_there, bundle, workspace):
    kept = model_there("fruit", 0.99)
    before = kept.path.read_bytes()
    upload(visit("models"), "fruit.autodet", bundle)
    assert {model.id for model in list_models(workspace)} == {"fruit", "fruit-2"}
    assert kept.path.read_bytes() == before


@pytest.mark.parametrize("name", ["../../evil", "/etc/passwd", "a/b", "![x](http://evil)", "<b>x</b>", "   "])
@pytest.mark.slow
def test_a_hostile_name_stays_in_the_workspace_and_is_no_markup(visit, bundle, workspace, name):
    app = upload(visit("models"), "fruit.autodet", bundle, name)
    (added,) = list_models(workspace)
    assert added.path.parent.parent == workspace.models
    assert "![x](http://evil)" not in says(app)


@pytest.mark.parametrize(
    "damage",
    [
        lambda content: content[:-1000] if len(content) > 1000 else content[:-100],
        lambda content: (
            content[: len(content) // 2] + bytes([content[len(content) // 2] ^ 1]) + content[len(content) // 2 + 1 :]
        ),
        lambda content: b"PK\x03\x04 hello",
        lambda content: b"",
    ],
    ids=["cut", "one byte changed", "no bundle", "empty"],
)
@pytest.mark.slow
def test_a_damaged_upload_gets_a_sentence_and_leaves_nothing(visit, bundle, workspace, damage):
    app = upload(visit("models"), "fruit.autodet", damage(bundle))
    assert len(app.error) == 1
    assert "fruit" in app.error[0].value
    assert not list(workspace.models.iterdir())


def test_a_model_is_not_deleted_before_a_second_yes(visit, model_there, workspace):
    model_there("fruit")
    app = checked(visit("models").button(key="delete fruit").click().run())
    assert len(list_models(workspace)) == 1
    assert "will be deleted" in says(app)
    assert labelled(app.button, "Delete it")  # what it does is tested in a browser: dialogs need one


def test_a_report_is_offered_once_the_model_is_evaluated(visit, fruit, workspace, offered):
    model = unloadable_model(workspace, fruit)
    app = checked(visit("models").button(key="report finder").click().run())
    assert "has not been evaluated on these photos yet" in says(app)
    assert link(app, "Evaluate it first").proto.query_string == "model=finder&dataset=fruit&split=test"
    assert "finder-fruit-test.html" not in offered
    evaluated(model, fruit)
    checked(app.button(key="report finder").click().run())
    assert offered["finder-fruit-test.html"]().startswith(b"<!DOCTYPE html>")


def test_the_model_of_a_running_search_is_not_deleted(visit, model_there, search_there, workspace):
    model_there("fruit")
    search_there("fruit", "running", [trial(0, "running")], model="fruit")
    app = visit("models")
    checked(app.button(key="delete fruit").click().run())
    assert "still running" in says(app)
    assert "Delete it" not in labels(app.button)


def test_hostile_names_in_a_model_are_shown_as_they_are(visit, model_there):
    model_there("![x](http://evil)", classes=("<img src=x>", "![x](http://evil)"))
    text = says(visit("models"))
    assert "![x](http://evil)" not in text
    assert r"\<img src" in text


@pytest.mark.slow
def test_trying_a_model_leads_to_predict_with_it_chosen(visit, model_there):
    model_there("best", 0.9)
    model_there("other", 0.1)
    app = visit("models")
    newest, older = (element for element in app.get("page_link") if element.value == "Try")
    assert (newest.proto.query_string, older.proto.query_string) == ("model=other", "model=best")
    app.query_params["model"] = "best"
    app = checked(app.switch_page("pages/predict.py").run())
    assert app.selectbox[0].value == "best"


@pytest.mark.slow
def test_a_model_whose_file_is_damaged_does_not_hide_the_others(visit, model_there):
    model_there("whole")
    damaged = model_there("damaged")
    damaged.path.write_bytes(damaged.path.read_bytes()[:-70])
    assert "whole" in says(visit("models"))


def test_a_trained_model_gets_its_graph_and_is_downloaded_as_onnx(visit, workspace, trained_bundle, offered):
    add_model(trained_bundle, "sample", workspace)
    app = visit("models")
    assert "sample.onnx" not in offered
    app = checked(labelled(app.button, "Make the ONNX graph").click().run())
    assert "sample has an ONNX graph now" in says(app)
    assert "Make the ONNX graph" not in labels(app.button)
    assert len(offered["sample.onnx"]()) > 1_000_000


def make_int8(app):
    """The page once the 8-bit file that was asked for is made, or could not be."""
    app = checked(labelled(app.button, "Make an 8-bit file").click().run())
    deadline = time.monotonic() + 120
    while any(not job.error for job in background_jobs._jobs.values()):
        assert time.monotonic() < deadline
        time.sleep(0.1)
    return checked(app.run())


@pytest.mark.slow
def test_an_8_bit_file_is_made_and_tells_what_it_costs(visit, workspace, trained_bundle, sample_folder, offered):
    import_dataset(sample_folder, "sample", workspace=workspace)
    model = add_model(trained_bundle, "sample", workspace)
    app = make_int8(visit("models"))
    assert "Make an 8-bit file" not in labels(app.button)
    told = json.loads(read_metadata(offered["sample-int8.onnx"]())["quantization"])
    assert quantization_text(Quantization.from_json(told)) in says(app).replace("\\", "")
    put_model(untrained_bundle(workspace.home / "other.autodet"), model.id, workspace)
    assert "Make an 8-bit file" in labels(visit("models").button)  # the other one's weights are gone


def test_without_its_photos_a_model_gets_no_8_bit_file(visit, model_there):
    model_there("fruit")
    app = checked(labelled(visit("models").button, "Make an 8-bit file").click().run())
    assert "no photos to calibrate 8 bits on; import it" in says(app).replace("\\", "")


@pytest.mark.slow
def test_a_failed_8_bit_file_is_a_sentence_and_can_be_tried_again(visit, model_there, monkeypatch, workspace):
    model_there("fruit")
    monkeypatch.setattr(int8_jobs, "own_dataset", lambda _model: SimpleNamespace(workspace=workspace))
    monkeypatch.setattr(int8_jobs, "export_int8", None)  # an unforeseen failure
    app = make_int8(visit("models"))
    assert "The 8-bit export failed unexpectedly" in says(app).replace("\\", "")
    assert "Make an 8-bit file" in labels(app.button)


def test_a_graph_that_cannot_be_made_is_a_sentence_and_the_page_stays(visit, model_there, monkeypatch):
    model_there("fruit")
    monkeypatch.setattr(onnx_graph, "OPERATORS", onnx_graph.OPERATORS - {b"Conv"})
    app = visit("models")
    app = checked(labelled(app.button, "Make the ONNX graph").click().run())
    assert "The model fruit cannot be exported to ONNX" in says(app)
    assert "Delete" in labels(app.button)


def test_the_details_list_the_thresholds(visit, model_there):
    model_there("fruit")
    assert "Confidence thresholds: apple 0.50 and banana 0.50" in says(visit("models")).replace("\\", "")


def test_the_details_leave_out_what_the_card_does_not_record(visit, model_there, workspace):
    model_there("fruit")
    told = says(visit("models"))
    assert "Best epoch: 7" in told and "Hyperparameters: lr" in told
    add_model(demo_model().path, "demo", workspace)
    facts = next(part.value for part in visit("models").markdown if part.value.startswith("- Architecture"))
    assert "NanoDet" in facts
    assert not re.search(r"Best epoch|Average|: *$", facts, re.MULTILINE)


def test_the_details_name_the_averaged_trials(visit, workspace, tmp_path):
    add_model(untrained_bundle(tmp_path / "mean.autodet", averaged=(2, 0)), "mean", workspace)
    assert "Average of trials: 2 and 0" in says(visit("models"))


@pytest.mark.slow
def test_a_downloaded_model_has_its_graph_and_the_details_name_the_runtime(visit, model_there, offered):
    model = model_there("fruit")
    assert "Predictions: torch: the model has no ONNX graph" in says(visit("models")).replace("\\", "")
    assert b"model.onnx" in offered["fruit.autodet"]()
    assert read_card(model.path).graph_sha256
    assert "Predictions: ONNX Runtime: on a CPU it is quicker than torch" in says(visit("models")).replace("\\", "")
