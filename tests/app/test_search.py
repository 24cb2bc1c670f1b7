import os
import time
from dataclasses import replace
from threading import Barrier, Thread

import pytest

from autodet.datasets.imports.import_dataset import import_dataset
from autodet.models.registry import ARCHITECTURES, DEFAULT_ARCHITECTURE
from autodet.search.api import find_search, list_searches
from autodet.search.order.options import OPTIONS
from autodet.search.order.space import Choices, Range
from autodet.search.order.spec import SPEC
from autodet.search.start import start_search
from autodet.ui.search import network_form as networks_of_the_page
from tests.app.conftest import checked, follow, labelled, labels, says
from tests.helpers import APPLE, write_voc


def test_without_a_data_set_it_says_what_to_do(visit):
    app = visit("search")
    assert "no data set yet" in says(app)
    assert "Start training" not in labels(app.button)


def test_the_forecast_follows_the_form(visit, fruit):
    app = visit("search")
    assert labelled(app.number_input, "Trials").value == 3
    assert "3 trials of 100 epochs on 14 training photos" in says(app)
    labelled(app.number_input, "Epochs per trial").set_value(20)
    app = checked(labelled(app.number_input, "Trials").set_value(7).run())
    assert "7 trials of 20 epochs on 14 training photos" in says(app)
    app = checked(labelled(app.number_input, "Time limit in minutes").set_value(1).run())
    assert "time limit ends it" in says(app)


@pytest.mark.slow
def test_the_link_of_a_quick_look_selects_it(visit, fruit):
    app = follow(visit("label"), "Train a detector")
    assert labelled(app.segmented_control, "How much effort").value == "quick"
    app = checked(labelled(app.segmented_control, "How much effort").set_value("best").run())
    assert labelled(checked(app.run()).segmented_control, "How much effort").value == "best"


def test_a_preset_gives_its_reasons_and_is_filled_in_for_the_data_set_until_somebody_changes_it(
    visit, fruit, workspace, tmp_path, launched
):
    app = visit("search")
    labelled(app.get("button_group"), "How much effort").set_value("best")
    app = checked(app.run())
    assert "10 trials of 100 epochs, because" in says(app)
    assert labelled(app.number_input, "Epochs per trial").value == 100
    assert labelled(app.multiselect, "Other parameters to vary or fix").value == [
        "batch_size",
        "augmentation",
        "image_size",
    ]
    assert labelled(app.multiselect, "Batch size").value == ["2", "4", "8"]
    import_dataset(write_voc(tmp_path / "many", 200), "many", workspace=workspace)
    app = checked(app.run())
    app = checked(labelled(app.selectbox, "Data set").select("many").run())
    assert "10 trials of 40 epochs, because" in says(app)
    assert labelled(app.number_input, "Epochs per trial").value == 40
    labelled(app.number_input, "Trials").set_value(9)
    labelled(app.selectbox, "Pruning: end weak trials early").select("none")
    app = checked(app.run())
    checked(labelled(app.button, "Start training").click().run())
    spec = find_search(list_searches(workspace)[0].search, workspace).spec()
    assert (spec.trials, spec.epochs, spec.pruner, spec.patience) == (9, 40, "none", 13)
    assert spec.space["batch_size"] == Choices((2, 4, 8))


def test_on_gpus_trials_may_choose_among_the_networks(visit, fruit, workspace, launched, monkeypatch):
    from autodet.search import start

    monkeypatch.setenv("AUTODET_DEVICES", "cuda:0")
    networks = (DEFAULT_ARCHITECTURE, "fasterrcnn_mobilenet_v3_large_320_fpn")
    monkeypatch.setattr("autodet.ui.search.search_form.usable_networks", lambda preset, on_gpus: networks)
    for module in (networks_of_the_page, start):
        monkeypatch.setattr(module, "weights_problem", lambda name, *_: None)
    app = visit("search")
    labelled(app.get("button_group"), "How much effort").set_value("best")
    app = checked(app.run())
    assert "this is a guess" in says(app)
    app = checked(labelled(app.checkbox, "Let trials choose among the networks").uncheck().run())
    checked(labelled(app.button, "Start training").click().run())
    app = visit("search")
    labelled(app.get("button_group"), "How much effort").set_value("best")
    app = checked(app.run())
    checked(labelled(app.button, "Start training").click().run())
    tried = [find_search(one.search, workspace).spec().space["architecture"] for one in list_searches(workspace)]
    assert set(tried) == {Choices(networks), Choices(networks[:1])}


