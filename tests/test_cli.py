"""The command line, on real processes: the whole path, and what a mistake gets."""

import json
import os
import signal
import subprocess
import sys
import time
from functools import partial
from pathlib import Path
from types import SimpleNamespace

import pytest
from PIL import Image

from autodet import cli, dataset_commands
from autodet.datasets.imports.import_dataset import import_dataset
from autodet.models.bundle import read_card
from autodet.models.store import add_model, find_model, put_model
from autodet.search.api import find_search
from autodet.search.status.status_file import LAUNCHED
from autodet.workspace import Workspace
from tests.helpers import (
    APPLE,
    BANANA,
    draw_photo,
    untrained_bundle,
    voc_xml,
    write_labelled,
    write_voc,
    write_zip,
    zip_folder,
)

ROOT = Path(__file__).parents[1]
COMMAND = [sys.executable, "-m", "autodet"]

SEARCH_KEYS = ["search", "dataset", "state", "trials", "best", "model", "seconds", "start_from", "caution", "diagnosis"]
SEARCH_KEYS += ["name", "message", "objective", "planned_trials", "planned_epochs", "time_limit", "progress"]
SEARCH_KEYS += ["seconds_left", "created", "follow_up", "follows", "owner", "average"]
TRIAL_KEYS = ["number", "state", "params", "epochs", "error", "attempts", "effective"]
TRIAL_KEYS += ["planned_epochs", "epoch_share", "epoch_seconds"]
EPOCH_KEYS = ["epoch", "loss", "map50", "map50_95", "seconds"]
REPORT_KEYS = [
    "map50",
    "map50_95",
    "map50_voc07",
    "per_class",
    "images",
    "crowded_images",
    "crowded_objects",
    "thresholds",
]
REPORT_KEYS += ["coco", "interval", "confusion", "error_kinds", "label_issues", "conditions"]
REPORT_KEYS += ["caution", "model", "dataset", "split", "learning_curve", "tiles"]
CLASS_KEYS = ["ap50", "ap50_95", "images", "boxes", "precision", "recall", "f1", "threshold", "interval"]


def environment(home, **extra):
    return os.environ | {"AUTODET_HOME": str(home), "AUTODET_DEVICES": "cpu", "PYTHONPATH": str(ROOT)} | extra


def run(home, *arguments, cwd=ROOT, **extra):
    """Run one command to its end."""
    command = [*COMMAND, *map(str, arguments)]
    return subprocess.run(
        command, cwd=cwd, env=environment(home, **extra), capture_output=True, text=True, timeout=300, check=False
    )


@pytest.fixture
def run_here(monkeypatch, capfd):
    """Run one command in this process, without the seconds that a new one takes to load its libraries."""

    def run_here(home, *arguments):
        monkeypatch.setenv("AUTODET_HOME", str(home))
        monkeypatch.setenv("AUTODET_DEVICES", "cpu")
        status = cli.main([*map(str, arguments)])
        output, errors = capfd.readouterr()
        return SimpleNamespace(returncode=status, stdout=output, stderr=errors)

    return run_here


def document_of(home, *arguments, run=run):
    """What a command prints with ``--json``, which must be one document and nothing else."""
    ran = run(home, *arguments, "--json")
    assert ran.returncode == 0, ran.stderr
    return json.loads(ran.stdout)


@pytest.fixture
def document_here(run_here):
    """What a command prints with ``--json``, run in this process."""
    return partial(document_of, run=run_here)


def assert_is_one_sentence(ran, words):
    assert ran.returncode == 2, ran.stdout + ran.stderr
    assert ran.stderr.count("\n") == 1, ran.stderr
    assert words in ran.stderr
    assert ran.stderr.rstrip().endswith(".")
    assert "Traceback" not in ran.stderr
    assert "Error" not in ran.stderr


@pytest.fixture(scope="module")
def empty_home(tmp_path_factory):
    return tmp_path_factory.mktemp("empty") / "home"


@pytest.fixture(scope="module")
def sample_zip(sample_folder, tmp_path_factory):
    return zip_folder(sample_folder, tmp_path_factory.mktemp("zipped") / "my fruit.zip")


# The whole path


def wait_for_graph(bundle):
    """A search adds the graph after its end; until then torch predicts, whose boxes differ in the last digits."""
    deadline = time.monotonic() + 120
    while not read_card(bundle).graph_sha256:
        assert time.monotonic() < deadline, "the search added no graph"
        time.sleep(0.1)


@pytest.fixture(scope="module")
def trained(sample_zip, tmp_path_factory):
    """A workspace in which the command line has imported and searched, and what it said."""
    home = tmp_path_factory.mktemp("trained") / "home"
    imported = document_of(home, "import", sample_zip, "--name", "Fruit")
    searched = run(home, "search", "Fruit", "--trials", 1, "--epochs", 2, "--lr-max", "2e-3", "--json")
    assert searched.returncode == 0, searched.stderr
    told = json.loads(searched.stdout)
    wait_for_graph(find_model(told["model"], Workspace(home)).path)
    return home, imported, told, searched.stderr


