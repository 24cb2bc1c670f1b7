from dataclasses import replace

import pytest

from autodet.cli import main
from autodet.datasets.imports.import_dataset import import_dataset
from autodet.messages.diagnoses import diagnoses_text
from autodet.records import EpochResult, SearchStatus, TrialStatus
from autodet.search.api import find_search
from autodet.search.status.diagnosis import EPOCHS, Material, diagnose, material_of
from autodet.search.status.epoch_lines import EpochLines
from autodet.search.status.status_file import write_snapshot
from autodet.terminal import say
from tests.helpers import APPLE, BANANA, write_labelled

PARAMS = {"lr": 1e-3, "image_size": 320, "batch_size": 4}
PLENTY = Material(train_photos=400, box_side=0.2, val_box_side=0.2)


def trial(number=0, scores=(0.0,) * EPOCHS, state="running", losses=(2.0, 1.0), **params):
    epochs = [EpochResult(epoch, losses[epoch > 1], score, 0.0, 3.0) for epoch, score in enumerate(scores, start=1)]
    return TrialStatus(number, state, PARAMS | params, tuple(epochs))


def said_of(*trials, material: Material | None = PLENTY):
    return diagnoses_text(diagnose(SearchStatus("fruit", "fruit", "running", trials), material))


@pytest.mark.parametrize(
    ("one", "stuck"),
    [
        (trial(), True),
        (trial(scores=[0.001] * EPOCHS), True),
        (trial(scores=[0.0] * (EPOCHS - 1)), False),  # it may still
        (trial(scores=[0.0], state="finished"), True),
        (trial(scores=[0.0], state="pruned"), False),
        (trial(scores=[], state="finished"), False),
        (trial(scores=[0.0] * EPOCHS + [0.01]), False),
        (trial(scores=[0.0, 0.2, 0.0, 0.0, 0.0, 0.0]), False),
    ],
)
def test_a_trial_is_stuck_if_it_has_found_nothing_for_long_enough(one, stuck):
    assert bool(said_of(one)) is stuck


@pytest.mark.parametrize(
    ("one", "material", "cause"),
    [
        (trial(lr=0.1), PLENTY, "(1) its learning rate of 0.1 is very high"),
        (trial(lr=1e-6), PLENTY, "(1) its learning rate of 1e-06 is very low"),
        (trial(lr=6e-3, losses=(2.0, 500.0)), PLENTY, "(1) its loss has grown from 2 to 500"),
        (trial(), replace(PLENTY, box_side=0.01), "(1) half of the boxes are at most 3.2 pixels"),
        (
            trial(),
            replace(PLENTY, untaught_share=0.75, untaught=("Apple", "pear")),
            "(1) 75% of the validation boxes are of classes that no training photo shows ('Apple', 'pear')",
        ),
        (trial(), replace(PLENTY, val_box_side=0.8), "validation photos are about 4 times larger"),
        (trial(), replace(PLENTY, train_photos=4), "(1) it learns from only 4 photos"),
        (trial(), replace(PLENTY, train_photos=24), "(1) it was trained for only 30 steps"),
        (trial(), PLENTY, "(1) the boxes or class names may be wrong"),
        (trial(losses=(0.0, 5.0)), PLENTY, "(1) the boxes or class names may be wrong"),
        (trial(), None, "(1) the boxes or class names may be wrong"),
        (
            trial(lr=0.1, losses=(2.0, 9.0)),
            replace(PLENTY, box_side=0.01, val_box_side=0.01, train_photos=4),
            "(3) it learns from only",
        ),
    ],
)
def test_the_likeliest_cause_comes_first(one, material, cause):
    assert cause in said_of(one, material=material)


def test_where_other_trials_find_objects_the_data_are_not_to_blame():
    good = trial(1, scores=(0.3, 0.5))
    few = replace(PLENTY, train_photos=4)
    assert said_of(good, material=few) == ""
    assert said_of(trial(lr=0.1), good, material=few).endswith(
        "The likely cause: its learning rate of 0.1 is very high (0.0003 to 0.0015 is usual)."
    )
    assert "its parameters do not suit" in said_of(trial(), good)
    assert "The likely cause: it was trained for only" in said_of(trial(), good, material=few)


def test_several_are_told_as_one():
    assert said_of(trial(2), trial(5)).startswith(
        "Trial 2 has found nothing in 5 epochs: its mAP@0.5 stays at 0, as does that of 1 other trial. Likely causes"
    )


@pytest.fixture
def odd(workspace, tmp_path):
    """A data set with small boxes, half of which are judged by a class that was never shown."""
    for number in range(2):
        write_labelled(tmp_path / "source" / "train", f"a{number}", [APPLE], (640, 480), number)
        write_labelled(tmp_path / "source" / "val", f"b{number}", [APPLE, BANANA], (640, 480), 9 + number)
    return import_dataset(tmp_path / "source", "odd", workspace=workspace, decisions={"splits_disagree": "keep"})


def test_what_a_data_set_says(odd):
    assert material_of(odd) == Material(
        train_photos=2,
        box_side=pytest.approx(26 / 640, rel=1e-4),
        val_box_side=pytest.approx(30 / 640, rel=1e-4),  # between the apples' 26 and the bananas' 34
        untaught_share=0.5,
        untaught=("banana",),
    )


def test_the_command_line_and_programs_are_told(odd, workspace, capsys):
    (folder := workspace.searches / "fruit").mkdir()
    write_snapshot(folder, SearchStatus("fruit", odd.id, "finished", (trial(state="finished", image_size=64),)))
    search = find_search("fruit")
    diagnosis = search.status().diagnosis
    assert "Trial 0 has found nothing in 5 epochs" in diagnosis
    assert "(1) half of the boxes are at most 2.6 pixels" in diagnosis
    assert "(2) 50% of the validation boxes" in diagnosis
    assert search.status().to_json()["diagnosis"] == diagnosis
    assert main(["status", "fruit"]) == 0
    assert diagnosis in capsys.readouterr().out
    search.wait(on_change=(lines := EpochLines(say)))
    lines(search.status())
    assert capsys.readouterr().err.count(diagnosis) == 1


def test_without_its_data_set_the_rest_is_told(workspace):
    (folder := workspace.searches / "fruit").mkdir()
    write_snapshot(folder, SearchStatus("fruit", "gone", "finished", (trial(state="finished", lr=0.5),)))
    assert "(1) its learning rate of 0.5 is very high" in find_search("fruit").status().diagnosis