def test_the_forecast_counts_a_refit_and_the_size_of_photos(visit, fruit):
    app = visit("search")
    app = checked(labelled(app.checkbox, "Retrain the best trial on training and validation photos").check().run())
    assert "and a final retraining" in says(app)
    app = checked(labelled(app.multiselect, "Other parameters to vary or fix").set_value(["image_size"]).run())
    labelled(app.multiselect, "Photo size").set_value(["320", "960"])
    assert (
        " to "
        in says(checked(app.run())).partition("and a final retraining")[0].rpartition("**")[0].rpartition("**")[2]
    )


def test_where_few_combinations_can_be_tried_repeats_are_offered(visit, fruit, launched, workspace):
    app = visit("search")
    labelled(app.number_input, "Trials").set_value(3)
    app.select_slider[0].set_range(1e-3, 1e-3)
    assert not any(box.label.startswith("Repeat") for box in checked(app.run()).checkbox)
    app = checked(
        labelled(app.multiselect, "Other parameters to vary or fix")
        .set_value(["backbone_lr_factor", "weight_decay"])
        .run()
    )
    for name, value in (("Backbone rate factor", 0.1), ("Weight decay", 0.0003)):
        for end in ("from", "to"):
            labelled(app.number_input, f"{name}, {end}").set_value(value)
    app = checked(app.run())
    assert "Only 1 combination can be tried." in says(app) and "for 1 trial of" in says(app)
    box = labelled(app.checkbox, "Repeat: train the same combination again, with other seeds")
    app = checked(box.check().run())
    assert "for 3 trials of" in says(app)
    checked(labelled(app.button, "Start training").click().run())
    (status,) = list_searches(workspace)
    assert (status.planned_trials, find_search(status.search, workspace).spec().repeat) == (3, True)


def test_start_starts_what_was_asked_for_and_leads_to_results(visit, fruit, workspace, launched):
    app = visit("search")
    labelled(app.number_input, "Trials").set_value(4)
    labelled(app.number_input, "Epochs per trial").set_value(5)
    labelled(app.number_input, "Time limit in minutes").set_value(30)
    app.select_slider[0].set_range(1e-4, 1e-2)
    app = checked(app.run())
    app = checked(labelled(app.button, "Start training").click().run())
    (status,) = list_searches(workspace)
    assert (status.planned_trials, status.planned_epochs, status.time_limit) == (4, 5, 1800)
    assert (launched[0] / "spec.json").read_text().count("0.0001") == 1
    assert app.session_state["search"] == status.search
    assert app.title[0].value == "Results"


def test_an_option_without_a_place_of_its_own_is_asked_for_too(visit, fruit, workspace, launched, monkeypatch):
    monkeypatch.setitem(OPTIONS, "seed", replace(OPTIONS["seed"], label="Random seed"))
    app = visit("search")
    labelled(app.number_input, "Random seed").set_value(-1)
    app = checked(app.run())
    assert "Random seed must be a whole number from 0 to 2,147,483,647; got -1." in says(app).replace("\\", "")
    labelled(app.number_input, "Random seed").set_value(7)
    checked(labelled(checked(app.run()).button, "Start training").click().run())
    assert find_search(list_searches(workspace)[0].search, workspace).spec().seed == 7


