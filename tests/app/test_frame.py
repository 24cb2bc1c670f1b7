import errno
import os
import re
import subprocess
import sys
from contextlib import suppress

import pytest
from streamlit import config
from streamlit.testing.v1 import AppTest

from autodet.access.audit_log import read_entries
from autodet.access.guesses import MAX_WRONG, Guesses
from autodet.ui.common import sign_in
from autodet.ui.common.frame import PAGES
from autodet.workspace import Workspace
from tests.app.conftest import ROOT, checked, labelled, says

SECRET = "open sesame, please"
AS_ROOT = [] if os.geteuid() == 0 else ["sudo", "-n"]


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


@pytest.fixture
def delays(monkeypatch):
    """How long each guess had to wait, in seconds; nobody really waits."""
    waited = []
    monkeypatch.setattr(sign_in, "guesses", Guesses(waited.append))
    return waited


def guess(app, text):
    app.text_input[0].input(text)
    return checked(app.button[0].click().run())


def test_each_wrong_password_makes_the_next_guess_of_its_address_wait_longer(visit, password, delays, caplog):
    app = visit("home")
    for _ in range(4):
        assert "Wrong password" in says(guess(app, "a guess"))
    assert delays == [0, 1, 2, 4]
    assert guess(visit("home"), SECRET).title[0].value != "autodet"  # who begins again waits too
    assert delays[-1] == 8  # the right one too, or a quick answer would tell
    assert caplog.text.count("Wrong password from 127.0.0.1") == 4
    assert "a guess" not in caplog.text


def test_an_address_with_too_many_wrong_passwords_is_locked_out_and_logged(visit, password, delays, workspace):
    for _ in range(MAX_WRONG):
        guess(visit("home"), "a guess")
    app = guess(visit("home"), SECRET)
    assert "try again in a quarter of an hour" in says(app)
    assert app.title[0].value == "autodet"
    entries = [(entry.action, entry.address, entry.outcome) for entry in read_entries(workspace)]
    assert entries == [("sign in", "127.0.0.1", "refused")] * MAX_WRONG
    assert "a guess" not in (workspace.audit / "changes.jsonl").read_text()


def test_one_guess_of_an_address_waits_at_once(visit, password, delays):
    app = visit("home")
    with sign_in.guesses.wait("127.0.0.1"):
        assert "wait a minute" in says(guess(app, SECRET))
        assert app.title[0].value == "autodet"
    assert guess(app, SECRET).title[0].value != "autodet"


def test_an_open_app_that_others_can_reach_says_so(visit, monkeypatch):
    def warnings(address):
        config.set_option("server.address", address)
        return [warning.value for warning in app.run().warning]

    app = visit("home")
    assert warnings("127.0.0.1") == []
    for address in ("0.0.0.0", "192.0.2.4", None):
        assert "open to everyone" in warnings(address)[0]
    monkeypatch.setenv("AUTODET_PASSWORD", SECRET)
    assert warnings("0.0.0.0") == []


def test_who_signs_out_is_asked_again(visit, password, delays):
    app = visit("settings")
    app = guess(app, SECRET)
    app = checked(labelled(app.button, "Sign out").click().run())
    assert [title.value for title in app.title] == ["autodet"]


@pytest.fixture
def full_disk(tmp_path, monkeypatch):
    """A workspace on a disk without any room: a real one where that can be mounted."""
    home = tmp_path / "home"
    home.mkdir()
    mount = [*AS_ROOT, "mount", "-t", "tmpfs", "-o", f"size=1m,uid={os.getuid()}", "tmpfs", str(home)]
    mounted = subprocess.run(mount, check=False, capture_output=True).returncode == 0
    workspace = Workspace(home)

    def fill():
        if not mounted:
            refused = OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))
            monkeypatch.setattr("autodet.workspace.open_atomically", lambda _path: (_ for _ in ()).throw(refused))
            return
        with suppress(OSError), (workspace.home / "ballast").open("wb", buffering=0) as file:
            while True:
                file.write(b"x" * 512)

    yield fill
    if mounted:
        subprocess.run([*AS_ROOT, "umount", "-l", str(home)], check=True)


def test_a_full_disk_is_told_where_an_import_or_a_search_is_started(full_disk, visit, fruit):
    importing, searching = visit("datasets"), visit("search", dataset=fruit.id)
    full_disk()
    checked(labelled(importing.button, "Use the sample data set").click().run())
    assert "The disk is full" in says(importing)
    checked(labelled(searching.button, "Start training").click().run())
    assert "The disk is full" in says(searching)


@pytest.mark.slow
def test_the_wrong_password_is_refused_and_the_right_one_opens(visit, password):
    app = visit("settings")
    app.text_input[0].input("guess")
    app = checked(app.button[0].click().run())
    assert "Wrong password" in says(app)
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

    monkeypatch.setattr("autodet.ui.settings.installation.load_settings", fail)
    with pytest.raises(AssertionError, match="the page failed"):
        visit("settings")
    assert "a secret detail" in caplog.text


def test_pages_that_show_no_prediction_do_not_import_torch(tmp_path):
    code = f"""
import os, sys
os.environ["AUTODET_HOME"] = {str(tmp_path)!r}
from streamlit.testing.v1 import AppTest
app = AppTest.from_file({str(ROOT / "app.py")!r}, default_timeout=60).run()
for name in ("home", "datasets", "search", "results", "evaluate", "compare", "predict", "models", "settings"):
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


def test_the_settings_show_gpus_only_where_they_can_be_read(visit, monkeypatch):
    from autodet.training.gpu import GpuReading

    def gpus():
        return [table.value for table in visit("settings").table if "GPU" in table.value]

    assert not gpus()
    monkeypatch.setenv("AUTODET_DEVICES", "cuda:0,cuda:0,cuda:1,cpu")
    assert not gpus()
    readings = {"0": GpuReading("Fake", 0.5, 3_000_000_000, 16_000_000_000)}
    monkeypatch.setattr("autodet.ui.settings.installation.read_gpu", readings.get)
    (table,) = gpus()
    assert table.to_numpy().tolist() == [[r"cuda\:0", "Fake, 50% busy, 3 GB of 16 GB in use"]]


def test_the_settings_show_what_computes_predictions_and_why(visit, monkeypatch):
    def said():
        (table,) = (table.value for table in visit("settings").table if "Setting" in table.value)
        return dict(table.itertuples(index=False))["Predictions are computed by"].replace("\\", "")

    assert said() == "ONNX Runtime: on a CPU it is quicker than torch"
    monkeypatch.setattr("autodet.inference.runtime.gpu_count", lambda: 1)
    assert said() == "torch: it uses the GPU"
