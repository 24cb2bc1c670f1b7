"""Labels and proposals that a pool gets after photos were added to it, and those that the version takes over."""

from dataclasses import replace

import pytest

from autodet import add_photos
from autodet.access.visitor import Visitor, acting_as
from autodet.datasets.additions.later_drafts import later_drafts, take_over_later_drafts
from autodet.datasets.drafts.acceptance import accept_proposals, take_back_acceptance
from autodet.datasets.drafts.journal import add_draft_class, propose_labels, read_drafts, save_draft
from autodet.datasets.imports.import_dataset import import_dataset
from autodet.errors import AccessError
from autodet.inference.draft_predictions import keep_predictions, kept_predictions
from autodet.models.store import add_model
from autodet.records import DraftBox, PhotoDraft, Prediction
from autodet.search.delete_assets import delete_dataset
from tests.helpers import draw_photo, untrained_bundle

APPLE = DraftBox("apple", (1.0, 1.0, 20.0, 20.0))
SEEN = replace(APPLE, class_name="kiwi", score=0.8)


def photos(folder, *seeds):
    folder.mkdir()
    for seed in seeds:
        draw_photo(seed=seed).save(folder / f"{seed}.png")
    return folder


@pytest.fixture
def pool(tmp_path, workspace):
    """Three photos, of which one is labelled in a draft."""
    pool = import_dataset(photos(tmp_path / "pool", 900, 901, 902), "pool", workspace=workspace)
    add_draft_class(pool, "apple")
    save_draft(pool, PhotoDraft(pool.images[0].file, (APPLE,), reviewed=True))
    return pool


@pytest.fixture
def grown(tmp_path, workspace, pool):
    return add_photos(pool, photos(tmp_path / "more", 950), workspace=workspace)


def here(grown, pool, number):
    """The file in the version of a photo of the pool."""
    return next(record.file for record in grown.images if record.sha256 == pool.images[number].sha256)


def test_drafts_made_in_the_pool_since_are_taken_over_except_of_photos_changed_in_the_version(pool, grown):
    assert later_drafts(grown) == later_drafts(pool) == []
    first, second, third = (record.file for record in pool.images)
    for file in (first, second):
        save_draft(pool, replace(read_drafts(pool).of(file), boxes=(APPLE, APPLE), reviewed=True))
    add_draft_class(pool, "kiwi")
    propose_labels(pool, {third: [SEEN]}, "model")  # a model was drafting when the photos came
    mine = save_draft(grown, replace(read_drafts(grown).of(here(grown, pool, 1)), reviewed=True))
    assert {draft.file for draft in later_drafts(grown)} == {here(grown, pool, 0), here(grown, pool, 2)}
    with acting_as(Visitor("vic", "viewer")), pytest.raises(AccessError):
        take_over_later_drafts(grown)
    assert take_over_later_drafts(grown) == 2
    now = read_drafts(grown)
    assert "kiwi" in now.classes
    assert [now.of(here(grown, pool, n)).boxes for n in range(3)] == [(APPLE, APPLE), (), (SEEN,)]
    assert now.of(mine.file) == mine
    assert take_over_later_drafts(grown) == 0


def test_an_acceptance_in_the_pool_can_be_taken_back_in_the_version(pool, tmp_path, workspace):
    propose_labels(pool, {pool.images[2].file: [SEEN]}, "model")
    accept_proposals(pool)
    grown = add_photos(pool, photos(tmp_path / "more", 950), workspace=workspace)
    assert take_back_acceptance(grown) == 1
    assert read_drafts(grown).of(here(grown, pool, 2)).proposals == (SEEN,)


def test_a_pool_that_is_gone_offers_nothing(pool, grown):
    save_draft(pool, replace(read_drafts(pool).of(pool.images[0].file), boxes=(), reviewed=True))
    delete_dataset(pool)
    assert later_drafts(grown) == [] and take_over_later_drafts(grown) == 0


def test_a_version_with_more_photos_knows_what_models_found_on_the_others(pool, workspace, tmp_path):
    model = add_model(untrained_bundle(tmp_path / "model.autodet"), "model", workspace)
    keep_predictions(model, pool, pool.images, [Prediction.of([[1, 1, 9, 9]], [0], [0.5])] * 3)
    grown = add_photos(pool, photos(tmp_path / "more", 950), workspace=workspace)
    assert kept_predictions(model, grown).keys() == {record.sha256 for record in pool.images}