@pytest.mark.slow
def test_two_browsers_with_the_same_form_start_one_search(visit, fruit, launched, workspace):
    pressed = []
    for _ in range(2):
        app = visit("search")
        labelled(app.number_input, "Trials").set_value(4)
        app = checked(app.run())
        pressed.append(checked(labelled(app.button, "Start training").click().run()))
    assert len(launched) == len(list_searches(workspace)) == 1
    assert [app.title[0].value for app in pressed] == ["Results"] * 2
    assert {app.session_state["search"] for app in pressed} == {launched[0].name}
    app = visit("search")  # another order is another search
    checked(labelled(app.button, "Start training").click().run())
    assert len(launched) == 2


def test_clicks_at_the_same_moment_start_one_search_and_a_later_one_another(fruit, launched, monkeypatch):
    together, found = Barrier(4), []

    def press():
        together.wait(10)
        found.append(start_search(fruit, trials=3, once_within=5).id)

    clicks = [Thread(target=press) for _ in range(4)]
    for click in clicks:
        click.start()
    for click in clicks:
        click.join()
    assert len(launched) == 1
    assert found == [launched[0].name] * 4
    long_ago = time.time() - 6
    os.utime(launched[0] / SPEC, (long_ago, long_ago))
    assert start_search(fruit, trials=3, once_within=5).id != found[0]


def test_weights_out_of_reach_are_told_before_the_start(visit, fruit, monkeypatch, launched):
    problem = "MobileNet cannot start here. Choose NanoDet-g."
    monkeypatch.setattr(
        networks_of_the_page, "weights_problem", lambda name, *_: problem if "mobilenet" in name else None
    )
    app = visit("search")
    assert not labelled(app.button, "Start training").disabled
    app = checked(labelled(app.selectbox, "Network").select("fasterrcnn_mobilenet_v3_large_320_fpn").run())
    assert "cannot start here" in says(app)
    assert labelled(app.button, "Start training").disabled
    app = checked(labelled(app.button, "Use NanoDet-g").click().run())
    assert "cannot start here" not in says(app)
    assert not labelled(app.button, "Start training").disabled


def test_a_data_set_with_nothing_to_judge_by_is_refused_with_a_sentence(visit, workspace, tmp_path, launched):
    write_voc(tmp_path / "only" / "test", 4)
    import_dataset(tmp_path / "only", "only", workspace=workspace)
    app = visit("search")
    assert "split train, so there is nothing to learn from" in says(app)
    assert "Start training" not in labels(app.button)
    assert launched == []


def test_a_cluster_is_offered_only_where_the_settings_name_one(visit, fruit, launched, workspace, monkeypatch):

    assert "Where to run" not in labels(visit("search").get("button_group"))
    monkeypatch.setenv("AUTODET_RAY_ADDRESS", "head:6379")
    monkeypatch.setattr("autodet.search.start.check_cluster", lambda: None)
    app = visit("search")
    labelled(app.get("button_group"), "Where to run").set_value("ray")
    app = checked(app.run())
    assert "on the Ray cluster" in says(app)
    checked(labelled(app.button, "Start training").click().run())
    assert '"executor": "ray"' in (launched[0] / SPEC).read_text()


def test_what_to_try_and_what_for_can_be_chosen(visit, fruit, workspace, launched):
    app = visit("search")
    labelled(app.selectbox, "Objective").select("recall@0.9")
    labelled(app.selectbox, "Sampler").select("random")
    labelled(app.number_input, "Early stopping: epochs without improvement").set_value(4)
    app = checked(
        labelled(app.multiselect, "Other parameters to vary or fix").set_value(["batch_size", "augmentation"]).run()
    )
    labelled(app.multiselect, "Batch size").set_value(["8"])
    labelled(app.number_input, "Augmentation, from").set_value(0.25)
    app = checked(labelled(app.button, "Start training").click().run())
    spec = find_search(list_searches(workspace)[0].search, workspace).spec()
    assert (spec.objective, spec.sampler, spec.pruner, spec.patience) == ("recall@0.9", "random", "median", 4)
    assert spec.space["batch_size"] == Choices((8,))
    assert spec.space["augmentation"] == Range(0.25, 1.5)


