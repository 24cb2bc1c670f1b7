import json
from dataclasses import replace

import pytest

import autodet
from autodet.cli import main
from autodet.datasets.drafts.journal import add_draft_class, propose_labels, read_drafts, save_draft
from autodet.datasets.imports.import_dataset import import_dataset
from autodet.records import DraftBox
from tests.helpers import draw_photo

BOX = DraftBox("pear", (1.0, 2.0, 30.0, 40.0))


@pytest.fixture
def pool(workspace, tmp_path):
    """Unlabelled photos: seven labelled, one without objects, two with two proposals each, two untouched."""
    (tmp_path / "pool").mkdir()
    for number in range(12):
        draw_photo((64, 48), number).save(tmp_path / "pool" / f"{number:02}.png")
    dataset = import_dataset(tmp_path / "pool", "pool", workspace=workspace)
    add_draft_class(dataset, "pear")
    files = [record.file for record in dataset.images]
    for number, file in enumerate(files[:8]):
        save_draft(dataset, replace(read_drafts(dataset).of(file), boxes=(BOX,) * (number < 7), reviewed=True))
    propose_labels(dataset, {file: [replace(BOX, score=0.9), replace(BOX, score=0.5)] for file in files[8:10]}, "it")
    return dataset


@pytest.fixture
def run(capsys):
    """Run a command; return its status, its document and its complaint."""

    def ran(*words):
        status = main([*words, "--json"])
        said = capsys.readouterr()
        return status, json.loads(said.out) if said.out else None, said.err

    return ran


def test_labels_are_counted_and_proposals_accepted(pool, run, capsys):
    status, document, _ = run("labels", "pool")
    assert (status, document["photos"]) == (0, {"unlabelled": 2, "proposed": 2, "labelled": 7, "empty": 1})
    assert (document["boxes"], document["proposals"]) == ({"pear": 7}, {"pear": 4})
    assert main(["labels", "pool"]) == 0
    assert "with proposals" in capsys.readouterr().out
    assert run("accept", "pool", "--above", "0.6")[1]["accepted"] == 2
    assert run("accept", "pool", "--photo", pool.images[8].file)[1]["accepted"] == 1
    counts = autodet.count_labels("pool")
    assert (counts.boxes, counts.proposals) == ({"pear": 10}, {"pear": 1})
    assert autodet.accept_proposals("pool") == 1
    status, _, complaint = run("accept", "pool", "--photo", "other.jpg")
    assert status == 2 and "no photo 'other.jpg'" in complaint


def test_labels_become_a_version(pool, run):
    _, planned, _ = run("derive", "pool", "--labels", "--dry-run")
    assert planned["dataset"] is None and planned["counts"]["photos"]["all"] == [12, 8]
    _, made, _ = run("derive", "pool", "--labels", "--name", "pears")
    assert (made["dataset"], made["classes"], made["boxes"]) == ("pears", ["pear"], 7)
    assert "Took over" in made["changes"][0] or "Take over" in made["changes"][0]
    _, more, _ = run("derive", "pool", "--labels", "--unlabelled", "keep", "--undecided", "keep")
    assert sum(more["splits"].values()) == 12
    assert autodet.derive_labels("pool").id == "pears"


@pytest.mark.parametrize(
    "words", [["--labels", "--drop", "pear"], ["--labels", "--split", "70,30"], ["--unlabelled", "keep"]], ids=" ".join
)
def test_options_that_do_not_go_together_are_refused(pool, run, words):
    status, document, complaint = run("derive", "pool", *words)
    assert (status, document) == (2, None) and "--labels" in complaint


def test_the_last_acceptance_is_taken_back(pool, run):
    _, before, _ = run("labels", "pool")
    _, accepted, _ = run("accept", "pool")
    status, taken, _ = run("take-back", "pool")
    assert status == 0 and taken == {"taken_back": accepted["accepted"]} | before
    assert run("take-back", "pool")[1]["taken_back"] == 0


def test_labels_are_exported_as_they_stand_now(pool, run, tmp_path):
    target = tmp_path / "now.zip"
    status, document, _ = run("export", "pool", "--format", "coco", "--drafts", "--out", str(target))
    assert (status, document["dataset"]) == (0, "pool") and target.is_file()
    status, _, complaint = run("export", "pool", "--drafts", "--out", str(target))
    assert status == 2 and "--drafts is for data sets" in complaint


def test_the_next_photos_are_listed_with_reasons(pool, run, capsys):
    waiting = {record.file for record in pool.images[8:]}
    _, document, _ = run("next-photos", "pool", "--model", "demo")
    assert {photo["file"] for photo in document["photos"]} == waiting
    assert all(photo["reason"]["kind"] == "unlike" for photo in document["photos"])
    _, document, _ = run("next-photos", "pool", "--order", "proposals", "--count", "3")
    assert [photo["reason"] and photo["reason"]["value"] for photo in document["photos"]] == [0.5, 0.5, None]
    assert main(["next-photos", "pool", "--count", "1"]) == 0
    assert "Looks unlike any photo that is labelled" in capsys.readouterr().out
    assert run("next-photos", "pool", "--model", "nothing")[0] == 2
    assert run("next-photos", "pool", "--count", "0")[0] == 2
