"""The registry on the Models page."""

import json

import pytest

import autodet
from autodet.inference import background_jobs
from autodet.models.store import list_models
from autodet.registry import exchange
from autodet.registry.exchange_jobs import find_pull, find_push
from tests.app.conftest import checked, labelled, labels, says
from tests.app.test_access import EDITOR, VIEWER, enter
from tests.registry.conftest import small_bundle


@pytest.fixture
def registry(workspace, tmp_path, monkeypatch):
    """A registry with three versions, of which the first is in production."""
    folder = tmp_path / "shared"
    folder.mkdir()
    monkeypatch.setenv("AUTODET_REGISTRY", str(folder))
    for number in (1, 2, 3):
        bundle = small_bundle(tmp_path / "a.autodet", bytes([number]), dataset="market *2*")
        autodet.push_model(bundle, "fruit", "production" if number == 1 else None)
    return folder


def opened(visit):
    """The Models page with the registry unfolded."""
    return visit("models", registry=True)


def versions(app):
    return app.dataframe[0].value


def test_without_a_registry_nothing_of_it_is_shown(visit, monkeypatch):
    monkeypatch.delenv("AUTODET_REGISTRY", raising=False)
    assert "Registry" not in labels(visit("models").expander)


def test_it_is_read_only_when_it_is_opened(visit, registry):
    app = visit("models")
    assert "Registry" in labels(app.expander)
    assert not app.dataframe


def test_versions_have_figures_tags_and_their_history(visit, registry):
    app = opened(visit)
    table = versions(app)
    assert list(table["Version"]) == [3, 2, 1]
    assert list(table["Tags"]) == ["", "", "production"]
    assert set(table["mAP@0.5"]) == {"0.500"} and set(table["Data set"]) == {"market *2*"}
    assert "Search" not in table
    assert "production: version 1, just now" in says(app)


def test_a_tag_is_moved_and_moved_back(visit, registry):
    app = checked(labelled(opened(visit).button, "Move the tag here").click().run())
    assert "The tag production names fruit@3 now" in says(app).replace("\\", "").replace("\u2060", "")
    assert list(versions(app)["Tags"]) == ["production", "", ""]
    labelled(app.selectbox, "Version").set_value(1).run()
    app = checked(labelled(app.button, "Move the tag here").click().run())
    assert list(versions(app)["Tags"]) == ["", "", "production"]
    assert len(autodet.list_registry("fruit")[0].moves["production"]) == 3


def test_a_tag_that_another_tab_has_moved_is_a_sentence(visit, registry):
    app = opened(visit)
    autodet.tag_model("fruit@2", "production")
    app = checked(labelled(app.button, "Move the tag here").click().run())
    assert "to version 2 since you saw it" in says(app)
    assert autodet.list_registry("fruit")[0].tags == {"production": 2}


def end(app, find):
    """The page when a job has ended."""
    job = find()
    while find() and not find().error:
        background_jobs._turn.acquire()
        background_jobs._turn.release()
    assert job is None or not job.error
    return checked(app.run())


@pytest.mark.slow
def test_a_model_is_pushed_and_pulled(visit, registry, model_there, workspace, monkeypatch):
    monkeypatch.setattr(exchange, "add_graph", lambda path: False)  # takes torch many seconds
    model = model_there("Fruit salad")
    app = opened(visit)
    assert labelled(app.text_input, "Name in the registry").value == "fruit-salad"
    labelled(app.text_input, "Name in the registry").set_value("Fruit Salad!")
    app = checked(labelled(app.button, "Push it").click().run())
    assert "cannot be called" in says(app)
    labelled(app.text_input, "Name in the registry").set_value("salad")
    labelled(app.text_input, "Tag (optional)").set_value("staging")
    app = end(checked(labelled(app.button, "Push it").click().run()), lambda: find_push(model))
    assert "Fruit salad is version 1 of salad in the registry" in says(app)
    labelled(app.text_input, "Name in the registry").set_value("salad")
    app = end(checked(labelled(app.button, "Push it").click().run()), lambda: find_push(model))
    assert "Fruit salad is already version 1 of salad in the registry" in says(app)
    (salad,) = autodet.list_registry("salad")
    assert salad.tags == {"staging": 1}

    autodet.delete_model(model.id)
    labelled(app.selectbox, "Model").set_value("salad").run()
    app = checked(labelled(app.button, "Pull").click().run())
    app = end(app, lambda: find_pull(salad.versions[0]))
    assert [pulled.name for pulled in list_models(workspace)] == ["Fruit salad"]
    assert "is one of the models below" in says(app)


def test_viewers_look_and_change_nothing(visit, registry, monkeypatch):
    monkeypatch.setenv("AUTODET_PASSWORD", EDITOR)
    monkeypatch.setenv("AUTODET_VIEWER_PASSWORD", VIEWER)
    app = enter(opened(visit), VIEWER)
    assert list(versions(app)["Version"]) == [3, 2, 1]
    assert not {"Pull", "Move the tag here", "Push it"} & set(labels(app.button))


def test_a_registry_that_is_gone_is_a_sentence(visit, registry, monkeypatch):
    monkeypatch.setenv("AUTODET_REGISTRY", str(registry / "elsewhere"))
    assert "There is no folder" in says(opened(visit))


def test_hostile_names_are_shown_as_they_are(visit, registry):
    path = registry / "fruit/tags/production/1.json"
    document = json.loads(path.read_text()) | {"moved_by": "[x](http://evil) :material/home: **a**"}
    path.write_text(json.dumps(document))
    text = says(opened(visit))
    assert "](http" not in text and ":material/home" not in text