@pytest.mark.trains
class TestTheWholePath:
    def test_import_tells_what_there_is(self, trained, sample_dataset):
        _, imported, _, _ = trained
        assert imported == {
            "dataset": "fruit",
            "format": "voc",
            "classes": list(sample_dataset.classes),
            "splits": sample_dataset.splits,
            "splits_from": "The splits are those of the source's folders.",
            "boxes": sample_dataset.boxes,
            "created": imported["created"],
            "owner": imported["owner"],
            "problems": [],
        }

    def test_search_waits_and_tells_every_epoch(self, trained):
        _, _, searched, progress = trained
        assert list(searched) == SEARCH_KEYS
        assert (searched["search"], searched["dataset"], searched["state"]) == ("fruit", "fruit", "finished")
        (trial,) = searched["trials"]
        assert list(trial) == TRIAL_KEYS
        assert (trial["number"], trial["state"], trial["error"]) == (0, "finished", None)
        assert [epoch["epoch"] for epoch in trial["epochs"]] == [1, 2]
        assert all([key for key in epoch if key != "kept"] == EPOCH_KEYS for epoch in trial["epochs"])
        best = [epoch for epoch in trial["epochs"] if epoch.get("kept")][-1]
        objective = {"objective": "map50", "value": best["map50"]}
        assert searched["best"] == {"trial": 0, "epoch": best["epoch"], "map50": best["map50"], **objective}
        assert (searched["name"], searched["planned_trials"], searched["progress"]) == ("Fruit", 1, 1.0)
        assert searched["model"] == "fruit"
        assert searched["seconds"] > 0
        assert "Trial 0, epoch 2 of 2: loss" in progress

    def test_status_tells_the_same_of_one_and_of_all(self, trained):
        home, _, searched, _ = trained
        assert document_of(home, "status", "fruit") == searched
        assert document_of(home, "status") == [searched]

    def test_evaluate_takes_the_test_split_if_none_is_said(self, trained, sample_dataset):
        home, imported, _, _ = trained
        report = document_of(home, "evaluate", "fruit", "fruit")
        assert list(report) == REPORT_KEYS
        assert report["images"] == imported["splits"]["test"]
        assert list(report["per_class"]) == imported["classes"]
        for one in report["per_class"].values():
            assert list(one) == CLASS_KEYS
        assert report["confusion"]["labels"] == [*imported["classes"], "background"]
        assert report["coco"]["AP50"] == report["map50"]
        thresholds = {name: one["threshold"] for name, one in report["per_class"].items()}
        assert report["thresholds"] == document_of(home, "models")[0]["thresholds"] == thresholds
        assert sum(one["boxes"] for one in report["per_class"].values()) == sum(
            len(record.annotations) for record in sample_dataset.split("test")
        )

    def test_compare_says_what_is_noise(self, trained, sample_dataset):
        home, imported, _, _ = trained
        document = document_of(home, "compare", "fruit", "Fruit", "fruit")
        assert document["models"] == {"a": "fruit", "b": "fruit"}
        assert (document["map50"]["difference"], document["map50"]["significant"]) == (0, False)
        assert len(document["images"]) == imported["splits"]["test"]
        told = run(home, "compare", "fruit", "fruit", "fruit", "--split", "val").stdout
        assert "Both models have the same mAP50 on these 4 photos." in told
        assert "within noise" in told

    def test_datasets_and_models(self, trained):
        home, imported, searched, _ = trained
        told = {key: imported[key] for key in ("dataset", "format", "classes", "splits", "boxes", "created", "owner")}
        assert told["owner"] == searched["owner"]
        assert document_of(home, "datasets") == [told | {"name": "Fruit"}]
        model = {"model": "fruit", "name": "Fruit", "dataset": "Fruit", "map50": searched["best"]["map50"]}
        (told,) = document_of(home, "models")
        assert list(told.pop("thresholds")) == imported["classes"]
        assert told.pop("runtime") == "onnx"
        assert told.pop("added") >= searched["created"][:19]
        assert told == model | {"owner": searched["owner"]}

    def test_a_model_exported_here_predicts_the_same_elsewhere(self, trained, sample_folder, tmp_path):
        home, _, _, _ = trained
        written = document_of(home, "export", "fruit", "--format", "autodet", "--out", tmp_path / "fruit.autodet")
        assert written == {"model": "fruit", "format": "autodet", "file": str(tmp_path / "fruit.autodet")}
        photos = sample_folder / "test"
        here = document_of(home, "predict", "fruit", photos, "--threshold", 0.01)
        elsewhere = document_of(
            tmp_path / "elsewhere", "predict", tmp_path / "fruit.autodet", photos, "--threshold", 0.01
        )
        assert here == elsewhere
        assert sum(len(one["detections"]) for one in here) > 0

    def test_onnx_is_what_export_writes_if_nothing_is_said(self, trained, tmp_path):
        import onnx

        home, _, _, _ = trained
        assert document_of(home, "export", "fruit", "--out", tmp_path / "fruit.onnx")["format"] == "onnx"
        onnx.checker.check_model(tmp_path / "fruit.onnx")

    def test_a_data_set_exported_here_is_the_same_elsewhere(self, trained, tmp_path):
        home, imported, _, _ = trained
        for format in ("coco", "yolo", "voc"):
            archive = tmp_path / f"{format}.zip"
            written = document_of(home, "export", "fruit", "--format", format, "--out", archive)
            assert written == {"dataset": "fruit", "format": format, "file": str(archive)}
            again = document_of(tmp_path / "elsewhere", "import", archive)
            same = {key: imported[key] for key in ("classes", "splits", "boxes")}
            assert {key: again[key] for key in same} == same and again["format"] == format

    def test_people_get_text(self, trained):
        home, _, _, _ = trained
        for command in (["status"], ["status", "fruit"], ["datasets"], ["models"]):
            ran = run(home, *command)
            assert (ran.returncode, ran.stderr) == (0, "")
            assert "fruit" in ran.stdout
            assert not ran.stdout.startswith(("{", "["))


# Searches in the background


@pytest.fixture
def searchable(sample_zip, tmp_path):
    """A workspace with a data set; whatever is still searching there at the end is stopped."""
    home = tmp_path / "home"
    assert run(home, "import", sample_zip, "--name", "fruit").returncode == 0
    yield home
    for folder in Workspace(home).searches.iterdir():
        if find_search(folder.name, Workspace(home)).status().active:
            run(home, "stop", folder.name)
            find_search(folder.name, Workspace(home)).wait(best_so_far=True)


@pytest.mark.trains
def test_a_search_in_the_background_is_stopped_and_resumed(searchable):
    home = searchable
    started = document_of(home, "search", "fruit", "--trials", 2, "--epochs", 500, "--name", "Long one", "--detach")
    assert list(started) == SEARCH_KEYS
    assert (started["search"], started["best"], started["model"]) == ("long-one", None, None)
    assert started["state"] in ("queued", "running")
    assert document_of(home, "stop", "long-one")["state"] in ("queued", "running", "stopping", "stopped")
    assert find_search("long-one", Workspace(home)).wait(best_so_far=True).state == "stopped"
    assert document_of(home, "resume", "long-one")["state"] in ("queued", "running")
    assert document_of(home, "status", "long-one")["state"] in ("queued", "running")


