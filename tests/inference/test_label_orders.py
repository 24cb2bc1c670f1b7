"""Orders of a data set's photos, from predictions and features that are kept."""

from dataclasses import replace
from itertools import pairwise

import pytest

from autodet.access.visitor import Visitor, acting_as
from autodet.datasets.drafts.journal import add_draft_class, propose_labels, read_drafts, save_draft
from autodet.datasets.imports.import_dataset import import_dataset
from autodet.errors import AccessError, ModelError, NotFoundError
from autodet.inference.background_jobs import Job
from autodet.inference.demo import demo_model
from autodet.inference.draft_predictions import keep_predictions
from autodet.inference.job_process import run_apart
from autodet.inference.label_order_jobs import _look as look
from autodet.inference.label_orders import (
    look_at_photos,
    models_that_know,
    next_photos,
    order_by_proposals,
    order_by_teaching,
    order_of,
    order_randomly,
    unseen_photos,
    waiting_files,
    with_second,
)
from autodet.models.store import add_model
from autodet.records import DraftBox, Prediction
from tests.helpers import draw_photo, untrained_bundle

BOX = (4.0, 4.0, 30.0, 30.0)


@pytest.fixture
def pool(workspace, tmp_path):
    """Six photos without labels, and the classes apple and banana."""
    for number in range(6):
        (tmp_path / "pool").mkdir(exist_ok=True)
        draw_photo(seed=number).save(tmp_path / "pool" / f"{number}.png")
    dataset = import_dataset(tmp_path / "pool", "pool", workspace=workspace)
    for name in ("apple", "banana"):
        add_draft_class(dataset, name)
    return dataset


def label(dataset, file, *names):
    boxes = tuple(DraftBox(name, BOX) for name in names)
    save_draft(dataset, replace(read_drafts(dataset).of(file), boxes=boxes, reviewed=True))


def predict(model, dataset, scores):
    """Keep predictions of apples beside each other: their scores by the number of the photo; nothing on the others."""
    apple = model.card.classes.index("apple")
    made = []
    for record in dataset.images:
        own = scores.get(int(stems([record.file])[0]), ())
        boxes = [(10 * place, 4, 10 * place + 8, 20) for place in range(len(own))]
        made.append(Prediction.of(boxes, [apple] * len(own), own))
    keep_predictions(model, dataset, dataset.images, made)


def stems(files):
    return [file.rpartition("/")[2][0] for file in files]


def test_without_a_look_there_is_no_order(pool):
    drafts = read_drafts(pool)
    assert order_by_teaching(drafts, ()) is None
    assert unseen_photos(drafts, ()) == 6


def test_a_look_is_kept_for_orders_after_more_labels(pool):
    models = (demo_model(),)
    steps = []
    look_at_photos(pool, models, lambda *step: steps.append(step))
    assert {step for step, *_ in steps} == {"compare", "predict"}
    first = order_by_teaching(read_drafts(pool), models).files[0]
    label(pool, first, "apple")
    drafts = read_drafts(pool)
    assert unseen_photos(drafts, models) == 0
    order = order_by_teaching(drafts, models)
    assert order.files[-1] == first and set(order.files) == {record.file for record in pool.images}
    assert order.reasons.keys() == set(order.files[:-1]) == set(waiting_files(drafts))


def test_the_photo_with_the_greatest_doubt_is_first(pool):
    model = demo_model()
    threshold = model.card.all_thresholds["apple"]
    look_at_photos(pool, ())
    predict(model, pool, {2: [0.99], 4: [threshold] * 5})
    label(pool, pool.images[0].file, "apple", "banana")
    order = order_by_teaching(read_drafts(pool), (model,))
    assert stems(order.files)[0] == "4"
    kinds = [(order.reasons[file].kind, order.reasons[file].count) for file in waiting_files(read_drafts(pool))]
    assert ("unsure", 5) in kinds and sum(kind == "unsure" for kind, _ in kinds) == 1


def test_a_class_with_few_labels_is_named(pool):
    model = demo_model()
    look_at_photos(pool, (model,))
    label(pool, pool.images[0].file, *["banana"] * 8)
    predict(model, pool, {5: [0.95]})
    order = order_by_teaching(read_drafts(pool), (model,))
    assert next(one.class_name for one in order.reasons.values() if one.kind == "rare") == "apple"


def test_two_models_that_know_the_same_classes_are_compared(pool, workspace, tmp_path):
    first, second = (
        add_model(untrained_bundle(tmp_path / f"{name}.autodet", seed=seed), name, workspace)
        for seed, name in enumerate(("one", "two"))
    )
    drafts = read_drafts(pool)
    assert [model.id for model in models_that_know(drafts)] == [second.id, first.id, "demo"]
    assert with_second(drafts, first) == (first, second)
    assert with_second(drafts, demo_model())[0] == demo_model()
    look_at_photos(pool, ())
    predict(demo_model(), pool, {3: [0.99] * 4})
    predict(second, pool, {1: [0.99] * 4})
    label(pool, pool.images[0].file, "apple", "banana")
    order = order_by_teaching(read_drafts(pool), (demo_model(), second))
    disputed = [file for file, reason in order.reasons.items() if (reason.kind, reason.count) == ("disputed", 4)]
    assert sorted(stems(disputed)) == ["1", "3"]


def test_a_model_that_knows_no_class_orders_by_looks(pool, workspace, tmp_path):
    bundle = untrained_bundle(tmp_path / "other.autodet", classes=("car",))
    other = add_model(bundle, "other", workspace)
    assert models_that_know(read_drafts(pool)) == [demo_model()]
    assert with_second(read_drafts(pool), other)[0] == other


def test_a_random_order_is_always_the_same(pool):
    drafts = read_drafts(pool)
    files = order_randomly(drafts).files
    assert files == order_of(drafts, "random").files != order_randomly(drafts, seed=1).files
    assert sorted(files) == sorted(record.file for record in pool.images)


def test_proposals_with_low_scores_come_first(pool):
    scores = (0.6, 0.9, 0.2)
    files = [record.file for record in pool.images]
    proposed = {file: [DraftBox("apple", BOX, score=score)] for file, score in zip(files[2:], scores, strict=False)}
    propose_labels(pool, proposed, "model")
    order = order_by_proposals(read_drafts(pool))
    assert order.files == (files[4], files[2], files[3], files[0], files[1], files[5])
    values = [order.reasons[file].value for file in order.files[:3]]
    assert all(low <= high for low, high in pairwise(values)) and len(order.reasons) == 3


def test_the_next_photos_wait_for_labels(pool):
    label(pool, pool.images[0].file, "apple")
    made = next_photos("pool", "demo", 3)
    assert len(made.files) == 3 and made.reasons.keys() == set(made.files)
    assert pool.images[0].file not in next_photos(pool, count=9).files
    assert len(next_photos(pool, order="random", count=9).files) == 5
    with pytest.raises(ModelError, match="no order 'best'"):
        next_photos(pool, order="best")
    with pytest.raises(NotFoundError):
        next_photos(pool, "nothing")


def test_a_viewer_cannot_start_a_look(pool):
    with acting_as(Visitor("vera", "viewer")), pytest.raises(AccessError):
        look_at_photos(pool, ())
    assert order_by_teaching(read_drafts(pool), ()) is None


@pytest.mark.process
def test_the_look_is_taken_in_a_process_of_its_own(pool):
    job = Job()
    run_apart(job, look, pool, (demo_model(),))
    assert (job.done, job.total) == (6, 6)
    assert unseen_photos(read_drafts(pool), (demo_model(),)) == 0
