"""What commit 6742e27 wrote is still read, where findings and reasons were stored as sentences."""

import hashlib
import json
import shutil
import zipfile
from pathlib import Path

import pytest

from autodet.cli import main
from autodet.datasets.manifest import load_dataset
from autodet.datasets.versions.derive import derive_dataset
from autodet.datasets.versions.merge import merge_datasets
from autodet.messages.plans import plan_text
from autodet.models.store import find_model, list_models
from autodet.records import Notice, notices_to_json
from autodet.search.api import find_search, list_searches
from autodet.search.order.space import architectures, default_values, hyperparameters_of
from autodet.search.order.spec import SearchSpec
from autodet.search.status.status_file import read_status, write_snapshot
from autodet.workspace import read_json

DATA = Path(__file__).parent / "data_6742e27"
FAILURE = "The photos are too beautiful; choose others."
UNMEASURED = "banana is not measured: it is marked on no validation photo."
PROBLEMS = (
    *("labels_damaged", "photo_missing", "unreadable_photo", "photo_copies", "photo_unlabelled", "class_missing"),
    *("size_mismatch", "wrong_ending", "box_no_area", "box_duplicate", "box_outside", "class_spelling", "large_loss"),
)


@pytest.fixture
def old(workspace):
    """The workspace that the commit wrote."""
    with zipfile.ZipFile(DATA / "workspace.zip") as archive:
        archive.extractall(workspace.home)
    return workspace


def status(old, search):
    return find_search(search, old).status()


def test_every_search_is_listed_with_its_state_and_its_sentences(old):
    listed = {one.search: (one.state, one.message) for one in list_searches(old)}
    assert listed == {
        "capped": (
            "finished",
            "The model was trained once more on training and validation photos; its figures are the best trial's, "
            "whose own model is capped-before-refit.",
        ),
        "failed": ("failed", FAILURE),
        "finds-nothing": ("finished", ""),
        "killed": ("interrupted", ""),
        "stopped": ("stopped", "It was stopped. The best model so far is kept."),
    }
    assert {one.caution for one in list_searches(old)} == {UNMEASURED}


def test_trials_keep_their_epochs_and_the_reason_for_their_failure(old):
    trials = status(old, "finds-nothing").trials
    assert [(trial.state, len(trial.epochs), trial.error) for trial in trials] == [
        ("finished", 2, None),
        ("failed", 0, FAILURE),
        ("finished", 2, None),
    ]
    assert status(old, "stopped").best_trial.best_epoch.score == 0.499  # by recall@0.9


def test_it_is_diagnosed_by_this_version(old):
    diagnosis = status(old, "finds-nothing").diagnosis
    assert diagnosis.startswith(
        "Trial 0 has found nothing in 2 epochs: its mAP@0.5 stays at 0, as does that of 1 other"
    )
    assert "(1) its learning rate of 0.5 is very high" in diagnosis
    assert status(old, "capped").diagnosis == ""


def test_the_reasons_for_a_plan_are_told_as_they_were(old):
    why = find_search("finds-nothing", old).spec().why
    assert plan_text(why) == read_json(old.searches / "finds-nothing" / "spec.json")["why"]
    assert plan_text(why).startswith("3 trials of 2 epochs, as asked: the CPU needs about")
    assert plan_text(find_search("failed", old).spec().why).startswith("Photos have 320 px")


def test_the_command_line_shows_all_of_it(old, capsys):
    assert main(["status"]) == 0
    assert {"capped", "finds-nothing", "killed"} <= set(capsys.readouterr().out.split())
    assert main(["status", "finds-nothing"]) == 0
    shown = capsys.readouterr().out
    assert all(text in shown for text in (FAILURE, UNMEASURED, "Trial 0 has found nothing"))
    assert main(["status", "stopped", "--json"]) == 0
    document = json.loads(capsys.readouterr().out)
    assert (document["message"], document["objective"]) == (
        "It was stopped. The best model so far is kept.",
        "recall@0.9",
    )


def test_it_is_written_again_in_this_versions_form(old):
    folder = old.searches / "stopped"
    before = read_status(folder)
    write_snapshot(folder, before)
    assert read_json(folder / "status.json")["notices"] == notices_to_json(before.notices)
    assert read_status(folder) == before
    spec = SearchSpec.read(folder)
    spec.write(folder)
    assert SearchSpec.read(folder) == spec


