"""Follow-ups on Results, Evaluate and Home: is the gain real, and would more photos help?"""

from dataclasses import replace

import pytest

from autodet import cli
from autodet.datasets.imports.import_dataset import import_dataset
from autodet.inference.evaluations import evaluate_model
from autodet.models.store import find_model, put_model
from autodet.records import EpochResult, TrialStatus
from autodet.search.api import find_search
from autodet.search.status.status_file import LAUNCHED, read_snapshot, write_snapshot
from tests.app.conftest import address, checked, follow, labelled, labels, says, trial


@pytest.fixture
def searched(fruit, search_there):
    """A search that is over, whose trial 1 is the best."""
    other = replace(trial(1, scores=(0.8,)), params={"lr": 5e-4})
    return search_there("fruit", dataset="fruit", trials=[trial(0, scores=(0.6,)), other])


def finish(workspace, search, *scores):
    """Write the status of a follow-up as its supervisor would have."""
    folder = workspace.searches / search
    (folder / LAUNCHED).unlink(missing_ok=True)
    planned = find_search(search, workspace).spec().follow_up.trials
    epochs = [(EpochResult(1, 1.0, score, score, 1.0),) for score in scores]
    trials = tuple(
        TrialStatus(number, "finished", planned[number].params, epochs=own) for number, own in enumerate(epochs)
    )
    write_snapshot(folder, replace(read_snapshot(folder), state="finished", trials=trials))


def test_results_repeats_the_best_and_says_that_the_gain_is_real(visit, workspace, searched, launched):
    app = visit("results", search="fruit")
    assert "Is the gain real?" in labels(app.expander)
    assert "6 trainings" in says(app)
    checked(labelled(app.button, "Train with other seeds").click().run())
    (folder,) = launched
    finish(workspace, folder.name, 0.60, 0.75, 0.61, 0.76, 0.60, 0.75)
    app = visit("results", search="fruit")
    assert "The gain of trial 1 is real" in says(app).replace("\\", "")
    assert labelled(app.button, "Train with further seeds")
    finish(workspace, folder.name, 0.60, 0.75, 0.70, 0.60, 0.65, 0.70)
    assert "within noise" in says(visit("results", search="fruit"))


def test_a_follow_up_has_a_page_without_a_model_and_is_never_the_default(visit, workspace, searched, launched):
    app = visit("results", search="fruit")
    checked(labelled(app.button, "Train with other seeds").click().run())
    (folder,) = launched
    assert address(visit("results"))["search"] == "fruit"
    app = visit("results", search=folder.name)
    assert "It makes no model" in says(app)
    assert not {"Evaluate", "Try a photo"} & {link.value for link in app.get("page_link")}
    finish(workspace, folder.name, 0.6, 0.7)
    app = visit("results", search=folder.name)
    assert list(app.dataframe[-1].value["settings of"]) == ["defaults", "trial 1"]
    assert address(follow(app, "Go to fruit"))["search"] == "fruit"
    assert "1 search so far" in says(visit("home"))
    find_search("fruit", workspace).delete()
    assert "cannot be compared" not in says(visit("results", search=folder.name))


def test_a_search_that_runs_or_has_one_trial_is_not_asked(visit, fruit, search_there):
    search_there("runs", state="running", dataset="fruit", trials=[trial(0), trial(1)])
    search_there("one", dataset="fruit", trials=[trial(0)])
    search_there("same", dataset="fruit", trials=[trial(0), trial(1)])
    assert "Is the gain real?" not in labels(visit("results", search="runs").expander)
    assert "Is the gain real?" not in labels(visit("results", search="one").expander)
    app = visit("results", search="same")
    assert "no finished trial with other parameters" in says(app)
    assert "Train with other seeds" not in labels(app.button)


def test_evaluate_measures_a_learning_curve_and_ranks_what_it_tells(
    visit, workspace, trained_bundle, sample_folder, search_there, launched
):
    data = import_dataset(sample_folder, "sample", workspace=workspace)
    search_there("sample", dataset=data.id, trials=[trial(0, scores=(0.6,)), trial(1, scores=(0.8,))])
    put_model(trained_bundle, "sample", workspace)
    evaluate_model(find_model("sample", workspace), data, "val")
    app = next_steps(visit("evaluate", model="sample", split="val"))
    assert "Would more photos help?" in labels(app.expander)
    checked(labelled(app.button, "Measure the learning curve").click().run())
    (folder,) = launched
    finish(workspace, folder.name, 0.3, 0.5, 0.65, 0.31, 0.51, 0.64)
    app = next_steps(visit("evaluate", model="sample", split="val"))
    said = says(app).replace("\\", "").replace("\u2060", "")
    assert "More photos. With" in said and "mAP@0.5 would rise by about" in said
    assert "An extrapolation from 6 trainings" in said


def next_steps(app):
    app.session_state["evaluate views"] = "Next steps"
    return checked(app.run())


def test_the_command_line_starts_both_and_status_says_what_they_tell(workspace, searched, launched, capsys):
    assert cli.main(["repeat", "fruit", "--seeds", "2", "--detach", "--json"]) == 0
    assert '"follow_up": "repeats"' in capsys.readouterr().out
    finish(workspace, launched[0].name, 0.60, 0.75, 0.61, 0.76)
    assert cli.main(["status", launched[0].name]) == 0
    assert "The gain of trial 1 is real" in capsys.readouterr().out
    assert cli.main(["learning-curve", "fruit", "--seeds", "1", "--detach"]) == 0
    finish(workspace, launched[1].name, 0.3, 0.5, 0.65)
    assert cli.main(["status", launched[1].name]) == 0
    assert "would rise by about" in capsys.readouterr().out
    assert cli.main(["repeat", launched[0].name]) == 2
    assert "only repeats trials of fruit; give fruit" in capsys.readouterr().err
