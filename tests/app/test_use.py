"""The page *Use this model*, and the tokens on Settings."""

import pytest

from autodet.access.tokens import check_token, create_token, list_tokens
from autodet.server.api.snippets import PROGRAMS, VARIABLE, program
from autodet.ui.use.onnx_program import onnx_program
from tests.app.conftest import checked, labelled, labels, link, says
from tests.server.api.conftest import FRUIT, copy_fruit

ADDRESS = "http://localhost:8501"  # AppTest has no browser


def codes(app) -> list[str]:
    return [code.value for code in app.code]


def press(app, label):
    return checked(labelled(app.button, label).click().run())


def test_without_models_it_says_what_to_do(visit):
    app = visit("use")
    assert "no model yet" in says(app)
    assert not codes(app)


def test_the_programs_name_the_model_and_the_server(visit, model_there):
    model_there("fruit")
    model_there("other")
    app = visit("use", model="fruit")
    assert codes(app)[: len(PROGRAMS)] == [program(one, ADDRESS, "fruit", token=False) for one in PROGRAMS]
    assert not any(VARIABLE in code for code in codes(app))
    assert f"({ADDRESS}/api/docs)" in says(app)
    assert any("serve fruit.autodet" in code for code in codes(app))
    assert "no ONNX graph" in says(app)


def test_a_model_with_a_graph_has_its_file_and_a_program_for_it(visit, workspace, offered):
    copy_fruit(workspace.home)
    app = visit("use")
    assert onnx_program(f"{FRUIT}.onnx") in codes(app)
    assert offered[f"{FRUIT}.onnx"]()
    assert offered[f"{FRUIT}.autodet"]()[:2] == b"PK"


def test_each_model_leads_to_its_programs(visit, model_there):
    model_there("fruit")
    target = link(visit("models"), "Use").proto
    assert (target.page, target.query_string) == ("use", "model=fruit")


@pytest.fixture
def signed_in(visit, monkeypatch):
    """Visit a page of an app with a password, as an editor or a viewer."""
    monkeypatch.setenv("AUTODET_PASSWORD", "edit")
    monkeypatch.setenv("AUTODET_VIEWER_PASSWORD", "view")

    def signed_in(name, password="edit"):
        app = visit(name)
        app.text_input[0].set_value(password)
        return press(app, "Enter")

    return signed_in


def test_where_a_password_is_set_the_programs_send_a_token(signed_in, model_there):
    model_there("fruit")
    app = signed_in("use")
    assert codes(app)[0] == program("bash", ADDRESS, "fruit", token=True)
    assert "wants a token" in says(app)
    assert link(app, "Make a token on Settings")


def test_a_viewer_asks_an_editor_for_a_token(signed_in, model_there):
    model_there("fruit")
    app = signed_in("use", "view")
    assert "Ask an editor" in says(app)
    assert "Make a token on Settings" not in [one.value for one in app.get("page_link")]
    assert list_tokens() == []


def test_a_token_is_shown_once_and_revoked(signed_in):
    app = signed_in("settings")
    labelled(app.text_input, "What is it for?").set_value("*Gate*")
    labelled(app.selectbox, "Expires").set_value("in 30 days")
    app = press(app, "Make it")
    (secret,) = [code for code in codes(app) if code.startswith("autodet_")]
    assert check_token(secret).name == "*Gate*"
    assert r"\*Gate\*" in says(app)
    assert not any(secret in code for code in codes(checked(app.run())))
    app = press(app, "Revoke it")
    assert list_tokens() == []
    assert check_token(secret) is None


def test_tokens_are_told_apart(signed_in):
    tokens = [create_token("camera")[0], create_token("camera 2")[0]]
    app = signed_in("settings")
    assert all(f"`{token.id}`" in says(app) for token in tokens)
    labelled(app.text_input, "What is it for?").set_value("camera")
    app = press(app, "Make it")
    assert "There is a token 'camera' already" in app.error[0].value
    assert len(list_tokens()) == 2


def test_a_token_without_a_name_is_a_sentence(signed_in):
    app = press(signed_in("settings"), "Make it")
    assert "name of a token" in app.error[0].value
    assert list_tokens() == []


def test_viewers_and_strangers_in_a_demo_see_no_tokens(signed_in, visit, monkeypatch):
    create_token("camera")
    app = signed_in("settings", "view")
    assert "camera" not in says(app)
    assert "Revoke it" not in labels(app.button)
    monkeypatch.delenv("AUTODET_PASSWORD")
    monkeypatch.delenv("AUTODET_VIEWER_PASSWORD")
    monkeypatch.setenv("AUTODET_MODE", "demo")
    assert "camera" not in says(visit("settings"))


def test_without_a_password_the_settings_say_that_the_api_is_open(visit):
    assert "neither a password nor a sign-in" in says(visit("settings"))
