import re
import subprocess
import sys

import pytest
from streamlit.testing.v1 import AppTest

from autodet.ui.frame import PAGES
from tests.app.conftest import ROOT, checked, labelled, says

SECRET = "open sesame, please"


@pytest.fixture
def password(monkeypatch):
    monkeypatch.setenv("AUTODET_PASSWORD", SECRET)


@pytest.mark.parametrize("name", PAGES)
def test_every_page_opens_in_an_empty_workspace(visit, name):
    app = visit(name)
    assert app.title[0].value
    assert not app.error


@pytest.mark.parametrize("name", PAGES)
def test_no_page_shows_anything_without_the_password(visit, password, name):
    app = visit(name)
    assert [title.value for title in app.title] == ["autodet"]
    assert not app.button or [button.label for button in app.button] == ["Enter"]
    assert not app.dataframe


@pytest.mark.parametrize("name", PAGES)
def test_a_page_that_is_run_without_the_frame_is_guarded_too(workspace, password, name):
    app = AppTest.from_file(str(ROOT / "pages" / f"{name}.py"), default_timeout=60)
    app.session_state["framed"] = True
    app.run()
    assert [title.value for title in app.title] == ["autodet"]


def test_the_wrong_password_is_refused_and_the_right_one_opens(visit, password):
    app = visit("settings")
    app.text_input[0].input("guess")
    app = checked(app.button[0].click().run())
    assert "not the password" in says(app)
    app.text_input[0].input(SECRET)
    app = checked(app.button[0].click().run())
    assert app.title[0].value == "Settings"
    assert "set" in app.table[0].value["Value"].tolist()
    assert SECRET not in says(app)
    assert all(SECRET not in table.value.to_string() for table in app.dataframe)


@pytest.mark.parametrize("name", PAGES)
def test_a_setting_that_will_not_do_is_a_sentence(visit, monkeypatch, name):
    monkeypatch.setenv("AUTODET_MAX_ARCHIVE_MB", "much")
    app = visit(name)
    assert "give it a whole number" in says(app)
    assert not app.title


def test_an_unforeseen_error_is_a_sentence_and_its_traceback_is_logged(visit, monkeypatch, caplog):
    def fail():
        raise ZeroDivisionError("a secret detail")

    monkeypatch.setattr("autodet.ui.installation.load_settings", fail)
    with pytest.raises(AssertionError, match="the page failed"):
        visit("settings")
    assert "a secret detail" in caplog.text


def test_pages_that_show_no_prediction_do_not_import_torch(tmp_path):
    code = f"""
import os, sys
os.environ["AUTODET_HOME"] = {str(tmp_path)!r}
from streamlit.testing.v1 import AppTest
app = AppTest.from_file({str(ROOT / "app.py")!r}, default_timeout=60).run()
for name in ("home", "datasets", "search", "results", "evaluate", "predict", "models", "settings"):
    app.switch_page(f"pages/{{name}}.py").run()
    assert not app.exception
print([name for name in ("torch", "optuna") if name in sys.modules])
"""
    ran = subprocess.run([sys.executable, "-c", code], check=True, capture_output=True, text=True, cwd=ROOT)
    assert ran.stdout.strip().splitlines()[-1] == "[]"


def test_pages_hold_no_logic():
    for entry in PAGES.values():
        source = (ROOT / entry.path).read_text()
        assert len(source.splitlines()) < 60
        assert not re.search(r"^\s*(def|class|try|for|while) ", source, re.M), entry.path


def test_the_menu_lists_every_page(visit):
    assert {path.stem for path in (ROOT / "pages").glob("*.py")} == set(PAGES)
    assert labelled(visit("home").button, "Import photos")


def test_the_settings_show_gpus_only_where_they_can_be_read(visit, monkeypatch):
    from autodet.training.gpu import GpuReading
    from autodet.ui import installation

    def gpus():
        return [table.value for table in visit("settings").table if "GPU" in table.value]

    assert not gpus()
    monkeypatch.setenv("AUTODET_DEVICES", "cuda:0,cuda:0,cuda:1,cpu")
    assert not gpus()
    readings = {"0": GpuReading("Fake", 0.5, 3_000_000_000, 16_000_000_000)}
    monkeypatch.setattr(installation, "read_gpu", readings.get)
    (table,) = gpus()
    assert table.to_numpy().tolist() == [[r"cuda\:0", "Fake, 50% busy, 3 GB of 16 GB in use"]]
