"""What a word for the effort comes to, for data sets and devices of all kinds."""

from dataclasses import replace

import pytest

from autodet.errors import SearchError
from autodet.evaluation.objective import Objective
from autodet.messages.plans import plan_text
from autodet.models.coco_classes import COCO_CLASSES
from autodet.models.registry import USUAL_ARCHITECTURES
from autodet.search.order.space import make_space
from autodet.search.order.spec import SearchSpec
from autodet.search.planning.dataset_profile import Facts
from autodet.search.planning.forecast import forecast_search
from autodet.search.planning.networks import COMPARED
from autodet.search.planning.plan import Plan, explain_entries, first_trial
from autodet.search.planning.presets import MAX_EPOCHS, PRESETS, plan_search
from autodet.training.hardware import Hardware

CPU = Hardware(("cpu",), cores=2)
GPU = Hardware(("cuda:0",), 8, 24_000_000_000)
FOUR_GPUS = Hardware(tuple(f"cuda:{index}" for index in range(4)), 4, 16_000_000_000)
FRUIT = Facts(240, 29)
NETWORKS = USUAL_ARCHITECTURES


def of(photos, **facts):
    return Facts(photos, photos // 8, **facts)


@pytest.mark.parametrize("cores", [1, 2, 64])
@pytest.mark.parametrize("photos", [211, 240])
def test_balanced_on_a_cpu_is_what_the_benchmark_runs(cores, photos):
    plan = plan_search("balanced", of(photos), Hardware(("cpu",), cores), NETWORKS)
    assert replace(plan, why=()) == Plan(3, 20, image_size=416)


def test_effort_grows_from_preset_to_preset():
    for hardware in (CPU, GPU, FOUR_GPUS):
        plans = [plan_search(name, FRUIT, hardware) for name in ("quick", "balanced", "best")]
        work = [plan.trials * plan.epochs for plan in plans]
        assert work == sorted(set(work))
    assert (plan_search("quick", FRUIT, CPU).trials, plan_search("quick", FRUIT, CPU).epochs) == (2, 3)


@pytest.mark.parametrize("preset", PRESETS)
@pytest.mark.parametrize("photos", [1, 10, 40, 240, 4_000, 40_000])
@pytest.mark.parametrize("hardware", [CPU, GPU, FOUR_GPUS, Hardware(("cuda:0", "cpu"), 2)])
def test_steps_stay_within_bounds_and_every_plan_can_be_searched(preset, photos, hardware):
    plan = plan_search(preset, of(photos, small_box=0.03), hardware, NETWORKS)
    steps = plan.epochs * -(-photos // 4)
    least, most = PRESETS[preset].steps
    assert (least <= steps <= most) or plan.epochs in (1, MAX_EPOCHS)
    space = make_space(plan.space)
    chosen = {"sampler": plan.sampler, "pruner": plan.pruner, "patience": plan.patience}
    SearchSpec("fruit", "fruit", trials=plan.trials, epochs=plan.epochs, space=space, **chosen).check()
    assert plan_text(plan.why).endswith(".")


def test_what_becomes_of_rare_classes_is_told_where_there_are_some():
    rare = replace(FRUIT, rare_class="fig", rare_photos=20, most_photos=100)
    told = "Only 20 of 240 training photos show fig, so photos of rare classes appear in mosaics up to 5 times as often"
    plan = plan_search("balanced", rare, CPU)
    assert told in plan_text(plan.why)
    assert told in plan_text(explain_entries(replace(plan, space=make_space()), rare, CPU))
    assert "up to 10 times" in plan_text(plan_search("balanced", replace(rare, rare_photos=1), CPU).why)
    for spared in (replace(rare, rare_photos=60), FRUIT):
        assert "rare" not in plan_text(plan_search("balanced", spared, CPU).why)
    assert "rare" not in plan_text(plan_search("balanced", rare, CPU, asked={"augmentation": [0.0]}).why)


def test_few_photos_are_seen_more_often_and_many_less_often():
    few, many = (plan_search("balanced", of(photos), CPU) for photos in (40, 40_000))
    assert (few.epochs, many.epochs) == (50, 3)
    assert "only 10 steps" in plan_text(few.why)
    assert "10,000 steps" in plan_text(many.why)


def test_what_takes_too_long_has_fewer_trials_but_never_none():
    assert plan_search("best", of(4_000), CPU).trials < plan_search("best", FRUIT, CPU).trials
    assert plan_search("balanced", of(1_000_000), CPU).trials == 2
    assert plan_search("quick", of(1_000_000), CPU).trials == 1


def test_gpus_try_more_and_none_is_idle_in_the_last_round():
    assert plan_search("balanced", FRUIT, GPU).trials > 3
    assert plan_search("best", FRUIT, FOUR_GPUS).trials % 4 == 0


def test_pruning_needs_trials_to_compare():
    assert plan_search("quick", FRUIT, CPU).pruner == "none"
    assert plan_search("best", FRUIT, CPU).pruner == "median"
    assert plan_search("best", FRUIT, GPU).pruner == "hyperband"
    assert plan_search("best", FRUIT, FOUR_GPUS).pruner == "asha"
    assert plan_search("balanced", FRUIT, FOUR_GPUS, trials=4).pruner == "none"  # all at once
    assert plan_search("best", FRUIT, GPU, epochs=4).pruner == "median"  # too few for brackets


def test_nothing_is_learnt_from_trials_that_begin_together():
    assert plan_search("best", FRUIT, GPU).sampler == "tpe"
    assert plan_search("best", FRUIT, FOUR_GPUS, trials=4).sampler == "random"


def test_patience_is_for_long_trials_of_many():
    assert plan_search("best", FRUIT, CPU).patience == 13
    assert plan_search("balanced", of(40), CPU).patience is None


def test_batches_and_sizes_fit_into_memory():
    space = plan_search("best", of(4_000, small_box=0.02, photo_side=4_000), GPU, NETWORKS).space
    assert space["batch_size"] == [2, 4, 8]
    assert space["image_size"] == [832, 1088, 1280]
    assert plan_search("best", of(4_000), GPU, NETWORKS).space["architecture"] == list(NETWORKS)
    small = replace(GPU, gpu_memory_bytes=4_000_000_000)
    space = plan_search("best", of(4_000, small_box=0.02, photo_side=4_000), small, NETWORKS).space
    assert max(space["batch_size"]) <= 8
    assert max(space["image_size"]) < 1280
    assert space["architecture"] == list(COMPARED)


def test_photos_are_never_scaled_up_and_small_sets_have_small_batches():
    space = plan_search("best", Facts(60, 8, small_box=0.02, photo_side=400), GPU).space
    assert space["image_size"] == [320]
    assert space["batch_size"] == [2, 4, 8]  # no more than the default, although few steps an epoch are left
    others = plan_search(
        "best", Facts(60, 8, small_box=0.02, photo_side=400), GPU, ("fasterrcnn_efficientnet_lite0",)
    ).space
    assert others["batch_size"] == [2, 4]


def test_larger_photos_are_tried_on_a_cpu_only_for_small_boxes():
    assert "image_size" not in plan_search("best", FRUIT, CPU).space
    plan = plan_search("best", replace(FRUIT, small_box=0.02, photo_side=2_000), CPU)
    assert plan.space["image_size"] == [832, 1088]
    assert "many boxes are small" in plan_text(plan.why)


@pytest.mark.parametrize("trials", [3, 9])
def test_small_boxes_have_larger_photos_from_the_first_trial_on(trials):
    plan = plan_search("best", replace(FRUIT, small_box=0.06), CPU, trials=trials)
    assert plan.space["image_size"] == [544]
    assert plan.image_size == 544
    assert "Photos are scaled to 544 px, because a quarter of the boxes" in plan_text(plan.why)
    usual = plan_search("best", FRUIT, CPU, trials=trials)
    assert usual.image_size == 416
    assert "Photos are scaled to 416 px, because the median box is 40%" in plan_text(usual.why)
    asked = plan_search("best", replace(FRUIT, small_box=0.06), CPU, trials=trials, asked={"image_size": 320})
    assert "Photos are scaled" not in plan_text(asked.why)


def test_what_is_decided_already_counts_and_is_not_claimed():
    asked = {"batch_size": 4, "weight_decay": False}
    plan = plan_search("best", FRUIT, CPU, trials=9, pruner="median", asked=asked)
    assert plan.trials == 9
    assert list(plan.space) == ["augmentation"]
    assert "as requested" in plan_text(plan.why)
    assert not any(word in plan_text(plan.why) for word in ("batches", "weight decay", "worse than the median"))


@pytest.mark.parametrize("trials", [3, 9])
def test_what_varies_because_it_was_asked_for_is_named_too(trials):
    why = plan_text(plan_search("balanced", FRUIT, CPU, trials=trials, asked={"ema_decay": True, "batch_size": 8}).why)
    assert "weight averaging" in why
    assert "batch" not in why
    everything = {"lr": 1e-3, "weight_decay": 0.0}
    assert "only backbone rate factor" in plan_text(plan_search("balanced", FRUIT, CPU, asked=everything).why)
    everything |= {"backbone_lr_factor": 0.3}
    assert "Nothing varies" in plan_text(plan_search("balanced", FRUIT, CPU, asked=everything).why)


def test_the_size_of_photos_is_that_of_the_model_to_begin_with_or_what_was_asked_for():
    own, small, model = (
        plan_search("best", of(4_000, small_box=0.4), CPU, image_size=size, asked=asked)
        for size, asked in ((None, {}), (None, {"image_size": 96}), (96, {}))
    )
    assert small.trials == model.trials > own.trials  # which take less time each
    assert small.why[0] == model.why[0] != own.why[0]
    large = plan_search("best", of(4_000), GPU, asked={"image_size": [320, 1280]})
    assert max(large.space["batch_size"]) < max(plan_search("best", of(4_000), GPU).space["batch_size"])


@pytest.mark.parametrize("preset", PRESETS)
@pytest.mark.parametrize("hardware", [CPU, GPU, FOUR_GPUS])
def test_where_predictions_are_to_be_quick_photo_sizes_are_tried_and_none_ends_early(preset, hardware):
    plan = plan_search(preset, FRUIT, hardware, objective=Objective.parse("map50+latency"))
    assert plan.pruner == "none"
    space = make_space(plan.space)
    asked = {"trials": plan.trials, "epochs": plan.epochs, "pruner": "none", "objective": "map50+latency"}
    SearchSpec("fruit", "fruit", space=space, **asked).check()
    assert "photo sizes of" in plan_text(plan.why)
    assert "no trial is pruned" in plan_text(plan.why)


def test_sizes_for_speed_lie_around_that_of_the_model_and_are_left_alone_where_they_are_asked_for():
    quick = {"objective": Objective.parse("map50_95+latency")}
    assert plan_search("quick", FRUIT, CPU, **quick).space["image_size"] == [256, 320, 416]
    assert plan_search("balanced", FRUIT, CPU, **quick).space["image_size"] == [320, 416, 544]
    assert plan_search("balanced", FRUIT, CPU, image_size=96, **quick).space["image_size"] == [64, 96, 128]
    small = replace(FRUIT, photo_side=300)  # photos are never scaled up beyond the network's own size
    assert plan_search("balanced", small, CPU, **quick).space["image_size"] == [256, 320]
    assert plan_search("balanced", FRUIT, CPU, asked={"architecture": list(NETWORKS)}, **quick).space == {}
    assert plan_search("best", FRUIT, CPU, NETWORKS, **quick).space["image_size"] == [320, 416, 544]
    assert plan_search("balanced", FRUIT, CPU, asked={"image_size": [64, 96]}, **quick).space == {}


def test_the_reasons_name_what_they_follow_from():
    why = plan_text(plan_search("balanced", FRUIT, CPU).why)
    assert "3 trials of 20 epochs, because the CPU needs about" in why
    assert "240 training photos" in why
    assert "they vary only learning rates and weight decay" in why
    assert "each of 4 GPUs" in plan_text(plan_search("balanced", FRUIT, FOUR_GPUS).why)


def test_an_unknown_preset_lists_what_there_is():
    with pytest.raises(SearchError, match="quick, balanced, best"):
        plan_search("fastest", FRUIT, CPU)


@pytest.mark.parametrize("hardware", [CPU, GPU, FOUR_GPUS])
def test_quick_and_balanced_train_the_default_network_and_say_why(hardware):
    for preset in ("quick", "balanced"):
        plan = plan_search(preset, FRUIT, hardware, NETWORKS)
        assert "architecture" not in plan.space
        assert "Trials train NanoDet-g: it learns quickest" in plan_text(plan.why)


@pytest.mark.parametrize("trials", [None, 3])
def test_best_compares_networks_also_on_a_cpu_and_says_why(trials):
    plan = plan_search("best", FRUIT, CPU, NETWORKS, trials=trials)
    assert plan.space["architecture"] == list(COMPARED)
    assert first_trial(make_space(plan.space)).architecture == "nanodet_g"
    told = "Trials compare NanoDet-g, NanoDet-g at two scales and Faster R-CNN on EfficientNet-Lite0, because"
    assert told in plan_text(plan.why)
    assert (
        "end highest. Photos are scaled to 416 px (320 px for Faster R-CNN on EfficientNet-Lite0), because"
        in plan_text(plan.why)
    )
    sized = plan_search("best", FRUIT, CPU, NETWORKS, trials=trials, asked={"image_size": 320})
    assert "end highest. " in plan_text(sized.why)
    assert told in plan_text(explain_entries(replace(plan, space=make_space(plan.space)), FRUIT, CPU))
    assert "architecture" not in plan_search("best", FRUIT, CPU, NETWORKS, trials=2).space
    assert "architecture" not in plan_search("best", FRUIT, CPU).space  # no other is usable


def test_a_slower_network_counts_in_the_number_of_trials():
    photos = of(6_000)
    assert plan_search("best", photos, CPU, NETWORKS).trials < plan_search("best", photos, CPU).trials


def test_a_network_that_is_asked_for_is_not_explained():
    asked = {"architecture": "fasterrcnn_efficientnet_lite0"}
    plan = plan_search("best", FRUIT, CPU, ("fasterrcnn_efficientnet_lite0",), asked=asked)
    assert plan.image_size == 320
    assert "architecture" not in plan.space
    assert "Trials train" not in plan_text(plan.why)
    assert "Trials compare" not in plan_text(plan.why)


@pytest.mark.parametrize(
    ("preset", "photo_side", "small_box", "size", "words"),
    [
        ("quick", 640, 0.3, 320, "Photos are scaled to 320 px, because the median box"),
        ("balanced", 640, 0.3, 416, "Photos are scaled to 416 px, because the median box"),
        ("best", 400, 0.3, 320, "Photos are scaled to 320 px instead of the usual 416, because they are smaller."),
        ("balanced", 400, 0.01, 320, "but the photos are no larger"),
        ("balanced", 4000, 0.06, 544, "would be smaller than 32 px at the usual 416"),
        ("quick", 4000, 0.06, 640, "would be smaller than 32 px at the usual 320"),
        ("balanced", 4000, 0.01, 832, "would be smaller than 32 px at the usual 416"),
    ],
)
def test_the_photo_size_follows_from_network_preset_photos_and_boxes(preset, photo_side, small_box, size, words):
    facts = replace(FRUIT, photo_side=photo_side, small_box=small_box)
    plan = plan_search(preset, facts, CPU)
    assert plan.image_size == size
    assert first_trial(make_space(plan.space)).image_size == size
    assert words in plan_text(plan.why)


def classes_told(*classes, **options):
    return plan_text(plan_search("balanced", replace(FRUIT, classes=classes), CPU, **options).why)


def test_the_classes_that_coco_knows_are_told_before_the_search():
    reused = "which trials reuse if the objects look alike"
    told = classes_told("apple", "banana", "kiwi")
    assert f"COCO knows apple and banana by name, {reused}; kiwi is new to it." in told
    told = classes_told("APPLE", "Hot Dog")
    assert f"COCO knows APPLE (as apple) and Hot Dog (as hot dog) by name, {reused}." in told
    assert "COCO" not in classes_told("Apfel", "apple fruit").replace("COCO's boxes", "")
    many = classes_told(*COCO_CLASSES, "unicorn", "yeti")
    assert f"knows person, bicycle, car, motorcycle, airplane and 75 more by name, {reused}; unicorn and yeti" in many
    asked = {"architecture": "fasterrcnn_efficientnet_lite0"}
    assert "knows" not in classes_told("apple", networks=tuple(asked.values()), asked=asked)
    assert "knows" not in classes_told("apple", image_size=320)  # of a model to start from
    entered = replace(plan_search("balanced", FRUIT, CPU), space=make_space())
    facts = replace(FRUIT, classes=("apple",))
    assert f"COCO knows apple by name, {reused}." in plan_text(explain_entries(entered, facts, CPU))
    assert "knows" not in plan_text(explain_entries(entered, facts, CPU, pretrained=False))


def test_a_plural_is_not_matched_but_the_remedy_is_told():
    told = classes_told("Apples", "knives", "people", "kiwi")
    assert "COCO knows no class by its name, but Apples is probably its apple, knives is probably its knife and" in told
    assert "rename a class in a new version of the data set to reuse that" in told
    mixed = classes_told("apple", "apples", "wine glasses")
    assert (
        "COCO knows apple by name, which trials reuse if the objects look alike; apples and wine glasses are new to it."
        in mixed
    )
    assert "wine glasses is probably its wine glass: rename" in mixed
    assert "apples is probably" not in mixed  # COCO's apple is taken


@pytest.mark.parametrize("preset", PRESETS)
def test_the_told_time_is_the_forecast_of_the_planned_search(preset):
    plan = plan_search(preset, FRUIT, CPU, NETWORKS)  # best: two networks, each with a usual photo size of its own
    effort = next(reason.values for reason in plan.why if reason.kind == "effort")
    photos = FRUIT.train_photos, FRUIT.val_photos
    whole = forecast_search(photos, plan.trials, plan.epochs, make_space(plan.space), CPU)
    assert (effort["least_seconds"], effort["most_seconds"]) == (whole.least_seconds, whole.most_seconds)