@pytest.mark.parametrize("search", ["capped", "failed", "finds-nothing", "stopped"])
def test_the_study_says_what_the_status_file_says(old, search):
    from autodet.search.study.study import SearchStudy

    study = SearchStudy(old, search, find_search(search, old).spec())
    told = [(trial.number, trial.state, trial.epochs, trial.reason) for trial in study.statuses()]
    stored = read_status(old.searches / search).trials
    assert told == [(trial.number, trial.state, trial.epochs, trial.reason) for trial in stored]
    if search == "failed":
        assert told[0][3] == Notice.of("sentence", text=FAILURE)


@pytest.mark.parametrize("search", ["capped", "failed", "finds-nothing", "killed", "stopped"])
def test_a_search_that_names_no_network_keeps_the_default_of_its_time(old, search):
    from autodet.search.study.study import SearchStudy

    spec = find_search(search, old).spec()
    assert architectures(spec.space) == ("fasterrcnn_efficientnet_lite0",)
    assert hyperparameters_of(default_values(spec.space)).image_size == 320
    study = SearchStudy(old, search, spec)
    assert study.params(study.ask())["architecture"] == "fasterrcnn_efficientnet_lite0"


def test_its_models_are_listed(old):
    assert {model.id for model in list_models(old)} == {
        *("capped", "capped-before-refit", "finds-nothing", "killed", "stopped")
    }
    assert find_model("capped", old).card.refit
    assert find_model("capped", old).card.reused_classes == {}


def test_its_data_set_is_read(old):
    dataset = load_dataset("fruit", old)
    assert (dataset.classes, dataset.splits) == (("apple", "banana"), {"train": 16, "val": 5, "test": 2})
    assert all(dataset.photo(record).is_file() for record in dataset.images)
    assert {finding.kind for finding in dataset.findings} == set(PROBLEMS)
    stored = json.loads((dataset.folder / "manifest.json").read_text(encoding="utf-8"))["problems"]
    assert stored == dataset.to_json()["problems"], "the sentences stay as they were written"
    assert dataset.parents == dataset.other_parents == ()
    version = derive_dataset(dataset, "version", drop=["banana"], workspace=old)
    merged = merge_datasets([dataset, version], decisions={"datasets_disagree": "fix"}, resplit=(70, 30), workspace=old)
    assert [parent.id for parent in load_dataset(merged.id, old).parents] == ["fruit", "version"]
    assert "recorded" in {finding.cause for finding in version.findings}
    assert load_dataset("version", old).findings == version.findings


@pytest.fixture
def bundle(tmp_path):
    """The trained model, with other weights of the same names, types and shapes."""
    import safetensors.torch
    import torch

    with zipfile.ZipFile(DATA / "bundle.zip") as archive:
        card, shapes = json.loads(archive.read("model.json")), json.loads(archive.read("weights.json"))
    assert {kind for kind, _ in shapes.values()} == {"F32"}
    weights = safetensors.torch.save({name: torch.full(shape, 0.01) for name, (_, shape) in shapes.items()})
    card["weights_sha256"] = hashlib.sha256(weights).hexdigest()
    path = tmp_path / "fruit.autodet"
    with zipfile.ZipFile(path, "w", zipfile.ZIP_STORED) as archive:
        archive.writestr("model.json", json.dumps(card))
        archive.writestr("weights.safetensors", weights)
        archive.comment = b"0" * 64
    content = path.read_bytes()[:-64]
    path.write_bytes(content + hashlib.sha256(content).hexdigest().encode())
    return path


def test_a_trained_bundle_is_loaded(bundle, old):
    from autodet.inference.detector import load_detector

    shutil.copy(bundle, old.models / "capped" / "model.autodet")
    detector = load_detector(find_model("capped", old), device="cpu", workspace=old)
    assert (detector.classes, detector.card.image_size) == (("apple", "banana"), 64)
    photo = next((old.datasets / "fruit" / "images").rglob("*.png"))
    (seen,) = detector.predict_many([photo])
    assert (seen.size_wh, seen.error) == ((64, 48), "")
