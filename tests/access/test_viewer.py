"""What a viewer is refused, at the functions that the pages call."""

import hashlib
import io

import pytest

from autodet.access.audit_log import read_entries
from autodet.access.visitor import Visitor, acting_as
from autodet.datasets.additions.addition import add_photos
from autodet.datasets.imports.import_dataset import import_dataset
from autodet.datasets.imports.import_job import find_import, start_import
from autodet.datasets.imports.import_state import ImportRequest, ImportStatus, write_status
from autodet.datasets.manifest import list_datasets, load_dataset
from autodet.datasets.versions.derive import derive_dataset
from autodet.datasets.versions.merge import merge_datasets
from autodet.errors import AccessError, DatasetError
from autodet.inference.dropped_photos import drop_photos
from autodet.inference.evaluation_jobs import cancel_evaluation, start_evaluation
from autodet.inference.int8_jobs import start_int8
from autodet.inference.latency_jobs import start_latency
from autodet.inference.model_upload import upload_model
from autodet.models.store import add_model, list_models, read_model, rename_model
from autodet.records import SearchStatus
from autodet.search.api import find_search, list_searches
from autodet.search.delete_assets import delete_dataset, delete_model
from autodet.search.order.spec import SearchSpec
from autodet.search.start import start_search
from autodet.search.status.status_file import LAUNCHED, write_snapshot
from autodet.search.trial_jobs import start_trial_prediction
from autodet.workspace import write_json
from tests.helpers import untrained_bundle, write_voc

VIEWER = Visitor("vera@example.org", "viewer", "192.0.2.7")
EDITOR = Visitor("eva@example.org", "editor", "192.0.2.8")


def tree(folder):
    """Every file of a folder with its content, without the log of changes."""
    files = [path for path in folder.rglob("*") if path.is_file() and path.parent.name != "audit"]
    return {str(path.relative_to(folder)): hashlib.sha256(path.read_bytes()).hexdigest() for path in files}


@pytest.fixture
def full(workspace, tmp_path):
    """A workspace with a data set, an import, an interrupted search and a queued one, and a model."""
    dataset = import_dataset(write_voc(tmp_path / "fruit"), "fruit", workspace=workspace)
    import_dataset(write_voc(tmp_path / "more", photos=5), "more", workspace=workspace)
    bundle = untrained_bundle(
        tmp_path / "model.autodet", name="model", dataset="fruit", dataset_fingerprint=dataset.fingerprint
    )
    add_model(bundle, "model", workspace)
    for name, state in (("ended", "interrupted"), ("waiting", "stopping")):
        folder = workspace.searches / name
        folder.mkdir()
        SearchSpec(name=name, dataset="fruit", fingerprint=dataset.fingerprint).write(folder)
        write_snapshot(folder, SearchStatus(name, "fruit", state, planned_trials=3))
    folder = workspace.imports / "asking"
    folder.mkdir()
    write_json(folder / "request.json", vars(ImportRequest("sample", "asking")))
    write_status(folder, ImportStatus("interrupted"))
    return workspace


CHANGES = {
    "import in the background": lambda w, tmp: start_import("sample", "sample", workspace=w),
    "continue an import": lambda w, tmp: find_import("asking", w).proceed(),
    "discard an import": lambda w, tmp: find_import("asking", w).discard(),
    "import": lambda w, tmp: import_dataset(tmp / "fruit", "again", workspace=w),
    "add photos": lambda w, tmp: add_photos("fruit", tmp / "more", workspace=w),
    "derive": lambda w, tmp: derive_dataset("fruit", rename={"apple": "pear"}, workspace=w),
    "merge": lambda w, tmp: merge_datasets(["fruit", "more"], workspace=w, decisions={"class_partial": "keep"}),
    "delete a data set": lambda w, tmp: delete_dataset("more", w),
    "start a search": lambda w, tmp: start_search("fruit", workspace=w, launcher=lambda folder: None),
    "stop a search": lambda w, tmp: find_search("waiting", w).stop(),
    "resume a search": lambda w, tmp: find_search("ended", w).resume(),
    "delete a search": lambda w, tmp: find_search("ended", w).delete(),
    "add a model": lambda w, tmp: add_model(tmp / "model.autodet", "other", w),
    "upload a model": lambda w, tmp: upload_model(tmp / "model.autodet", "other", w),
    "rename a model": lambda w, tmp: rename_model("model", "other", w),
    "delete a model": lambda w, tmp: delete_model("model", w),
    "evaluate": lambda w, tmp: start_evaluation(read_model("model", w), load_dataset("fruit", w), "val"),
    "cancel": lambda w, tmp: cancel_evaluation(read_model("model", w), load_dataset("fruit", w), "val"),
    "measure": lambda w, tmp: start_latency(read_model("model", w), load_dataset("fruit", w)),
    "export to 8 bits": lambda w, tmp: start_int8(read_model("model", w)),
    "evaluate a trial": lambda w, tmp: start_trial_prediction(w.searches / "ended", 0, load_dataset("fruit", w)),
    "drop photos": lambda w, tmp: drop_photos(read_model("model", w), io.BytesIO(b"PK"), "photos.zip"),
}