def test_networks_are_shown_side_by_side_and_what_cannot_be_had_is_marked(visit, fruit, monkeypatch, tmp_path):
    monkeypatch.setenv("TORCH_HOME", str(tmp_path))
    monkeypatch.setenv("AUTODET_WEIGHTS_URL", "http://127.0.0.1:9")
    app = visit("search")
    table = next(frame.value for frame in app.dataframe if "COCO AP" in frame.value)
    table = table.set_index("Network")
    assert set(table.index) == {architecture.title for architecture in ARCHITECTURES.values()}
    assert "installed" in table.loc[ARCHITECTURES[DEFAULT_ARCHITECTURE].title, "Weights"]
    assert table.loc[ARCHITECTURES["fasterrcnn_efficientnet_lite0"].title, "Fruit mAP"] > 80
    shipped = [architecture.title for architecture in ARCHITECTURES.values() if architecture.weights.shipped]
    missing = table[table["COCO AP"].notna()].drop(shipped)
    assert missing["Fruit mAP"].isna().all()
    assert missing["Weights"].str.contains("not available here").all()
    assert any("not available here" in option for option in labelled(app.selectbox, "Network").options)


def test_quality_and_speed_propose_photo_sizes_and_say_what_follows(visit, fruit, workspace, launched):
    app = checked(labelled(visit("search").selectbox, "Objective").select("map50+latency").run())
    assert "no other trial beats in both" in says(app)
    assert labelled(app.selectbox, "Pruning: end weak trials early").options == ["Never"]
    assert labelled(app.multiselect, "Other parameters to vary or fix").value == ["image_size"]
    assert "falls behind is pruned" not in says(app)
    labelled(app.multiselect, "Other parameters to vary or fix").set_value([])
    app = checked(app.run())
    assert "Vary the photo size" in says(app)
    app = checked(labelled(app.button, "Start training").click().run())
    assert "needs something to try that changes how long a prediction takes" in says(app)
    labelled(app.multiselect, "Other parameters to vary or fix").set_value(["image_size"])
    app = checked(app.run())
    checked(labelled(app.button, "Start training").click().run())
    spec = find_search(list_searches(workspace)[0].search, workspace).spec()
    assert (spec.objective, spec.pruner, spec.space["image_size"]) == (
        "map50+latency",
        "none",
        Choices((256, 320)),  # the photos are small
    )


def test_a_number_that_makes_no_sense_is_said_and_nothing_starts(visit, fruit, launched):
    app = visit("search")
    wrong = {"Trials": 0, "Epochs per trial": 1_000_000, "Time limit in minutes": 0}
    for label, value in wrong.items():
        labelled(app.number_input, label).set_value(value)
    app = checked(app.run())
    text = says(app).replace("\\", "")
    assert "Trials must be a whole number from 1 to 10,000; got 0." in text
    assert "Epochs per trial must be a whole number from 1 to 1,000; got 1,000,000." in text
    assert "Time limit in minutes must be a number from 0.1 to 100,000; got 0." in text
    assert [labelled(app.number_input, label).value for label in wrong] == list(wrong.values())
    assert labelled(app.button, "Start training").disabled
    for label, value in {"Trials": 2.5, "Epochs per trial": 5, "Time limit in minutes": None}.items():
        labelled(app.number_input, label).set_value(value)
    assert "Trials must be a whole number from 1 to 10,000; got 2.5." in says(checked(app.run())).replace("\\", "")
    app = checked(labelled(app.number_input, "Trials").set_value(2).run())
    labelled(app.number_input, "Trials").set_value(0)  # and Start at once, before the page has come back
    app = checked(labelled(app.button, "Start training").click().run())
    assert app.title[0].value == "Train a detector"
    assert not launched
    assert not labelled(
        checked(labelled(app.number_input, "Trials").set_value(2).run()).button, "Start training"
    ).disabled