def test_a_preset_s_reasons_are_told_beside_the_answer(workspace, tmp_path, monkeypatch, capsys):
    monkeypatch.setattr("autodet.search.start.launch", lambda folder: None)
    import_dataset(write_voc(tmp_path / "fruit"), "fruit", workspace=workspace)
    words = ["search", "fruit", "--detach", "--json"]
    assert cli.main([*words, "--preset", "best", "--trials", "5"]) == 0
    said = capsys.readouterr()
    assert "5 trials of 100 epochs, as requested" in said.err
    assert json.loads(said.out)["search"] == "fruit"
    assert cli.main(words) == 0
    assert "as requested" not in capsys.readouterr().err


@pytest.mark.slow
def test_a_model_is_renamed_unless_its_search_is_at_work(workspace, tmp_path, monkeypatch, capsys):
    add_model(untrained_bundle(tmp_path / "x.autodet"), "fruit", workspace)
    assert cli.main(["rename", "fruit", "Customs camera", "--json"]) == 0
    assert json.loads(capsys.readouterr().out).items() >= {"model": "fruit", "name": "Customs camera"}.items()
    assert cli.main(["rename", "Customs camera", " "]) == cli.MISTAKE
    assert "needs a name" in capsys.readouterr().err
    monkeypatch.setattr("autodet.search.start.launch", lambda folder: (folder / LAUNCHED).touch())
    import_dataset(write_voc(tmp_path / "d"), "d", workspace=workspace)
    assert cli.main(["search", "d", "--detach"]) == 0
    put_model(tmp_path / "x.autodet", "d", workspace)
    assert cli.main(["rename", "d", "Customs"]) == cli.MISTAKE
    assert "still running" in capsys.readouterr().err


@pytest.fixture
def stock(workspace, tmp_path, monkeypatch):
    """A workspace with a data set, a search and a model of one id, beside a model and a data set of their own."""
    monkeypatch.setattr("autodet.search.start.launch", lambda folder: None)
    for name in ("fruit", "berries"):
        import_dataset(write_voc(tmp_path / name), name, workspace=workspace)
    assert cli.main(["search", "fruit", "--detach"]) == 0
    untrained_bundle(tmp_path / "x.autodet")
    put_model(tmp_path / "x.autodet", "fruit", workspace)
    add_model(tmp_path / "x.autodet", "Customs", workspace)
    return workspace


def ids(folder):
    return {path.name for path in folder.iterdir()}


@pytest.mark.slow
def test_delete_without_a_kind_is_about_searches_alone(stock, capsys):
    capsys.readouterr()
    assert cli.main(["delete", "fruit", "--json"]) == 0
    told = json.loads(capsys.readouterr().out)
    assert told.items() >= {"kind": "search", "id": "fruit", "search": "fruit"}.items() and told["freed_bytes"] > 0
    for name, words in (
        ("fruit", "There is a model and a data set of that name: add --kind model or --kind dataset."),
        ("Customs", "There is a model of that name: add --kind model."),
        ("berries", "There is a data set of that name: add --kind dataset."),
        ("pears", "There is no search 'pears'; there are none yet"),
    ):
        assert cli.main(["delete", name]) == cli.MISTAKE
        said = capsys.readouterr()
        assert words in said.err and said.err.count("\n") == 1 and said.out == ""
    assert (ids(stock.datasets), ids(stock.models)) == ({"fruit", "berries"}, {"fruit", "customs"})


def test_delete_deletes_models_and_data_sets_and_says_what_that_affects(stock, capsys):
    capsys.readouterr()
    assert cli.main(["delete", "Customs", "--kind", "model", "--json"]) == 0
    told = json.loads(capsys.readouterr().out)
    assert told.items() >= {"kind": "model", "id": "customs"}.items() and told["freed_bytes"] > 0
    assert cli.main(["derive", "fruit", "--drop", "apple", "--name", "bananas"]) == 0
    capsys.readouterr()
    assert cli.main(["delete", "fruit", "--kind", "dataset"]) == 0
    said = capsys.readouterr().out
    assert "The data set fruit was deleted. It is in the trash for a day" in said
    assert "Without it, these searches cannot be resumed: fruit." in said
    assert "These versions of it are kept, with their photos: bananas." in said
    assert (ids(stock.datasets), ids(stock.models)) == ({"bananas", "berries"}, {"fruit"})
    assert cli.main(["delete", "fruit", "--kind", "dataset"]) == cli.MISTAKE
    assert "no data set called 'fruit'" in capsys.readouterr().err


@pytest.mark.slow
def test_a_name_of_several_models_says_which_is_used_beside_the_answer(stock, tmp_path, capsys):
    add_model(tmp_path / "x.autodet", "Customs", stock)
    capsys.readouterr()
    assert cli.main(["delete", "Customs", "--kind", "model"]) == cli.MISTAKE
    assert "is called 'Customs' (customs-2, customs); give the id of one." in capsys.readouterr().err
    assert cli.main(["rename", "customs", "fruit"]) == cli.MISTAKE
    assert "'fruit' is the id of another model or search; choose another name." in capsys.readouterr().err
    assert cli.main(["rename", "Customs", "Harbour", "--json"]) == 0
    said = capsys.readouterr()
    assert json.loads(said.out)["model"] == "customs-2"
    assert said.err == (
        "More than one model is called 'Customs' (customs-2, customs); the newest, customs-2, is used. Give an id to "
        "choose another.\n"
    )


@pytest.mark.trains
def test_ctrl_c_leaves_a_search_running_and_says_how_to_stop_it(searchable):
    home = searchable
    command = [*COMMAND, "search", "fruit", "--epochs", "500"]
    listen = partial(signal.signal, signal.SIGINT, signal.SIG_DFL)  # tests that a shell runs in the background do not
    with subprocess.Popen(
        command,
        cwd=ROOT,
        env=environment(home),
        stderr=subprocess.PIPE,
        text=True,
        preexec_fn=listen,  # noqa: PLW1509 - there is one thread
    ) as process:
        assert "Photos are scaled to 320 px" in process.stderr.readline()
        assert "fruit has started" in process.stderr.readline()
        process.send_signal(signal.SIGINT)
        said = process.stderr.read()
    assert process.returncode == 130
    assert "python -m autodet stop fruit" in said.splitlines()[-1]
    assert "Traceback" not in said
    assert document_of(home, "status", "fruit")["state"] in ("queued", "running")


# Predictions


