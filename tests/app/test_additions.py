"""Photos that join a data set: from Data sets, from Predict, and those that the API has kept."""

import numpy as np
import pytest

from autodet import add_photos
from autodet.access.visitor import Visitor, acting_as
from autodet.datasets.drafts.journal import read_drafts, save_draft
from autodet.datasets.imports.import_dataset import import_dataset
from autodet.datasets.imports.import_job import list_imports, start_import
from autodet.datasets.manifest import list_datasets, load_dataset
from autodet.datasets.versions.waiting_photos import waiting_photos
from autodet.errors import AccessError
from autodet.inference.kept_photos import keep_photo, list_kept
from autodet.models.store import add_model
from autodet.records import DraftBox, PhotoDraft, Prediction
from autodet.settings import Settings
from autodet.workspace import open_workspace
from tests.app.conftest import address, checked, follow, labelled, labels, primary_links, says, viewer_data
from tests.app.test_predict import sent
from tests.helpers import draw_photo, wait_for, write_labelled, zip_folder

FIRST_APPLE = DraftBox("apple", (1.0, 1.0, 20.0, 20.0))


def bare_photos(folder, *seeds):
    folder.mkdir(parents=True, exist_ok=True)
    for seed in seeds:
        draw_photo(seed=seed).save(folder / f"{seed}.png")
    return folder


@pytest.fixture
def pool(tmp_path, workspace):
    """Three photos, of which one is labelled in a draft."""
    pool = import_dataset(bare_photos(tmp_path / "pool", 900, 901, 902), "pool", workspace=workspace)
    save_draft(pool, PhotoDraft(pool.images[0].file, (FIRST_APPLE,), reviewed=True))
    return pool


def finished(source, into, workspace):
    """The import of an addition, once its process has ended."""
    job = start_import(str(source), source.stem, into=into, workspace=workspace)
    wait_for(job)
    if job.status().state == "reviewing":
        job.proceed({})
        wait_for(job)
    return job


@pytest.mark.process
def test_photos_are_added_in_the_background_with_the_drafts(visit, workspace, pool, tmp_path):
    app = visit("datasets", dataset=pool.id, **{f"add photos {pool.id} 0": True})
    archive = zip_folder(bare_photos(tmp_path / "m", 901, 950), tmp_path / "more.zip")
    app.file_uploader[0].upload("more.zip", archive.read_bytes(), "application/zip")
    app = checked(app.run())
    app = checked(labelled(app.button, "Add").click().run())
    wait_for(list_imports(workspace)[0])
    app = checked(app.run())
    assert "No labels were found for 2 photos" in says(app) and "Label the photos here" in says(app)
    app = checked(labelled(app.button, "Add 2 photos").click().run())
    wait_for(list_imports(workspace)[0])
    app = checked(app.run())
    assert "pool 2 is made, with 1 more photo; 1 photo was there already" in says(app)
    assert labelled(app.selectbox, "Data set").value == "pool-2" and primary_links(app) == ["Label its photos"]
    grown = load_dataset("pool-2", workspace)
    assert [draft.labels for draft in read_drafts(grown).changed.values()] == [(FIRST_APPLE,)]


@pytest.mark.process
def test_an_addition_that_asks_goes_on_in_the_form_that_merges(visit, workspace, fruit, tmp_path):
    write_labelled(tmp_path / "more", "a", [("pear", (2, 2, 30, 30))], seed=70)
    job = finished(tmp_path / "more", fruit.id, workspace)
    assert (job.status().state, {one.id for one in list_datasets(workspace)}) == ("finished", {"fruit", "more"})
    app = visit("datasets", imports={job.id})
    assert "The photos are a data set of their own for now" in says(app) and "pear" in says(app)
    assert labelled(app.multiselect, "Data sets to add").value == ["more"]


@pytest.mark.process
def test_an_addition_of_known_photos_and_of_a_deleted_data_set_fails_with_a_sentence(workspace, pool, tmp_path):
    known = finished(bare_photos(tmp_path / "known", 900), pool.id, workspace)
    assert "Nothing would change" in known.status().error
    gone = finished(bare_photos(tmp_path / "new", 960), "nothing-of-that-name", workspace)
    assert gone.status().state == "failed" and gone.status().error.endswith(".")
    assert [one.id for one in list_datasets(workspace)] == ["pool"]


def test_pages_lead_from_waiting_photos_to_their_labels(visit, workspace, fruit, tmp_path):
    add_photos(fruit, bare_photos(tmp_path / "bare", 940), workspace=workspace)
    app = visit("search")
    assert "1 photo of fruit 2 waits to be labelled" in says(app)
    app = follow(app, "Label its photos")
    assert labelled(app.selectbox, "Data set").value == "fruit-2"
    assert "1 photo waits to be labelled" in says(visit("datasets"))


@pytest.fixture
def model(workspace, trained_bundle):
    return add_model(trained_bundle, "sample", workspace)


def dropped(app, dataset, *records):
    files = [(record.file.split("/")[-1], dataset.photo(record).read_bytes(), "image/jpeg") for record in records]
    app = checked(app.file_uploader[0].set_value(files).run())
    while "Cancel" in labels(app.button):
        checked(app.run())
    return app


def collected(app):
    """The page once the visitor has pressed "This prediction is wrong" in the component."""
    app.session_state["predictions view"] = {"collected": [photo["key"] for photo in sent(app)["photos"]]}
    return checked(app.run())


