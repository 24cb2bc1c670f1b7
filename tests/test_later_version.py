"""A workspace that a later version has written into too: what it writes has more keys, and stays readable."""

import json
from pathlib import Path

from autodet.datasets.imports.import_dataset import import_dataset
from autodet.datasets.imports.import_job import find_import
from autodet.datasets.imports.import_state import ImportRequest, ImportStatus, write_status
from autodet.datasets.manifest import load_dataset
from autodet.datasets.sources.s3.access import S3Credentials
from autodet.datasets.versions.derive import derive_dataset
from autodet.inference.evaluations import evaluate_model, kept_evaluation
from autodet.models.store import add_model, find_model
from autodet.records import Attempt, EpochResult, Hyperparameters, Origin, SearchStatus, TrialStatus
from autodet.search.order.spec import SearchSpec
from autodet.search.status.status_file import read_status, write_snapshot
from autodet.workspace import write_atomically, write_json
from tests.helpers import write_voc

MORE = {"tiles": [1, {"overlap": 0.2}]}
ORIGIN = Origin("old", "a" * 64, "fruit", "abc")


def enlarge(document, *keys):
    """Add an entry to a document, and to those below the given keys."""
    for key in keys:
        below = document.get(key)
        for one in below if isinstance(below, list) else [below] if below else []:
            enlarge(one, *keys)
    document |= MORE


def enlarge_file(path: Path, *keys):
    """Put another file in the place of one with JSON documents, a line each."""
    documents = [json.loads(line) for line in path.read_text().splitlines()] if path.suffix == ".jsonl" else None
    documents = documents or [json.loads(path.read_text())]
    for one in documents:
        enlarge(one, *keys)
    write_atomically(path, "".join(json.dumps(one) + "\n" for one in documents).encode())
    return path


def test_a_search_is_read(tmp_path):
    folder = tmp_path / "fruit"
    folder.mkdir()
    facts = ((EpochResult(1, 0.5, 0.7, 0.3, 2.0),), None, (Attempt("cpu", "2026-01-01T00:00:00+00:00"),))
    trials = tuple(
        TrialStatus(n, s, Hyperparameters().to_json(), *facts) for n, s in enumerate(("finished", "running"))
    )
    status = SearchStatus("fruit", "fruit", "stopped", trials, start_from=ORIGIN)
    SearchSpec("fruit", "fruit", start_from=ORIGIN).write(folder)
    write_snapshot(folder, status)
    enlarge_file(folder / "status.json", "trials", "epochs", "attempts", "start_from")
    (archive,) = folder.glob("trials.*.jsonl")
    document = json.loads((folder / "status.json").read_text())
    document["archive"]["bytes"] = len(enlarge_file(archive, "epochs", "attempts").read_bytes())
    write_json(folder / "status.json", document)
    assert read_status(folder) == status
    enlarge_file(folder / "spec.json", "start_from")
    assert SearchSpec.read(folder).start_from == ORIGIN


def test_an_import_is_read(workspace):
    folder = workspace.imports / "fruit"
    folder.mkdir()
    request = ImportRequest("s3://photos", "fruit", "auto", 0, "", S3Credentials(identity="machine"))
    write_json(folder / "request.json", {**vars(request), "credentials": vars(request.credentials)})
    write_status(folder, ImportStatus("reviewing"))
    enlarge_file(folder / "request.json", "credentials")
    enlarge_file(folder / "status.json")
    found = find_import("fruit", workspace)
    assert (found.status().state, found.request()) == ("reviewing", request)


def test_a_data_set_is_read(tmp_path, workspace):
    write_voc(tmp_path / "fruit")
    (tmp_path / "fruit" / "photo_00.png").rename(tmp_path / "fruit" / "photo_00.jpg")  # which is a finding
    data = import_dataset(tmp_path / "fruit", "fruit", workspace=workspace)
    version = derive_dataset(data, "version", drop=["apple"], workspace=workspace)
    enlarge_file(version.folder / "manifest.json", "parent", "findings")
    read = load_dataset("version", workspace)
    assert read.findings == version.findings != ()
    assert read.parent == version.parent


def test_an_evaluation_is_read(trained_bundle, sample_dataset, workspace):
    model = add_model(trained_bundle, "mine", workspace)
    report, _ = evaluate_model(model, sample_dataset, "val")
    (path,) = (model.path.parent / "evaluations").glob("*.json")
    enlarge_file(path, "report")
    document = json.loads(path.read_text())
    for one in document["report"]["per_class"].values():
        enlarge(one)
    write_json(path, document)
    assert kept_evaluation(find_model("mine", workspace), sample_dataset, "val")[0] == report