def test_predict_tells_the_boxes_of_every_photo(trained_bundle, sample_folder, empty_home, tmp_path, document_here):
    photo = sorted((sample_folder / "val").glob("*.webp"))[0]
    blank = tmp_path / "blank.png"
    Image.new("RGB", (40, 30), "white").save(blank)
    seen, unseen = document_here(empty_home, "predict", trained_bundle, photo, blank, "--threshold", 0.3)
    width, height = Image.open(photo).size
    blank_size = {"width": 40, "height": 30, "truncated": False}
    assert unseen == {"file": str(blank), "detections": []} | blank_size
    assert (seen["file"], seen["width"], seen["height"]) == (str(photo), width, height)
    assert seen["detections"]
    for one in seen["detections"]:
        assert list(one) == ["class_id", "class", "score", "box"]
        assert one["class"] == ("apple", "banana", "orange")[one["class_id"]]
        assert 0.3 <= one["score"] <= 1
        x1, y1, x2, y2 = one["box"]
        assert 0 <= x1 < x2 <= width
        assert 0 <= y1 < y2 <= height


def test_a_text_file_among_photos_loses_nothing(trained_bundle, sample_folder, empty_home, tmp_path, run_here):
    photos = sorted((sample_folder / "val").glob("*.webp"))[:2]
    notes = tmp_path / "notes.txt"
    notes.write_text("no photo")
    ran = run_here(empty_home, "predict", trained_bundle, photos[0], notes, photos[1], "--json")
    assert_is_one_sentence(ran, "notes.txt' is not a photo that can be read")
    one, failed, other = json.loads(ran.stdout)
    assert [one["file"], other["file"]] == [str(photo) for photo in photos]
    assert failed == {"file": str(notes), "error": ran.stderr.strip()}


def test_annotated_photos_lie_beside_the_photos_without_replacing_them(trained_bundle, empty_home, tmp_path, run_here):
    for folder in ("a", "b"):
        write_labelled(tmp_path / folder, "photo", seed=1)
    before = (tmp_path / "a" / "photo.png").read_bytes()
    ran = run_here(empty_home, "predict", trained_bundle, tmp_path / "a", tmp_path / "b", "--out", tmp_path / "a")
    assert ran.returncode == 0, ran.stderr
    assert (tmp_path / "a" / "photo.png").read_bytes() == before
    assert Image.open(tmp_path / "a" / "photo-boxes.jpg").size == (64, 48)
    assert Image.open(tmp_path / "a" / "photo-boxes-2.jpg").size == (64, 48)


def test_a_folder_without_photos_is_a_sentence(trained_bundle, empty_home, tmp_path, run_here):
    (tmp_path / "notes.txt").write_text("no photo")
    assert_is_one_sentence(run_here(empty_home, "predict", trained_bundle, tmp_path), "contains no photos")


def test_files_of_a_folder_that_are_passed_over_are_told(trained_bundle, empty_home, tmp_path, run_here):
    write_labelled(tmp_path / "set", "photo")
    for name in ("a.dng", "b.DNG", "below/c.svg", "d.psd", "e.jp2", ".hidden.jpg", "notes", "folder.jpg/notes.txt"):
        (tmp_path / "set" / name).parent.mkdir(exist_ok=True)
        (tmp_path / "set" / name).write_bytes(b"content")
    ran = run_here(empty_home, "predict", trained_bundle, tmp_path / "set", "--json")
    assert ran.returncode == 0
    assert [Path(one["file"]).name for one in json.loads(ran.stdout)] == ["photo.png"]
    formats, hidden, others = ran.stderr.splitlines()
    assert formats.startswith("Skipped 5 photos in formats that cannot be read (2 .dng, ")
    assert all(ending in formats for ending in ("1 .svg", "1 .psd", "1 .jp2"))
    assert hidden == "Skipped 1 hidden file."
    assert "3 files of other kinds" in others and "1 .xml" in others and "1 without an ending" in others


def test_a_folder_of_formats_that_cannot_be_read_names_them(trained_bundle, empty_home, tmp_path, run_here):
    for name in ("a.dng", "b.dng", "c.svg"):
        (tmp_path / name).write_bytes(b"content")
    ran = run_here(empty_home, "predict", trained_bundle, tmp_path)
    assert_is_one_sentence(
        ran, "contains no photos to predict on; give JPEG, PNG, WEBP, BMP, TIFF, GIF, AVIF or HEIC files."
    )
    assert "(2 .dng and 1 .svg)" in ran.stderr


def test_predict_takes_the_photos_of_a_data_set(trained_bundle, sample_folder, tmp_path, run_here, document_here):
    home = tmp_path / "home"
    document_here(home, "import", sample_folder, "--name", "fruit")
    told = document_here(home, "predict", trained_bundle, "--dataset", "fruit", "--split", "test")
    assert told and all("/images/test/" in one["file"] and "detections" in one for one in told)
    assert_is_one_sentence(run_here(home, "predict", trained_bundle), "nothing to predict on")


@pytest.mark.parametrize("below", [".", "drawn"])
def test_drawings_are_not_predicted_on_and_replace_no_photo(
    trained_bundle, empty_home, tmp_path, below, run_here, document_here
):
    write_labelled(tmp_path / "set", "photo", seed=1)
    out = tmp_path / "set" / below
    own = tmp_path / "set" / "photo-boxes.jpg"  # the user's
    draw_photo(seed=2).save(own)
    before = own.read_bytes()
    for turn in (1, 2, 3):
        ran = run_here(empty_home, "predict", trained_bundle, tmp_path / "set", "--out", out, "--json")
        assert [Path(one["file"]).name for one in json.loads(ran.stdout)] == ["photo-boxes.jpg", "photo.png"]
        assert ("Skipped 2 drawings of earlier predictions." in ran.stderr) == (turn > 1)
        assert own.read_bytes() == before
        assert len(list(tmp_path.rglob("*.jpg"))) == 3
    drawing = next(path for path in out.rglob("*.jpg") if path.name == "photo-boxes-boxes.jpg")
    (told,) = document_here(empty_home, "predict", trained_bundle, drawing)  # asked for by name
    assert (told["width"], told["height"]) == (64, 48)


def test_an_evaluation_on_a_split_that_is_empty_is_a_sentence(trained_bundle, tmp_path, run_here):
    write_voc(tmp_path / "set" / "train", photos=2)
    assert run_here(tmp_path / "home", "import", tmp_path / "set", "--name", "set").returncode == 0
    ran = run_here(tmp_path / "home", "evaluate", trained_bundle, "set")
    assert_is_one_sentence(ran, "no photos in the split 'test'; it has train (2)")
    assert "derive DATASET --split 70,15,15" in ran.stderr and "derive_dataset(data, resplit=" in ran.stderr