def test_a_wrong_prediction_is_kept_and_opened_to_be_corrected(visit, workspace, fruit, model, sample_dataset):
    record = next(record for record in sample_dataset.images if len(record.annotations) >= 3)
    app = dropped(visit("predict", dataset=fruit.id), sample_dataset, record)
    assert "Label 1 photo" not in labels(app.button)
    app = collected(app)
    app.session_state["predictions view"] = {"collected": []}
    app = checked(app.run())
    assert "Label 1 photo" not in labels(app.button)
    app = checked(labelled(collected(app).button, "Label 1 photo").click().run())
    version = load_dataset("fruit-2", workspace)
    (file,) = waiting_photos(version)
    assert address(app)["photo"] == file and viewer_data(app, "autodet_label_editor")["shown"] == file
    draft = read_drafts(version).of(file)
    assert draft.proposals and draft.model == model.id and draft.state == "proposed"


def test_a_photo_of_a_data_set_opens_there(visit, workspace, model, sample_dataset):
    own = import_dataset("sample", workspace=workspace)
    app = dropped(visit("predict", dataset=own.id), own, own.images[5])
    app = checked(labelled(collected(app).button, "Label 1 photo").click().run())
    assert [one.id for one in list_datasets(workspace)] == [own.id]
    assert viewer_data(app, "autodet_label_editor")["shown"] == own.images[5].file


def test_a_viewer_reads_who_may_keep_photos(visit, workspace, fruit, model, sample_dataset, monkeypatch):
    monkeypatch.setattr("autodet.access.change._may_change", lambda visitor: False)
    app = dropped(visit("predict"), sample_dataset, sample_dataset.images[0])
    assert viewer_data(app, "autodet_predictions")["collected"] is None
    assert "Only editors can label photos" in says(app)
    assert "Add photos" not in labels(visit("datasets").expander)


UNSURE = Prediction.of([[2, 2, 30, 30]], [0], [0.4], size_wh=(64, 48))


def keep(model, tmp_path, *seeds, **limits):
    settings = Settings(home=tmp_path, keep_scores=(0.3, 0.6), **limits)
    photos = [(bare_photos(tmp_path / "sent", seed) / f"{seed}.png").read_bytes() for seed in seeds]
    return [keep_photo(model, photo, UNSURE, settings, open_workspace()) for photo in photos]


def test_labels_drawn_in_the_pool_after_photos_were_added_can_be_taken_over(visit, workspace, pool, tmp_path):
    grown = add_photos(pool, bare_photos(tmp_path / "more", 950), workspace=workspace)
    assert "Take them over" not in labels(visit("label", dataset=grown.id).button)
    save_draft(pool, PhotoDraft(pool.images[1].file, (FIRST_APPLE,), reviewed=True))
    app = visit("label", dataset=grown.id)
    assert "1 photo got other labels or proposals in **pool**" in says(app)
    app = checked(labelled(app.button, "Take them over").click().run())
    assert "2 of 4 photos labelled" in [bar.proto.text for bar in app.get("progress")]
    assert "Take them over" not in labels(app.button)


def test_photos_kept_by_the_api_join_with_proposals_or_are_deleted(visit, workspace, pool, model_there, tmp_path):
    model = model_there()
    assert keep(model, tmp_path, 1, 2, 1) == [True, True, False]
    app = visit("label", dataset=pool.id)
    assert "2 photos kept by the API" in says(app)
    app = checked(labelled(app.button, "Add to pool").click().run())
    grown = load_dataset("pool-2", workspace)
    states = [read_drafts(grown).state_of(record.file) for record in grown.images]
    assert sorted(states) == ["labelled", "proposed", "proposed", "unlabelled", "unlabelled"]
    assert list_kept(workspace) == []
    app = follow(visit("label", dataset=pool.id), "Go on with pool 2")
    assert labelled(app.selectbox, "Data set").value == "pool-2"
    keep(model, tmp_path, 3)
    app = visit("datasets", dataset=pool.id, **{f"add photos {pool.id} 0": True})
    assert "Add photos (1 kept by the API)" in labels(app.expander)
    checked(next(one for one in app.button if one.key == f"delete kept {model.id}").click().run())
    assert list_kept(workspace) == []


def test_no_more_photos_are_kept_than_the_settings_allow(workspace, model_there, tmp_path):
    model = model_there()
    assert keep(model, tmp_path, 1, 2, 3, max_kept_photos=2) == [True, True, False]
    assert keep(model, tmp_path, 4, max_kept_bytes=100) == [False]
    [kept] = list_kept(workspace)
    assert len(kept.ids) == 2 and np.isclose(kept.photos()[0].proposals[0].score, 0.4)
    (kept.folder / f"{kept.ids[0]}.json").write_text("{")
    assert len(list_kept(workspace)[0].photos()) == 1
    with acting_as(Visitor("", "viewer")), pytest.raises(AccessError):
        kept.delete()


@pytest.mark.process
def test_single_photos_become_a_pool(visit, workspace, tmp_path):
    photos = bare_photos(tmp_path / "bare", 1, 2)
    files = [("IMG 1.png", (photos / f"{seed}.png").read_bytes(), "image/png") for seed in (1, 2)]
    app = visit("datasets")
    app = checked(labelled(app.file_uploader, "Photos").set_value(files).run())
    checked(labelled(app.button, "Import the photos").click().run())
    [job] = list_imports(workspace)
    wait_for(job)
    assert len(job.review().photos) == 2
