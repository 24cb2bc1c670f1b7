"""``autodet check``: what an import would find, by exit status, without storing anything."""

import json

from autodet.cli import main
from tests.helpers import APPLE, draw_photo, write_labelled, write_voc


def check(capsys, folder, *options):
    status = main(["check", str(folder), "--json", *options])
    out = capsys.readouterr().out
    return status, json.loads(out) if out else None


def test_a_clean_source(tmp_path, workspace, capsys):
    status, document = check(capsys, write_voc(tmp_path / "set", 12))
    assert status == 0 and document["state"] == "clean" and document["undecided"] == []
    assert (document["format"], document["boxes"]) == ("voc", 24) and sum(document["splits"].values()) == 12
    assert "drawn at random" in document["splits_from"]
    assert list(workspace.datasets.iterdir()) == []


def test_findings_are_told_as_plans(tmp_path, workspace, capsys):
    folder = write_voc(tmp_path / "set", 12)
    write_labelled(folder, "flat", [APPLE, ("apple", (5, 5, 5, 30))], seed=50)
    status, document = check(capsys, folder)
    assert (status, document["state"]) == (3, "findings")
    (problem,) = [problem for problem in document["problems"] if problem["kind"] == "box_no_area"]
    assert problem["action"] == "The box would be dropped."
    assert list(workspace.datasets.iterdir()) == []


def test_what_needs_a_decision_is_named_and_can_be_decided(tmp_path, workspace, capsys):
    folder = write_voc(tmp_path / "set", 6, [APPLE, ("apple", (20, 20, 90, 40))])
    status, document = check(capsys, folder)
    assert (status, document["undecided"]) == (3, ["large_loss"])
    status, document = check(capsys, folder, "--decide", "large_loss=keep")
    assert (status, document["undecided"]) == (3, [])


def test_an_empty_folder_is_an_unusable_source(tmp_path, workspace, capsys):
    (tmp_path / "set").mkdir()
    assert check(capsys, tmp_path / "set") == (2, None)


def test_photos_in_folders_by_class_can_be_imported_to_be_labelled(tmp_path, workspace, capsys):
    for name in ("cat", "dog"):
        (tmp_path / "set" / name).mkdir(parents=True)
        draw_photo().save(tmp_path / "set" / name / "a.jpg")
    status, document = check(capsys, tmp_path / "set")
    assert (status, document["boxes"]) == (3, 0)