@pytest.mark.parametrize("what", CHANGES)
@pytest.mark.process  # what some of them would start, if they were not refused
def test_a_viewer_is_refused_and_nothing_changes(full, tmp_path, what):
    before = tree(full.home)
    with acting_as(VIEWER), pytest.raises(AccessError, match="you are a viewer here; ask an editor"):
        CHANGES[what](full, tmp_path)
    assert tree(full.home) == before
    last = list(read_entries(full))[-1]
    assert (last.visitor, last.role, last.address, last.outcome) == (*vars(VIEWER).values(), "refused")


def test_a_viewer_reads_everything(full):
    with acting_as(VIEWER):
        assert {one.id for one in list_datasets(full)} == {"fruit", "more"}
        assert {one.search for one in list_searches(full)} == {"ended", "waiting"}
        assert [one.id for one in list_models(full)] == ["model"]


def test_what_an_editor_makes_is_theirs_and_in_the_log(workspace, tmp_path):
    with acting_as(EDITOR):
        dataset = import_dataset(write_voc(tmp_path / "fruit"), "fruit", workspace=workspace)
        derive_dataset("fruit", rename={"apple": "pear"}, workspace=workspace)
        add_model(untrained_bundle(tmp_path / "m.autodet", name="m"), "m", workspace)
        search = start_search("fruit", workspace=workspace, launcher=lambda folder: None)
        with pytest.raises(DatasetError, match="Nothing would change"):
            derive_dataset("fruit", workspace=workspace)
        delete_model("m", workspace)
    assert dataset.owner == EDITOR.name
    assert {one.owner for one in list_datasets(workspace)} == {EDITOR.name}
    assert load_dataset("fruit 2", workspace).to_json()["owner"] == EDITOR.name
    assert (search.spec().owner, search.status().owner) == (EDITOR.name, EDITOR.name)
    assert search.status().to_json()["owner"] == EDITOR.name
    entries = [(one.action, one.thing, one.visitor, one.outcome) for one in read_entries(workspace)]
    assert entries == [
        ("create data set", "fruit", EDITOR.name, "done"),
        ("create data set", "fruit-2", EDITOR.name, "done"),
        ("add model", "m", EDITOR.name, "done"),
        ("start search", search.id, EDITOR.name, "done"),
        ("delete model", "m", EDITOR.name, "done"),
    ]


def test_a_model_belongs_to_who_added_it(workspace, tmp_path):
    with acting_as(EDITOR):
        model = add_model(untrained_bundle(tmp_path / "m.autodet", name="m"), "m", workspace)
    assert (model.owner, model.to_json()["owner"]) == (EDITOR.name, EDITOR.name)
    with acting_as(Visitor("", "editor", "192.0.2.9")):
        nameless = add_model(tmp_path / "m.autodet", "n", workspace)
    assert (nameless.owner, nameless.to_json()["owner"]) == ("", None)


def test_searches_in_the_queue_are_limited_for_each_person(workspace, tmp_path, monkeypatch):
    monkeypatch.setenv("AUTODET_MAX_QUEUED_SEARCHES", "2")
    import_dataset(write_voc(tmp_path / "fruit"), "fruit", workspace=workspace)

    def wait(folder):
        (folder / LAUNCHED).touch()

    def start(seed):
        return start_search("fruit", workspace=workspace, seed=seed, launcher=wait)

    with acting_as(EDITOR):
        start(1), start(2)
        with pytest.raises(AccessError, match="2 searches of yours are waiting already"):
            start(3)
    with acting_as(Visitor("other@example.org", "editor", "192.0.2.9")):
        start(4)
    start(5)  # the machine's own user
    assert len(list_searches(workspace)) == 4