def test_an_evaluation_on_training_photos_is_cautioned(trained_bundle, sample_dataset, workspace, run_here):
    (workspace.datasets / "sample").symlink_to(sample_dataset.folder)
    photos = len(sample_dataset.split("train"))
    ran = run_here(workspace.home, "evaluate", trained_bundle, "sample", "--split", "train", "--json")
    report = json.loads(ran.stdout)
    assert (report["model"], report["dataset"], report["split"]) == (trained_bundle.stem, "sample", "train")
    assert report["caution"].startswith(f"The model was trained on all {photos} of these photos (data leakage)")
    assert (ran.returncode, ran.stderr) == (0, report["caution"] + "\n")
    clean = run_here(workspace.home, "evaluate", trained_bundle, "sample", "--split", "val", "--json")
    assert (json.loads(clean.stdout)["caution"], clean.stderr) == ("", "")


def test_photos_are_evaluated_without_an_import(trained_bundle, empty_home, tmp_path, run_here):
    marks = [("apple", (4, 6, 30, 40)), ("pear", (1, 1, 20, 20))]
    write_voc(tmp_path / "new", 2, marks)
    draw_photo(seed=9).save(tmp_path / "new" / "bare.png")
    ran = run_here(
        empty_home, "evaluate", trained_bundle, tmp_path / "new", "--decide", "photo_unlabelled=keep", "--json"
    )
    report = json.loads(ran.stdout)
    assert (ran.returncode, report["images"], report["classes_unknown"]) == (0, 3, {"pear": 2})
    assert (report["dataset"], report["path"], report["format"]) == (None, str(tmp_path / "new"), "voc")
    assert "photo_unlabelled" in {problem["kind"] for problem in report["problems"]}
    assert "Photos without labels. bare.png: " in ran.stderr
    assert "The model does not know pear (2 boxes), so these labels are left out.\n" in ran.stderr
    assert list((empty_home / "dropped").iterdir()) == []
    assert_is_one_sentence(run_here(empty_home, "evaluate", trained_bundle, tmp_path / "none.zip"), "no file or folder")


def test_a_crowded_photo_and_a_large_one_are_told(crowded_bundle, empty_home, tmp_path, run_here):
    draw_photo().save(tmp_path / "crowded.png")
    draw_photo((4000, 3000)).save(tmp_path / "large.png")
    photos = [tmp_path / "crowded.png", tmp_path / "large.png"]
    ran = run_here(empty_home, "predict", crowded_bundle, *photos, "--threshold", 0, "--json")
    assert [one["truncated"] for one in json.loads(ran.stdout)] == [True, True]
    crowded, large = ran.stderr.splitlines()
    assert crowded.startswith("On 2 of 2 photos the model found 100 objects, its limit; there may be more.")
    assert large.startswith(
        "On 1 of 2 photos objects may be too small for the model: the longer side has 4,000 pixels, 64 in"
    )
    ran = run_here(empty_home, "predict", crowded_bundle, photos[0], "--threshold", 0.9, "--json")
    assert (json.loads(ran.stdout)[0]["truncated"], ran.stderr) == (False, "")


def test_predict_reads_an_archive_and_writes_exports(trained_bundle, sample_folder, empty_home, tmp_path, run_here):
    photos = sorted((sample_folder / "val").glob("*.webp"))[:2]
    archive = write_zip(
        tmp_path / "photos.zip", {f"{one.name}": one.read_bytes() for one in photos} | {"notes.txt": "-"}
    )
    files = {"csv": "boxes.csv", "coco": "boxes.json", "photos": "boxes.zip"}
    exports = [part for kind, name in files.items() for part in ("--export", f"{kind}={tmp_path / name}")]
    ran = run_here(empty_home, "predict", trained_bundle, archive, "--threshold", 0.3, "--tiles", "--json", *exports)
    assert ran.returncode == 0, ran.stderr
    told = json.loads(ran.stdout)
    assert [one["file"] for one in told] == [str(archive / one.name) for one in photos]
    assert {one["tiles"] for one in told} == {0}
    assert "Skipped 1 file of other kinds (1 .txt)." in ran.stderr and f"Wrote {tmp_path / 'boxes.csv'}." in ran.stderr
    labels = json.loads((tmp_path / "boxes.json").read_text("utf-8"))
    assert [one["file_name"] for one in labels["images"]] == [one["file"] for one in told]
    assert len(labels["annotations"]) == sum(len(one["detections"]) for one in told) > 0
    assert len((tmp_path / "boxes.csv").read_text("utf-8").splitlines()) == 1 + len(labels["annotations"])
    assert list((empty_home / "dropped").iterdir()) == []
    again = run_here(empty_home, "predict", trained_bundle, tmp_path / "boxes.zip")  # its own drawings
    assert_is_one_sentence(again, "contains no photos to predict on")
    assert "Skipped 2 drawings of earlier predictions." in again.stderr and str(tmp_path / "boxes.zip") in again.stderr
    for export, words in (
        ("coco", "'coco' is not KIND=FILE"),
        ("coco=no/folder/x.json", "there is no folder no/folder"),
    ):
        assert_is_one_sentence(run_here(empty_home, "predict", trained_bundle, archive, "--export", export), words)


# Versions


@pytest.fixture
def fruit_home(tmp_path):
    """A workspace with 12 photos of three films, each with an apple and a banana."""
    for number in range(12):
        write_labelled(tmp_path / "fruit", f"film{number // 4}_{number}", [APPLE, BANANA], seed=number)
    import_dataset(tmp_path / "fruit", workspace=Workspace(tmp_path / "home"))
    return tmp_path / "home"


