"""A data set that changes while a search needs it."""

import json
import os
import shutil
import signal

from autodet.datasets.imports.import_dataset import import_dataset
from autodet.datasets.manifest import MANIFEST
from autodet.search.api import find_search
from tests.helpers import write_voc

SEARCH = "fruit"


def moved_box(manifest):
    document = json.loads(manifest.read_text())
    document["images"]["boxes_xyxy"][0] += 1
    manifest.write_text(json.dumps(document))


def test_a_search_whose_data_set_has_changed_is_not_resumed(
    cli, home, data, supervisors, epochs_made, eventually, tmp_path
):
    run = cli("search", "fruit", "--trials", 1, "--epochs", 5, script={"seconds": 0.2})
    eventually(lambda: epochs_made(SEARCH, 0))
    shutil.copytree(data.folder, tmp_path / "original")
    other = import_dataset(write_voc(tmp_path / "other" / "fruit", photos=6), "other", workspace=home)
    shutil.rmtree(data.folder)
    other.folder.rename(data.folder)
    os.kill(supervisors(SEARCH)[0], signal.SIGKILL)
    assert run.ends()[0] == 1
    code, _, err = cli("resume", SEARCH).ends()
    assert (code, "has changed since the search began" in err) == (2, True)
    shutil.rmtree(data.folder)
    code, _, err = cli("resume", SEARCH).ends()
    assert (code, "no longer exists" in err) == (2, True)
    assert find_search(SEARCH, home).status().state == "interrupted"
    (tmp_path / "original").rename(data.folder)
    assert cli("resume", SEARCH).ends()[0] == 0
    assert find_search(SEARCH, home).wait().state == "finished"


def test_a_data_set_that_was_changed_by_hand_is_refused_at_the_start(cli, home, data):
    moved_box(data.folder / MANIFEST)
    code, _, err = cli("search", "fruit").ends()
    assert (code, "changed by hand" in err) == (2, True)
    assert list(home.searches.iterdir()) == []
