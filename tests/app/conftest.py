"""Pages run by Streamlit itself, without a browser."""

import json
from contextlib import ExitStack
from functools import cache
from pathlib import Path
from urllib.parse import parse_qsl
from zlib import crc32

import pytest
import streamlit as st
from streamlit import config
from streamlit.components.v2 import manifest_scanner
from streamlit.testing.v1 import AppTest

from autodet.datasets.imports.import_dataset import import_dataset
from autodet.inference import (
    auto_label_jobs,
    bundle_graph,
    detector,
    dropped_photos,
    evaluation_jobs,
    int8_jobs,
    label_order_jobs,
    latency_jobs,
    tile_gain_jobs,
)
from autodet.lock import hold_lock
from autodet.models.store import StoredModel, add_model
from autodet.records import EpochResult, SearchStatus, TrialStatus
from autodet.search import trial_jobs
from autodet.search.order.spec import SearchSpec
from autodet.search.status.status_file import write_snapshot
from autodet.ui.common.frame import PAGES
from autodet.ui.home import demo
from tests.helpers import untrained_bundle, write_voc

ROOT = Path(__file__).parents[2]


@pytest.fixture
def demo_photos():
    """The photos of the demo on Home, where every visit begins; most tests do without."""
    return ()


@pytest.fixture(autouse=True)
def _quick_predictions(monkeypatch, demo_photos):
    """The pages predict and evaluate in this process; ``tests/inference`` and the browser's tests try the others."""
    monkeypatch.setattr(detector, "load_detector_apart", detector.load_detector)
    jobs = (auto_label_jobs, evaluation_jobs, int8_jobs, label_order_jobs, latency_jobs, tile_gain_jobs, trial_jobs)
    for module in (*jobs, bundle_graph, dropped_photos):
        monkeypatch.setattr(module, "run_apart", lambda job, work, *given: work(*given, job.report_step))
    monkeypatch.setattr(demo, "SHOWN", demo_photos)


@pytest.fixture(scope="session", autouse=True)
def _installed_packages_are_scanned_once():
    """Streamlit reads the metadata of every installed package at each start, that is for each ``AppTest``."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(manifest_scanner, "scan_component_manifests", cache(manifest_scanner.scan_component_manifests))
        yield


@pytest.fixture
def visit(workspace):
    """Open a page as a new visitor, with things chosen elsewhere; an unforeseen error fails the test."""
    st.cache_data.clear()
    st.cache_resource.clear()
    config.set_option("server.address", "127.0.0.1")

    def visit(name: str, **chosen: object) -> AppTest:
        app = AppTest.from_file(str(ROOT / "app.py"), default_timeout=60)
        for key, value in chosen.items():
            app.session_state[key] = value
        return checked(checked(app.run()).switch_page(f"pages/{name}.py").run())

    return visit


def checked(app: AppTest) -> AppTest:
    """The app, if no page has failed."""
    assert not app.exception, app.exception
    assert not any("went wrong" in error.value for error in app.error), "the page failed; see the log"
    return app


def says(app: AppTest) -> str:
    """Everything on the page that is text."""
    parts = [*app.markdown, *app.caption, *app.info, *app.warning, *app.error, *app.success, *app.title, *app.subheader]
    return "\n".join(part.value for part in parts)


@pytest.fixture
def offered(monkeypatch):
    """What pages offer for download, by file name; what is made on request is a function."""
    found = {}
    download_button = st.download_button

    def noting(label, data, file_name, *args, **kwargs):
        found[file_name] = data
        return download_button(label, data, file_name, *args, **kwargs)

    monkeypatch.setattr(st, "download_button", noting)
    return found


def viewer_data(app: AppTest, component: str = "autodet_photo_viewer") -> dict:
    """The values that the photo viewer of a page, or another component, sends to the browser."""
    (found,) = components_data(app, component)
    return found


def components_data(app: AppTest, component: str) -> list[dict]:
    """The values that all components of a name send to the browser, in their order on the page."""
    found = [part for part in app.get("bidi_component") if part.proto.component_name == component]
    return [json.loads(part.proto.json) for part in found]


def labels(elements) -> list[str]:
    return [element.label for element in elements]


def labelled(elements, label: str):
    """The one element with a label."""
    (found,) = [element for element in elements if element.label == label]
    return found


def link(app: AppTest, label: str):
    """The one link to a page with a label."""
    (found,) = [element for element in app.get("page_link") if element.value == label]
    return found


def primary_links(app: AppTest) -> list[str]:
    """The labels of the links that stand out."""

    def below(block, primary):
        for child in getattr(block, "children", {}).values():
            if child.type == "page_link" and primary:
                yield child.value
            yield from below(child, "link primary" in getattr(child.proto, "id", ""))

    return list(below(app.main, False))


def follow(app: AppTest, label: str) -> AppTest:
    """Go where a link leads, as the browser does: to its page and with its address."""
    target = link(app, label).proto
    app.query_params.clear()
    for key, value in parse_qsl(target.query_string):
        app.query_params[key] = value
    names = {entry.address: name for name, entry in PAGES.items() if entry.address} | {"": "home"}
    return checked(app.switch_page(PAGES[names.get(target.page, target.page)].path).run())


def address(app: AppTest) -> dict[str, str]:
    """What the page's address names."""
    return dict(app.session_state["in the address"])