def test_derive_tells_what_was_made_of_what(fruit_home, document_here):
    asked = ("derive", "fruit", "--name", "pomes", "--rename", "apple=pome", "--drop", "banana")
    derived = document_here(fruit_home, *asked, "--split", "40,30,30", "--group-by", "number", "--seed", 2)
    keys = [
        "dataset",
        "format",
        "classes",
        "splits",
        "splits_from",
        "boxes",
        "created",
        "owner",
        "problems",
        "parent",
        "changes",
        "counts",
        "groups",
    ]
    assert list(derived) == keys
    assert (derived["dataset"], derived["parent"], derived["classes"]) == ("pomes", "fruit", ["pome"])
    assert (derived["boxes"], derived["groups"]) == (12, 3)
    assert derived["splits"] == {"train": 4, "val": 4, "test": 4}
    assert derived["changes"][0] == "Renamed 'apple' to 'pome' (12 boxes)."
    assert derived["counts"]["classes"]["banana"]["all"] == [12, 0]
    assert derived["counts"]["photos"]["train"] == [8, 4]
    assert [one["dataset"] for one in document_here(fruit_home, "datasets")] == ["pomes", "fruit"]


def test_a_dry_run_says_the_same_and_stores_nothing(fruit_home, run_here, document_here):
    ran = run_here(fruit_home, "derive", "fruit", "--rename", "apple=banana", "--dry-run")
    assert ran.returncode == 0, ran.stderr
    assert "Merged 'apple' and 'banana' into 'banana' (24 boxes)." in ran.stdout
    assert "12 -> 24" in ran.stdout
    assert [one["dataset"] for one in document_here(fruit_home, "datasets")] == ["fruit"]


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        (["pears"], "no data set called 'pears'; there is fruit"),
        (["fruit"], "Nothing would change"),
        (["fruit", "--drop", "pear"], "no class 'pear' to change; there is apple, banana"),
        (["fruit", "--rename", "apple"], "'apple' is not OLD=NEW"),
        (["fruit", "--rename", "apple=a", "--rename", "apple=b"], "renamed twice"),
        (["fruit", "--seed", "3"], "such as --split 70,15,15"),
        (["fruit", "--split", "70,x"], "'x' is not a number"),
        (["fruit", "--split", "70,20"], "add up to 1 or to 100"),
        (["fruit", "--split", "70,30", "--group-by", "(film)"], "all photos are one group, 'film'"),
    ],
)
@pytest.mark.process  # a rule for groups is tried in a process
def test_a_version_that_makes_no_sense_is_a_sentence(arguments, words, fruit_home, monkeypatch, capsys):
    monkeypatch.setenv("AUTODET_HOME", str(fruit_home))
    assert cli.main(["derive", *arguments]) == 2
    said = capsys.readouterr().err
    assert words in said and said.count("\n") == 1
    assert [path.name for path in Workspace(fruit_home).datasets.iterdir()] == ["fruit"]


# Merges


@pytest.fixture
def two_homes(fruit_home, tmp_path, monkeypatch):
    """A workspace with the data sets fruit (apple, banana) and market (Apples, banana), of other photos."""
    for number in range(6):
        marks = [("Apples", APPLE[1]), BANANA]
        write_labelled(tmp_path / "market", f"stall_{number}", marks, seed=500 + number)
    import_dataset(tmp_path / "market", workspace=Workspace(fruit_home))
    monkeypatch.setenv("AUTODET_HOME", str(fruit_home))
    return fruit_home


def test_merge_tells_what_was_made_of_what(two_homes, document_here):
    merged = document_here(two_homes, "merge", "fruit", "market", "--map", "market:Apples=apple", "--name", "all")
    keys = ["dataset", "format", "classes", "splits", "splits_from", "boxes", "created", "owner", "problems"]
    assert list(merged) == [*keys, "parent", "parents", "changes", "counts", "groups", "needs"]
    assert (merged["dataset"], merged["parents"], merged["classes"]) == (
        "all",
        ["fruit", "market"],
        ["apple", "banana"],
    )
    assert merged["counts"]["classes"]["apple"]["all"] == [12, 18] and merged["needs"] == []
    assert merged["changes"][1] == "Renamed 'Apples' of 'market' to 'apple' (6 boxes)."


def test_a_merge_that_needs_a_decision_says_how_to_decide(two_homes, capsys):
    assert cli.main(["merge", "fruit", "market"]) == cli.MISTAKE
    assert "--decide class_similar=fix or --decide class_similar=keep" in capsys.readouterr().err
    assert cli.main(["merge", "fruit", "market", "--dry-run", "--json"]) == 0
    planned = json.loads(capsys.readouterr().out)
    assert planned["dataset"] is None and [need["kind"] for need in planned["needs"]] == ["class_similar"]
    decided = ["--decide", "class_similar=fix", "--split", "50,25,25", "--seed", "3"]
    assert cli.main(["merge", "fruit", "market", *decided]) == 0
    said = capsys.readouterr().out
    assert "merged from  fruit, market" in said and "Drew new splits" in said
    assert ids(Workspace(two_homes).datasets) == {"fruit", "market", "fruit-and-market"}


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        (["fruit"], "two data sets or more"),
        (["fruit", "fruit"], "given twice"),
        (["fruit", "pears"], "no data set called 'pears'"),
        (["fruit", "market", "--map", "plum=apple"], "There is no class 'plum' to map"),
        (["fruit", "market", "--map", "Apples"], "'Apples' is not OLD=NEW"),
        (["fruit", "market", "--map", "Apples=a", "--map", "market:Apples=b"], "mapped twice"),
        (["fruit", "market", "--seed", "1"], "need new splits"),
        (["fruit", "market", "--decide", "box_round=keep"], "not a kind of finding"),
    ],
)
def test_a_merge_that_makes_no_sense_is_a_sentence(arguments, words, two_homes, capsys):
    assert cli.main(["merge", *arguments]) == cli.MISTAKE
    said = capsys.readouterr().err
    assert words in said and said.count("\n") == 1
    assert ids(Workspace(two_homes).datasets) == {"fruit", "market"}


def test_photos_are_added_to_a_data_set(two_homes, tmp_path, capfd, document_here):
    source = str(tmp_path / "market")
    assert cli.main(["import", source, "--map", "Apples=apple"]) == cli.MISTAKE
    assert "--map needs --add-to DATASET" in capfd.readouterr().err
    assert cli.main(["import", source, "--add-to", "fruit"]) == cli.MISTAKE
    assert "'Apples' of 'market' is probably 'apple'" in capfd.readouterr().err
    added = document_here(two_homes, "import", source, "--add-to", "fruit", "--map", "Apples=apple")
    assert (added["dataset"], added["parents"], added["boxes"]) == ("fruit-2", ["fruit"], 36)
    assert added["changes"][0] == "Added 'market' (6 photos, 12 boxes)."


