import json
import zipfile
from dataclasses import replace
from xml.etree import ElementTree

import pytest

from autodet.datasets.drafts.export import export_drafts
from autodet.datasets.drafts.journal import add_draft_class, propose_labels, read_drafts, save_draft
from autodet.datasets.imports.import_dataset import import_dataset
from autodet.datasets.label_layouts import LAYOUTS
from autodet.errors import DatasetError
from autodet.records import DraftBox
from tests.helpers import workspace_in, write_voc

NAME = """a "quoted" <b>pear</b> & 'more'"""
BOX = DraftBox(NAME, (1.25, 2.5, 30.0, 40.0))
PROPOSAL = DraftBox("apple", (5.0, 5.0, 20.0, 20.0), score=0.8125)


@pytest.fixture
def fruit(workspace, tmp_path):
    """A photo with another label and a proposal, one that has no objects, one without labels, one as imported."""
    dataset = import_dataset(write_voc(tmp_path / "fruit", 4), 'the "fruit" <&>', workspace=workspace)
    add_draft_class(dataset, NAME)
    first, second, third, _ = (record.file for record in dataset.images)
    drafts = read_drafts(dataset)
    save_draft(dataset, replace(drafts.of(first), boxes=(BOX,), reviewed=True))
    propose_labels(dataset, {first: [PROPOSAL]}, "model-1")
    save_draft(dataset, replace(drafts.of(second), boxes=(), reviewed=True))
    save_draft(dataset, replace(drafts.of(third), boxes=(), reviewed=False))
    return dataset


def exported(dataset, format, folder):
    with zipfile.ZipFile(export_drafts(dataset, format, folder / f"{format}.zip")) as archive:
        return {name: archive.read(name) for name in archive.namelist()}


@pytest.mark.parametrize("format", LAYOUTS)
def test_the_labels_as_they_stand_now_come_back(fruit, format, tmp_path):
    archive = export_drafts(fruit, format, tmp_path / f"{format}.zip")
    decisions = {"splits_disagree": "keep"}  # a photo with a class of its own
    again = import_dataset(archive, "again", decisions=decisions, workspace=workspace_in(tmp_path / format))
    first, second, third, fourth = (record.sha256 for record in fruit.images)
    found = {record.sha256: record.annotations for record in again.images}
    assert [again.classes[number] for number in found[first].class_ids] == [NAME]
    assert found[first].boxes_xyxy[0].tolist() == pytest.approx(BOX.box_xyxy, abs=1e-3)
    assert len(found[second]) == 0 and len(found[fourth]) == 2
    assert not len(found.get(third, ()))


def test_label_studio_gets_proposals_as_predictions(fruit, tmp_path):
    files = exported(fruit, "label_studio", tmp_path)
    first, second, third, fourth = json.loads(files["tasks.json"])
    (prediction,) = first["predictions"]
    (region,) = prediction["result"]
    assert prediction["model_version"] == "model-1" and region["score"] == 0.8125
    assert region["value"]["rectanglelabels"] == ["apple"]
    assert [len(task["annotations"][0]["result"]) for task in (first, second, fourth)] == [1, 0, 2]
    assert third["annotations"] == [] and "predictions" not in third
    config = ElementTree.fromstring(files["labeling_config.xml"])
    assert [label.get("value") for label in config.iter("Label")] == ["apple", "banana", NAME]


def test_cvat_gets_all_classes_and_no_proposals(fruit, tmp_path):
    root = ElementTree.fromstring(exported(fruit, "cvat", tmp_path)["annotations.xml"])
    assert [name.text for name in root.iterfind("meta/project/labels/label/name")] == ["apple", "banana", NAME]
    assert [len(image) for image in root.iter("image")] == [1, 0, 0, 2]
    assert root.findtext("meta/project/name") == fruit.name
    subsets = {subset.text for subset in root.iter("subset")}  # without them, Datumaro reads no photo
    assert subsets == {image.get("subset") for image in root.iter("image")}


def test_another_format_is_refused(fruit, tmp_path):
    with pytest.raises(DatasetError, match="label_studio"):
        export_drafts(fruit, "onnx", tmp_path / "it")