@pytest.fixture
def search_there(workspace):
    """Write a search into the workspace as its supervisor would have; a running one has its lock held."""
    with ExitStack() as locks:

        def search_there(search="fruit", state="finished", trials=(), dataset="sample", **facts) -> SearchStatus:
            folder = workspace.searches / search
            folder.mkdir()
            defaults = {
                "planned_trials": 3,
                "planned_epochs": 20,
                "seconds": 600.0,
                "created": "2026-01-02T10:00:00+00:00",
            }
            status = SearchStatus(search, dataset, state, tuple(trials), **(defaults | facts))
            SearchSpec(name=search, dataset=dataset).write(folder)
            write_snapshot(folder, status)
            if state == "running":
                locks.enter_context(hold_lock(folder))
            return status

        yield search_there


def trial(number=0, state="finished", scores=(0.2, 0.6, 0.5), latency_ms=None, **facts) -> TrialStatus:
    epochs = tuple(
        EpochResult(epoch, 1.0 / epoch, score, score / 2, 3.0, latency_ms=latency_ms)
        for epoch, score in enumerate(scores, 1)
    )
    return TrialStatus(number, state, {"lr": 1e-3, "backbone_lr_factor": 0.3, "weight_decay": 1e-4}, epochs, **facts)


@pytest.fixture
def model_there(workspace, tmp_path):
    """Put a model that nobody asks to predict into the workspace."""

    def model_there(name="fruit", map50=0.9, classes=("apple", "banana"), dataset="fruit") -> StoredModel:
        path = untrained_bundle(
            tmp_path / "model.autodet",
            classes,
            seed=crc32(name.encode()),
            name=name,
            image_size=320,
            dataset=dataset,
            dataset_fingerprint="f" * 64,
            metrics={"map50": map50, "map50_95": map50 / 2},
            params={"lr": 0.001},
            epoch=7,
            created="2026-01-02T10:00:00+00:00",
            versions={"autodet": "0.1.0"},
        )
        return add_model(path, name, workspace)

    return model_there


@pytest.fixture
def fruit(workspace, tmp_path):
    return import_dataset(write_voc(tmp_path / "fruit"), "fruit", workspace=workspace)


@pytest.fixture
def launched(monkeypatch):
    """Searches that were started; their supervisors are not."""

    folders = []
    monkeypatch.setattr("autodet.search.start.launch", folders.append)
    monkeypatch.setattr("autodet.ui.home.sample_start.stand_by", lambda home: folders.append)
    return folders
