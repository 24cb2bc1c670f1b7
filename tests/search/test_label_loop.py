"""The whole loop: photos without labels, some labels, a model that proposes the rest, a version, a better model."""

import json
import shutil

import pytest

import autodet
from autodet.cli import main
from autodet.datasets.drafts.acceptance import accepted_photos
from autodet.datasets.drafts.checks import draft_from_browser
from autodet.datasets.drafts.journal import add_draft_class, read_drafts, save_draft
from autodet.datasets.imports.import_dataset import import_dataset
from autodet.inference.auto_labels import unlabelled_files
from autodet.search.next_search import plan_next_search

SMALL = {"trials": 1, "epochs": 1}


@pytest.fixture
def pool(sample_dataset, workspace, tmp_path):
    """The photos of the sample, without labels."""
    folder = tmp_path / "photos"
    folder.mkdir()
    for number, record in enumerate(sample_dataset.images):
        shutil.copy(sample_dataset.photo(record), folder / f"{number:02}{sample_dataset.photo(record).suffix}")
    return import_dataset(folder, "pool", workspace=workspace)


def label(pool, truth, files):
    """Label photos as a browser does, with the labels of the sample."""
    for name in truth.classes:
        add_draft_class(pool, name)
    known = {record.sha256: record.annotations for record in truth.images}
    for file in files:
        drafts = read_drafts(pool)
        marks = known[drafts.records[file].sha256]
        places = zip(marks.class_ids.tolist(), marks.boxes_xyxy.tolist(), strict=True)
        boxes = [{"class": truth.classes[number], "box": box} for number, box in places]
        revision = drafts.of(file).revision
        document = {"dataset": pool.id, "file": file, "revision": revision, "reviewed": True, "boxes": boxes}
        save_draft(pool, draft_from_browser(drafts, document))


@pytest.mark.trains
@pytest.mark.process
def test_from_photos_without_labels_to_a_second_model(pool, sample_dataset, capsys):
    files = [record.file for record in pool.images]
    label(pool, sample_dataset, files[:12])
    first = autodet.derive_labels(pool)
    assert len(first.images) == 12
    search = autodet.start_search(first, **SMALL, space={"image_size": 96})
    one = search.wait().model
    autodet.auto_label(pool, one, threshold=0.05)
    assert any(draft.proposals for draft in read_drafts(pool).changed.values())
    autodet.accept_proposals(pool, min_score=0.05)
    label(pool, sample_dataset, [*unlabelled_files(read_drafts(pool)), *files[12:]])  # a person corrects them
    second = autodet.derive_labels(pool)
    assert len(second.images) == len(files)
    plan = plan_next_search(second)
    assert (plan.model.id, plan.new_photos, plan.relabelled, plan.cautions) == (one, 12, 0, ())
    main(["search", second.id, "--again", "--trials", "1", "--epochs", "1", "--json"])
    document = json.loads(capsys.readouterr().out)
    assert document["start_from"]["model"] == one
    gained = autodet.improvement(document["search"])
    assert document["improvement"] == json.loads(json.dumps(gained.to_json()))
    assert gained.comparison.models == {"a": one, "b": document["model"]}
    assert gained.split == "test" and gained.unknown == gained.left_out == ()
    known = {record.sha256 for record in first.images if record.split != "test"}
    unseen = {record.sha256 for record in second.split("test")} - known
    assert gained.photos + gained.set_aside == len(unseen)
    assert gained.proposed + gained.set_aside == len(unseen & accepted_photos(second, one))
