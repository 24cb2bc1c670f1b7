"""Programs that wait for a search: the lines they get, and the errors if it does not finish."""

import _thread
import re
import signal
import threading
import warnings
from contextlib import suppress

import pytest

import autodet
from autodet.errors import AutodetWarning, BundleError, SearchError, SearchUnfinishedError
from autodet.search.api import Search, find_search
from autodet.search.status.status_file import STATUS


@pytest.fixture
def fit(start, data, monkeypatch):
    """``autodet.fit``; ``then`` is called with the search once an epoch is done."""

    def fit(script=None, then=None, **options):
        start_search, called = autodet.start_search, []

        def started(_dataset, **asked):
            search = start(script, **asked)
            return search if then is None else watched(search, search.wait)

        def watched(search, wait):
            def watched_wait(on_change=None, **options):
                def tell(status):
                    if on_change:
                        on_change(status)
                    if status.best_trial and not called:
                        called.append(True)
                        then(search)

                return wait(tell, **options)

            search.wait = watched_wait
            return search

        monkeypatch.setattr("autodet.search.start.start_search", started)
        try:
            return autodet.fit(data, **options)
        finally:
            monkeypatch.setattr("autodet.search.start.start_search", start_search)

    return fit


def kill_supervisor(supervisor_of):
    def kill(search):
        supervisor_of(search).kill()
        supervisor_of(search).wait()

    return kill


def test_fit_raises_where_its_search_was_interrupted_and_says_how_to_go_on(fit, home, launcher, supervisor_of):
    with pytest.raises(SearchUnfinishedError) as told:
        fit({"seconds": 0.3}, kill_supervisor(supervisor_of), trials=3, epochs=4)
    assert told.value.state == "interrupted"
    assert "0 of 3 trials done" in str(told.value)
    assert "autodet.find_search('fruit').resume()" in str(told.value)
    search = Search(home.searches / "fruit", launcher)
    with pytest.raises(SearchUnfinishedError, match=r"best_detector\(best_so_far=True\)"):
        search.best_detector()
    with pytest.raises(SearchUnfinishedError, match="Its process has ended"):
        search.wait()
    assert search.wait(best_so_far=True).state == "interrupted"
    with pytest.raises(BundleError):  # it takes the scripted trainer's model, which has no weights
        search.best_detector(best_so_far=True)
    search.resume()
    assert search.wait().state == "finished"


def test_fit_raises_where_its_search_was_stopped_or_failed(fit):
    with pytest.raises(SearchUnfinishedError, match=r"It was stopped.*resume\(\)") as told:
        fit({"seconds": 0.2}, lambda search: search.stop(), trials=3, epochs=9)
    assert told.value.state == "stopped"
    with pytest.raises(SearchUnfinishedError, match=r"too beautiful.*Start a new search") as told:
        fit({"fail": {"0": 1}}, trials=1, epochs=1)
    assert (told.value.state, "resume" in str(told.value)) == ("failed", False)


def test_a_search_that_was_stopped_in_its_last_trial_cannot_be_resumed_and_is_not_told_to_be(start, eventually):
    search = start({"seconds": 0.2}, trials=1, epochs=30)
    eventually(lambda: search.status().best_trial)
    search.stop()
    with pytest.raises(SearchUnfinishedError, match="Start a new search; for the best model so far"):
        search.wait()


def test_a_search_at_work_has_no_best_detector_unless_asked_for_the_best_so_far(start, eventually):
    search = start({"seconds": 0.3}, trials=2, epochs=20)
    eventually(lambda: search.status().best_trial)
    with pytest.raises(SearchUnfinishedError, match=r"running.*call autodet.find_search\('fruit'\).wait\(\)"):
        search.best_detector()
    with pytest.raises(BundleError):
        search.best_detector(best_so_far=True)
    search.stop()


def test_a_search_that_is_out_of_time_has_finished(start):
    assert start({"seconds": 0.3}, trials=50, epochs=4, time_limit=8).wait().state == "finished"


def test_status_stop_resume_and_wait_work_in_this_order(start):
    search = start({"seconds": 0.2}, trials=3, epochs=8)
    search.status(), search.stop(), search.resume()
    assert search.wait().state == "finished"