def test_a_time_limit_of_seconds_is_taken(visit, fruit, launched, workspace):
    app = checked(labelled(visit("search").number_input, "Time limit in minutes").set_value(0.5).run())
    assert "**30 s** at the latest" in says(app)
    checked(labelled(app.button, "Start training").click().run())
    assert list_searches(workspace)[0].time_limit == 30


def test_a_value_to_try_that_makes_no_sense_leaves_the_form_as_it_is(visit, fruit, launched):
    app = checked(
        labelled(visit("search").multiselect, "Other parameters to vary or fix")
        .set_value(["batch_size", "augmentation"])
        .run()
    )
    labelled(app.number_input, "Augmentation, from").set_value(1.9)
    labelled(app.multiselect, "Batch size").set_value(["2000"])
    app = checked(app.run())
    assert "Augmentation (augmentation) from 1.9 to 1.5 is not a range" in says(app).replace("\\", "")
    assert "Batch size (batch_size) cannot be 2000" in says(app).replace("\\", "")
    assert labelled(app.button, "Start training").disabled
    assert labelled(app.checkbox, "Retrain the best trial on training and validation photos")


def test_the_reasons_follow_what_is_entered(visit, fruit):
    app = visit("search")
    assert "3 trials of 100 epochs, because" in says(app)
    labelled(app.number_input, "Trials").set_value(10_000)
    labelled(app.number_input, "Epochs per trial").set_value(1000)
    app = checked(
        labelled(app.multiselect, "Other parameters to vary or fix").set_value(["batch_size", "scheduler"]).run()
    )
    text = says(app)
    assert "10,000 trials of 1,000 epochs, as requested" in text
    assert " days in all" in text
    assert "batches of 2, 4, 8 or 16 photos and schedule" in text
    assert "they vary only" not in text
    app = checked(labelled(app.number_input, "Trials").set_value(3).run())
    assert "schedule, more than so few trials can compare" in says(app)


def test_what_was_entered_is_there_after_a_look_at_another_page(visit, fruit):
    app = visit("search")
    labelled(app.get("button_group"), "How much effort").set_value("quick")
    app = checked(app.run())
    labelled(app.number_input, "Trials").set_value(7)
    labelled(app.number_input, "Time limit in minutes").set_value(9)
    labelled(app.selectbox, "Objective").select("map50_95")
    labelled(app.checkbox, "Retrain the best trial on training and validation photos").check()
    app = checked(labelled(app.multiselect, "Other parameters to vary or fix").set_value(["batch_size"]).run())
    app = checked(labelled(app.multiselect, "Batch size").set_value(["8"]).run())
    app = checked(app.switch_page("pages/results.py").run())
    app = checked(app.switch_page("pages/search.py").run())
    assert labelled(app.get("button_group"), "How much effort").value == "quick"
    assert labelled(app.number_input, "Trials").value == 7
    assert labelled(app.number_input, "Time limit in minutes").value == 9
    assert labelled(app.selectbox, "Objective").value == "map50_95"
    assert labelled(app.checkbox, "Retrain the best trial on training and validation photos").value
    assert labelled(app.multiselect, "Batch size").value == ["8"]


def test_a_class_without_validation_photos_is_told_before_the_start_and_beside_the_score(
    visit, workspace, tmp_path, launched
):
    write_voc(tmp_path / "fruit" / "train", 6, marks=[APPLE, ("![pear](x)", (40, 20, 60, 40))])
    write_voc(tmp_path / "fruit" / "val", 3, marks=[APPLE])
    import_dataset(tmp_path / "fruit", "fruit", workspace=workspace, decisions={"splits_disagree": "keep"})
    app = visit("search")
    assert "no validation photo shows" in says(app)
    app = checked(labelled(app.button, "Start training").click().run())
    assert app.title[0].value == "Results"
    assert "is not evaluated: no validation photo shows it" in says(app).replace("\\", "")
    assert "![pear](" not in says(app)