# ErrorCounts


def zip_of_broken_xml(folder):
    return write_zip(folder / "broken.zip", {"a.xml": "<annotation><object>", "a.png": png(folder)})


def png(folder):
    folder.mkdir(parents=True, exist_ok=True)
    draw_photo().save(folder / "drawn.png")
    return (folder / "drawn.png").read_bytes()


def class_only_in_val(folder):
    write_voc(folder / "set" / "train", photos=3, marks=[("apple", (4, 6, 30, 40))])
    write_voc(folder / "set" / "val", photos=2, marks=[("pear", (4, 6, 30, 40))])
    return zip_folder(folder / "set", folder / "set.zip")


def text_called_zip(folder):
    (folder / "photos.zip").write_text("this is no zip")
    return folder / "photos.zip"


def empty_folder(folder):
    (folder / "nothing").mkdir()
    return folder / "nothing"


BAD_SOURCES = {
    "no such file": (lambda folder: folder / "nowhere.zip", "no file or folder"),
    "not a zip": (text_called_zip, "photos.zip"),
    "an empty zip": (lambda folder: write_zip(folder / "empty.zip", {}), "is empty"),
    "an empty folder": (empty_folder, "is empty"),
    "no labels": (
        lambda folder: write_zip(folder / "bare.zip", {"a.png": png(folder), "labels.csv": "?"}),
        "no labels",
    ),
    "labels without photos": (
        lambda folder: write_zip(folder / "x.zip", {"a.xml": voc_xml("a.png")}),
        "holds no photos",
    ),
    "a broken XML": (zip_of_broken_xml, "a.xml"),
    "a photo cut short": (
        lambda folder: write_zip(folder / "cut.zip", {"a.xml": voc_xml("a.png"), "a.png": png(folder)[:300]}),
        "a.png",
    ),
    "a class that train lacks": (class_only_in_val, "pear"),
    "no source": (lambda _folder: "", "No source was given"),
}


@pytest.mark.parametrize(("make", "words"), BAD_SOURCES.values(), ids=BAD_SOURCES)
def test_what_cannot_be_imported_is_a_sentence_and_leaves_nothing(make, words, tmp_path, run_here):
    home = tmp_path / "home"
    assert_is_one_sentence(run_here(home, "import", make(tmp_path), "--name", "bad"), words)
    assert list(Workspace(home).datasets.iterdir()) == []


def test_boxes_that_are_none_are_listed_and_the_rest_is_imported(tmp_path, run_here, document_here):
    write_voc(tmp_path / "set", photos=6)
    write_labelled(tmp_path / "set", "flat", marks=[("apple", (9, 9, 9, 20)), ("apple", (1, 1, 20, 20))], seed=100)
    write_labelled(tmp_path / "set", "outside", marks=[("apple", (70, 60, 90, 80))], seed=101)
    (tmp_path / "set" / "broken.xml").write_text("<annotation>")
    ran = run_here(tmp_path / "home", "import", tmp_path / "set")
    assert ran.returncode == 0, ran.stderr
    imported = document_here(tmp_path / "home", "import", tmp_path / "set")
    found = {Path(problem["file"]).stem: problem for problem in imported["problems"]}
    assert {"flat", "outside", "broken"} <= set(found)
    for problem in found.values():
        assert list(problem) == ["file", "problem", "action", "kind", "photos"]
        assert f"{problem['file']}: {problem['problem']} {problem['action']}" in ran.stdout


def test_a_large_loss_needs_somebody_who_agrees_and_says_how(tmp_path, run_here):
    write_voc(tmp_path / "set", photos=6)
    for name in ("broken", "torn", "worn"):
        (tmp_path / "set" / f"{name}.xml").write_text("<annotation>")
        draw_photo(seed=9).save(tmp_path / "set" / f"{name}.png")
    ran = run_here(tmp_path / "home", "import", tmp_path / "set")
    assert_is_one_sentence(ran, "would lose 3 of 9 labelled photos, more than 5%")
    assert "broken.xml: The XML is broken" in ran.stderr and "--decide large_loss=keep" in ran.stderr
    assert list(Workspace(tmp_path / "home").datasets.iterdir()) == []