def test_resume_waits_for_a_stop_in_the_middle_of_a_trial(start, eventually):
    search = start({"seconds": 0.2}, trials=2, epochs=8)
    eventually(lambda: search.status().best_trial)
    search.stop()
    search.resume()
    status = search.wait()
    assert (status.state, [trial.state for trial in status.trials]) == ("finished", ["stopped", "finished"])


def test_resume_does_not_wait_for_ever(start, home, monkeypatch, supervisor_of, eventually):
    search = start({"seconds": 0.2}, trials=2, epochs=80)
    eventually(lambda: search.status().best_trial)
    supervisor_of(search).send_signal(signal.SIGSTOP)
    search.stop()
    monkeypatch.setattr("autodet.search.api.STOP_SECONDS", 0.5)
    with pytest.raises(SearchError, match="still stopping; resume it when it has stopped"):
        search.resume()
    supervisor_of(search).send_signal(signal.SIGCONT)


def test_fit_prints_a_line_an_epoch_unless_it_is_told_not_to(fit, capsys):
    with suppress(BundleError):
        fit({"map50": {"0": [0.25, 0.5], "1": [0.3, 0.4]}}, trials=2, epochs=2)
    lines = capsys.readouterr().out.splitlines()
    assert lines[0] == "The search fruit has started."
    told = [re.sub(r", about .* left", "", line) for line in lines[1:]]
    assert told[:3] == [
        "Trial 0, epoch 1 of 2: loss 1.000, mAP50 0.250",
        "Trial 0, epoch 2 of 2: loss 0.500, mAP50 0.500",
        "Trial 0: finished.",
    ]
    assert told[-1] == "The search fruit is finished, 2 of 2 trials done, best map50 0.500 (trial 0)."
    with suppress(BundleError):
        fit(trials=1, epochs=1, verbose=False)
    assert capsys.readouterr().out == ""


def test_what_users_wrote_cannot_command_the_terminal(fit, capsys):
    with pytest.raises(SearchUnfinishedError):
        fit({"fail": {"0": 1}, "failure": "photo \x1b[2J.jpg"}, trials=1, epochs=1)
    assert "\x1b" not in capsys.readouterr().out


def test_lines_name_the_figure_that_the_search_is_for(fit, capsys):
    with suppress(BundleError):
        fit({"map50": {"0": [0.25]}}, trials=1, epochs=1, objective="recall@0.9")
    assert "mAP50 0.250, recall@0.9 0.750" in capsys.readouterr().out


def test_ctrl_c_in_fit_leaves_the_search_running_and_says_how_to_stop_it(fit, home):
    before = signal.signal(signal.SIGINT, signal.default_int_handler)
    try:
        with pytest.raises(KeyboardInterrupt) as told:
            fit({"seconds": 0.3}, lambda _: threading.Timer(0.2, _thread.interrupt_main).start(), trials=3, epochs=20)
    finally:
        signal.signal(signal.SIGINT, before)
    assert "continues in the background; autodet.find_search('fruit').stop() stops it" in str(told.value)
    search = find_search("fruit", home)
    assert search.status().state == "running"
    search.stop()


def test_cautions_are_warnings_at_the_line_that_asked(start, data):
    fixed = {"lr": 1e-3, "backbone_lr_factor": 0.3, "weight_decay": 0.0}
    with pytest.warns(AutodetWarning) as seen:
        start(trials=2, epochs=1, space=fixed)
    assert seen[0].filename == start.__code__.co_filename
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        start(trials=2, epochs=1)


def test_a_search_says_in_a_notebook_what_it_is_doing(start, home):
    search = start(trials=1, epochs=1)
    assert repr(search).startswith("Search('fruit', data set 'fruit', queued, 0 of 1 trials done")
    search.wait()
    assert repr(search) == "Search('fruit', data set 'fruit', finished, 1 of 1 trials done, best map50 0.501 (trial 0))"
    (home.searches / search.id / STATUS).write_text("{")
    assert repr(search) == "Search('fruit', cannot be read)"


def test_the_public_package_has_what_programs_catch():
    assert issubclass(autodet.SearchUnfinishedError, autodet.AutodetError)
    assert issubclass(autodet.AutodetWarning, UserWarning)
