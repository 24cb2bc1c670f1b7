"""What a search tries before its sampler chooses."""

import pytest

from autodet.search.order.space import Choices, make_space
from autodet.search.order.spec import SearchSpec
from autodet.search.start import start_search
from autodet.search.study.study import SearchStudy
from tests.helpers import workspace_in

NETWORKS = ["nanodet_g", "fasterrcnn_efficientnet_lite0", "fasterrcnn_mobilenet_v3_large_320_fpn"]


def first_trials(tmp_path, count, space, **facts):
    workspace = workspace_in(tmp_path)
    (workspace.searches / "fruit").mkdir(parents=True)
    study = SearchStudy(workspace, "fruit", SearchSpec("fruit", "fruit", space=make_space(space), **facts))
    return [study.params(study.ask()) for _ in range(count)]


def test_every_network_is_tried_once_with_the_defaults(tmp_path):
    trials = first_trials(tmp_path, 3, {"architecture": NETWORKS})
    assert [trial["architecture"] for trial in trials] == NETWORKS
    assert {trial["lr"] for trial in trials} == {1e-3}
    assert [trial["image_size"] for trial in trials] == [416, 320, 320]


def test_known_good_parameters_come_before_the_other_networks(tmp_path):
    known = {"architecture": NETWORKS[1], "lr": 5e-4}
    trials = first_trials(tmp_path, 3, {"architecture": NETWORKS}, known_good=known)
    assert [(trial["architecture"], trial["lr"]) for trial in trials] == [
        (NETWORKS[0], 1e-3),
        (NETWORKS[1], 5e-4),
        (NETWORKS[2], 1e-3),
    ]


def test_a_single_network_leaves_the_second_trial_to_the_sampler(tmp_path):
    first, second = first_trials(tmp_path, 2, {"architecture": NETWORKS[1]})
    assert first["architecture"] == second["architecture"] == NETWORKS[1]
    assert first["lr"] != second["lr"]


@pytest.mark.parametrize("space", [None, {"architecture": False}, {"lr": 1e-3}])
def test_a_new_search_names_its_network_whatever_is_left_out(data, space):
    spec = start_search(data, space=space, launcher=lambda _folder: None).spec()
    assert spec.space["architecture"] == Choices(("nanodet_g",))


def test_best_compares_networks_by_itself(data):
    spec = start_search(data, preset="best", launcher=lambda _folder: None).spec()
    assert spec.space["architecture"] == Choices(("nanodet_g", "nanodet_g_two_scales", "fasterrcnn_efficientnet_lite0"))
    asked = start_search(data, preset="best", architecture=NETWORKS[1], launcher=lambda _folder: None).spec()
    assert asked.space["architecture"] == Choices((NETWORKS[1],))