@pytest.mark.parametrize("damage", [lambda b: b[: len(b) // 2], lambda b: b[:5000] + bytes([b[5000] ^ 1]) + b[5001:]])
def test_a_damaged_model_is_a_sentence(trained_bundle, sample_folder, empty_home, tmp_path, damage, run_here):
    damaged = tmp_path / "damaged.autodet"
    damaged.write_bytes(damage(trained_bundle.read_bytes()))
    assert_is_one_sentence(run_here(empty_home, "predict", damaged, sample_folder / "val"), "damaged.autodet")


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        ([], "COMMAND"),
        (["fly"], "'fly'"),
        (["datasets", "--jsn"], "--jsn"),
        (["import"], "SOURCE"),
        (["import", "sample", "--format", "pdf"], "'pdf'"),
        (["import", "sample", "--decide", "box_outside"], "'box_outside' is not KIND=ACTION"),
        (["import", "sample", "--decide", "box_round=drop"], "'box_round' is not a kind of finding"),
        (["search", "fruit", "--trials", "three"], "'three' is not a whole number"),
        (["search", "fruit", "--time-limit", "soon"], "'soon' is not a number"),
        (["search", "fruit", "--preset", "fastest"], "'fastest'"),
        (["search", "fruit", "--architecture", "yolo99"], "'yolo99'"),
        (["search", "fruit"], "no data set called 'fruit'"),
        (["status", "fruit"], "no search 'fruit'"),
        (["stop", "fruit"], "no search 'fruit'"),
        (["resume", "../fruit"], "no search '../fruit'"),
        (["delete", "fruit"], "no search 'fruit'"),
        (["delete"], "NAME"),
        (["evaluate", "fruit", "fruit"], "no model 'fruit'"),
        (["evaluate", "fruit", "fruit", "--split", "exam"], "'exam'"),
        (["predict", "fruit", "photo.jpg"], "no model 'fruit'"),
        (["predict", "fruit.autodet", "photo.jpg"], "no file fruit.autodet"),
        (["predict", "fruit"], "PHOTO"),
        (["predict", "x" * 400, "photo.jpg"], "no model 'xxx"),
        (["predict", "fruit", "photo.jpg", "--threshold", "1.5"], "'1.5' is not between 0 and 1"),
        (["predict", "fruit", "photo.jpg", "--threshold", "nan"], "'nan' is not between 0 and 1"),
        (["export", "fruit"], "--out"),
        (["export", "fruit", "--out", "fruit.onnx"], "no model 'fruit'"),
        (["export", "fruit", "--out", "fruit.zip", "--format", "coco"], "no data set called 'fruit'"),
        (["export", "fruit", "--out", "fruit.zip", "--format", "pdf"], "'pdf'"),
    ],
    ids=lambda value: "-".join(value) if isinstance(value, list) else "",
)
def test_a_mistake_in_the_arguments_is_a_sentence(arguments, words, empty_home, run_here):
    ran = run_here(empty_home, *arguments)
    assert_is_one_sentence(ran, words)
    assert ran.stdout == ""


@pytest.fixture(scope="module")
def imported_home(sample_zip, tmp_path_factory):
    home = tmp_path_factory.mktemp("imported") / "home"
    assert run(home, "import", sample_zip, "--name", "fruit").returncode == 0
    return home


@pytest.mark.parametrize(
    ("options", "words"),
    [
        (["--trials", "0"], "trials must be between 1 and 10,000; got 0."),
        (["--epochs", "-3"], "epochs must be between 1 and 1,000; got -3."),
        (["--time-limit", "-1"], "time_limit must be a finite number of seconds above 0"),
        (["--lr-min", "0.1", "--lr-max", "0.01"], "lower one first"),
        (["--lr-max", "1e-5"], "lower one first"),
        (["--device", "tpu"], "'tpu' is not a device"),
    ],
    ids=lambda value: "-".join(value) if isinstance(value, list) else "",
)
def test_a_search_that_makes_no_sense_is_a_sentence_and_leaves_nothing(imported_home, options, words, run_here):
    assert_is_one_sentence(run_here(imported_home, "search", "fruit", *options), words)
    assert list(Workspace(imported_home).searches.iterdir()) == []


def test_a_setting_that_makes_no_sense_is_a_sentence(empty_home, sample_zip):
    ran = run(empty_home, "import", sample_zip, AUTODET_MAX_ARCHIVE_MB="plenty")
    assert_is_one_sentence(ran, "AUTODET_MAX_ARCHIVE_MB is 'plenty'")


def test_a_place_that_cannot_be_written_is_a_sentence(trained_bundle, sample_folder, empty_home, tmp_path, run_here):
    (tmp_path / "file").write_text("in the way")
    photos, out = sample_folder / "val", tmp_path / "file" / "drawn"
    assert_is_one_sentence(run_here(empty_home, "predict", trained_bundle, photos, "--out", out), "Not a directory")


def test_labels_in_two_formats_are_a_question(tmp_path, run_here, document_here):
    write_voc(tmp_path / "set", photos=6)
    for photo in (tmp_path / "set").glob("*.png"):
        photo.with_suffix(".txt").write_text("0 0.5 0.5 0.5 0.5\n")
    (tmp_path / "set" / "classes.txt").write_text("kiwi\n")
    assert_is_one_sentence(run_here(tmp_path / "home", "import", tmp_path / "set"), "--format voc")
    told = document_here(tmp_path / "home", "import", tmp_path / "set", "--format", "yolo")
    assert (told["format"], told["boxes"]) == ("yolo", 6)


# Manners


def test_help_and_version(empty_home):
    for command in ([], ["import"], ["search"], ["predict"]):
        ran = run(empty_home, *command, "--help")
        assert (ran.returncode, ran.stderr) == (0, "")
        assert ran.stdout.startswith("usage: python -m autodet")
    assert run(empty_home, "--version").stdout.startswith("autodet ")


def test_an_empty_workspace_says_what_to_do(empty_home, run_here, document_here):
    for command, hint in (("datasets", "import"), ("models", "search"), ("status", "search")):
        assert f"python -m autodet {hint}" in run_here(empty_home, command).stdout
        assert document_here(empty_home, command) == []


def test_a_reader_who_has_seen_enough_is_no_error(imported_home):
    reader, writer = os.pipe()
    os.close(reader)
    command = [*COMMAND, "datasets"]
    ran = subprocess.run(
        command, cwd=ROOT, env=environment(imported_home), stdout=writer, stderr=subprocess.PIPE, text=True, check=False
    )
    os.close(writer)
    assert (ran.returncode, ran.stderr) == (141, "")


def test_what_nobody_foresaw_is_a_sentence_too_and_can_be_looked_into(monkeypatch, capsys):
    monkeypatch.setattr(dataset_commands, "list_datasets", lambda: 1 / 0)
    assert cli.main(["datasets"]) == 1
    said = capsys.readouterr()
    assert (said.out, said.err.count("\n")) == ("", 1)
    assert "AUTODET_DEBUG=1" in said.err
    monkeypatch.setenv("AUTODET_DEBUG", "1")
    with pytest.raises(ZeroDivisionError):
        cli.main(["datasets"])


def test_file_names_that_cannot_be_shown_lose_nothing(trained_bundle, workspace, tmp_path, capsysbinary):
    photo = tmp_path / os.fsdecode(b"\xe4pfel.png")
    draw_photo().save(photo)
    assert cli.main(["predict", str(trained_bundle), str(photo)]) == 0
    assert b"\\udce4pfel.png" in capsysbinary.readouterr().out
    assert cli.main(["predict", str(trained_bundle), str(photo), "--json"]) == 0
    (told,) = json.loads(capsysbinary.readouterr().out)
    assert Path(told["file"]) == photo


def test_whatever_a_library_prints_the_answer_stands_alone(monkeypatch, capsys):
    monkeypatch.setattr(dataset_commands, "list_datasets", lambda: print("Loading annotations...") or [])
    assert cli.main(["datasets", "--json"]) == 0
    assert capsys.readouterr().out == "[]\n"


@pytest.mark.parametrize(("words", "program"), [(["resume", "x", "--detach"], " resume"), (["--bogus"], "")])
def test_an_unknown_argument_points_to_the_help_of_its_command(capsys, words, program):
    assert cli.main(words) == 2
    assert f"see 'python -m autodet{program} --help'" in capsys.readouterr().err
