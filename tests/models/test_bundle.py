import hashlib
import json
import re
import zipfile
from dataclasses import replace
from io import BytesIO
from pathlib import Path

import numpy as np
import pytest
import safetensors.numpy

from autodet.errors import BundleError, LaterVersionError
from autodet.models.bundle import DIGEST_BYTES, read_bundle, read_card, write_bundle
from autodet.models.model_card import ModelCard
from autodet.records import MAX_ANCESTORS, Calibration, Origin, ScoreMap

CARD = ModelCard(
    name="fruit",
    classes=("apple", "banana", "Gurke 🥒"),
    architecture="fasterrcnn_efficientnet_lite0",
    image_size=320,
    dataset="fruit",
    dataset_fingerprint="abc",
    metrics={"map50": 0.9, "map50_95": 0.5},
    params={"lr": 0.001},
    epoch=7,
    created="2026-01-01T00:00:00+00:00",
)
WEIGHTS = safetensors.numpy.save({"layer": np.arange(300, dtype=np.float32)})


ORIGIN = Origin("old", "a" * 64, "fruit", "abc").to_json()

MAP = {"raw": [-4.0, 0.0, 4.0], "calibrated": [-6.0, 1.0, 5.0]}
ODD_KNOTS = (
    {"raw": [0.0]},
    {"raw": "abc"},
    {"raw": 3},
    {"raw": None},
    {"raw": ["a", "b", "c"]},
    {"raw": [[0], [1], [2]]},
    {"raw": [-4.0, 4.0]},
    {"raw": [0.0], "calibrated": [0.0]},
    {"raw": [], "calibrated": []},
    {"raw": [-4.0, 0.0, 0.0]},
    {"raw": [-4.0, 0.0, 1e-300]},
    {"calibrated": [-4.0, 2.0, 1.0]},
    {"calibrated": [-4.0, 0.0, float("nan")]},
    {"calibrated": [-4.0, 0.0, float("inf")]},
    {"calibrated": [-4.0, 0.0, 1e300]},
    {"calibrated": [-4.0, 0.0, 10**400]},
    {"raw": list(range(-80, 80)), "calibrated": list(range(-80, 80))},
    {"raw": list(range(500_000)), "calibrated": list(range(500_000))},
)


def nested(ancestors):
    """What is written down of a model that began with one that began with one, and so on."""
    document = None
    for _ in range(ancestors):
        document = ORIGIN | {"start_from": document}
    return document


def levels(count, around=None):
    """So many documents within each other."""
    document = around
    for _ in range(count):
        document = {**(around or {}), "start_from": document}
    return document


def with_description(path, change, weights=WEIGHTS):
    """A whole bundle whose description says something else than this version would write; returns the path."""
    write_bundle(path, CARD, weights)
    with zipfile.ZipFile(path) as archive:
        document = json.loads(archive.read("model.json"))
    content = BytesIO()
    with zipfile.ZipFile(content, "w") as archive:
        archive.comment = b"0" * DIGEST_BYTES
        archive.writestr("model.json", json.dumps(document | change))
        archive.writestr("weights.safetensors", weights)
    sealed = content.getvalue()[:-DIGEST_BYTES]
    path.write_bytes(sealed + hashlib.sha256(sealed).hexdigest().encode())
    return path


@pytest.fixture
def bundle(tmp_path):
    path = tmp_path / "fruit.autodet"
    write_bundle(path, CARD, WEIGHTS)
    return path


def test_what_was_written_is_read_again(bundle):
    card, weights = read_bundle(bundle)
    assert weights == WEIGHTS
    assert replace(card, weights_sha256="") == CARD
    assert read_card(bundle) == card


def test_calibration_thresholds_and_averaged_trials_are_read_again(tmp_path):
    one, other = ScoreMap((-4.0, 4.0), (-9.5, 7.25)), ScoreMap((-4.0, 0.0, 4.0), (-6.0, 1.0, 5.0))
    card = replace(CARD, calibration=Calibration(one, {"banana": other}), thresholds={"apple": 0.4})
    card = replace(card, averaged=(2, 0))
    write_bundle(tmp_path / "fruit.autodet", card, WEIGHTS)
    read = read_card(tmp_path / "fruit.autodet")
    assert replace(read, weights_sha256="") == card
    assert read.all_thresholds == {"apple": 0.4, "banana": 0.5, "Gurke 🥒": 0.5}
    assert CARD.all_thresholds == dict.fromkeys(CARD.classes, 0.5)


def test_the_bundle_holds_safetensors_and_json_only(bundle):
    with zipfile.ZipFile(bundle) as archive:
        assert archive.namelist() == ["model.json", "weights.safetensors"]
        assert json.loads(archive.read("model.json"))["classes"] == list(CARD.classes)
        assert safetensors.numpy.load(archive.read("weights.safetensors"))["layer"][5] == 5


def test_the_documentation_names_every_key_of_the_description(bundle):
    table = Path("docs/bundle.md").read_text().partition("## model.json")[2].partition("## weights")[0]
    documented = re.findall(r"`(\w+)`", " ".join(line.split("|")[1] for line in table.splitlines() if "|" in line))
    with zipfile.ZipFile(bundle) as archive:
        assert set(documented) == set(json.loads(archive.read("model.json")))


@pytest.mark.slow
def test_every_single_changed_byte_is_noticed(bundle):
    content = bundle.read_bytes()
    for position in range(len(content)):
        changed = bytearray(content)
        changed[position] ^= 0x01
        bundle.write_bytes(changed)
        with pytest.raises(BundleError, match=r"fruit\.autodet cannot be used as a model"):
            read_bundle(bundle)


def test_a_bundle_cut_short_anywhere_is_noticed(bundle):
    content = bundle.read_bytes()
    for length in range(0, len(content), 17):
        bundle.write_bytes(content[:length])
        with pytest.raises(BundleError, match="Download it again"):
            read_bundle(bundle)


@pytest.mark.parametrize(
    "change",
    [
        {"format": "coco-1"},
        {"classes": []},
        {"classes": ["a", "a"]},
        {"classes": [1, 2]},
        {"image_size": 10**9},
        {"image_size": "320"},
        {"metrics": {"map50": float("nan")}},
        {"metrics": {"map50": "high"}},
        {"image_size": 4096},
        {"image_size": True},
        {"image_size": 16},
        {"name": "n" * 1_000_000},
        {"name": "two\nlines"},
        {"name": "half \ud800"},
        {"dataset": "\x1b[2J"},
        {"classes": "abc"},
        {"classes": ["c" * 2000]},
        {"classes": ["a", "b\u2028"]},
        {"classes": [str(number) for number in range(20_000)]},
        {"params": {str(number): number for number in range(100_000)}},
        {"params": {"lr": levels(900)}},
        {"params": {"lr": {"deep": 1}}},
        {"params": {"lr": 10**400}},
        {"params": {"lr": "v" * 5000}},
        {"params": {"k" * 5000: 1}},
        {"params": ["lr"]},
        {"versions": {"autodet": "\ud800"}},
        {"preprocessing": {"grey": 114}},
        {"epoch": 10**30},
        {"measured_photos": -1},
        {"latency_ms": True},
        {"reused_classes": ["apple"]},
        {"reused_classes": {"apple": 1}},
        {"similar_classes": {"apple": "fruit"}},
        {"similar_classes": {"apple": [1]}},
        {"similar_classes": {"apple": ["x"] * 1000}},
        {"latency_ms": float("inf")},
        {"created": None},
        {"start_from": ORIGIN | {"dataset": "d" * 1_000_000}},
        {"start_from": levels(900, ORIGIN)},
        {"start_from": "fruit"},
        {"start_from": {"model": "fruit"}},
        {"start_from": ORIGIN | {"refit": "no"}},
        {"averaged": "0, 1"},
        {"averaged": [0, -1]},
        {"averaged": 2},
        {"start_from": ORIGIN | {"weights_sha256": 1}},
        {"start_from": nested(51)},
        {"start_from": nested(400)},
        {"thresholds": {"apple": 1.5}},
        {"thresholds": {"apple": True}},
        {"thresholds": {"apple": "high"}},
        {"thresholds": {"apple": float("nan")}},
        {"thresholds": {"pear": 0.5}},
        {"thresholds": ["apple"]},
        {"class_ap50": {"pear": 0.5}},
        {"class_ap50": {"apple": 1.5}},
        {"thresholds": None},
        {"thresholds": {str(number): 0.5 for number in range(50_000)}},
        {"calibration": "good"},
        {"calibration": {}},
        {"calibration": {"shared": None}},
        {"calibration": {"shared": [0, 1]}},
        {"calibration": {"shared": MAP, "per_class": ["apple"]}},
        {"calibration": {"shared": MAP, "per_class": {"pear": MAP}}},
        {"calibration": {"shared": MAP, "per_class": {"apple": {"raw": [0, 1]}}}},
        *({"calibration": {"shared": MAP | knots}} for knots in ODD_KNOTS),
        *({"calibration": {"shared": MAP, "per_class": {"apple": MAP | knots}}} for knots in ODD_KNOTS),
    ],
)
def test_a_description_that_makes_no_sense_is_refused(tmp_path, change):
    path = with_description(tmp_path / "odd.autodet", change)
    for read in (read_card, read_bundle):
        with pytest.raises(BundleError, match=r"^odd\.autodet cannot be used as a model: \w.*\.$") as caught:
            read(path)
    assert len(str(caught.value)) < 400


def test_entries_of_a_later_version_are_ignored(tmp_path):
    more = {"tiles": {"apple": 0.4}, "start_from": ORIGIN | {"tiles": 2}, "deep": levels(400)}
    more["calibration"] = {"shared": MAP | {"tiles": 2}, "kind": "later"}
    card, weights = read_bundle(with_description(tmp_path / "later.autodet", more))
    calibration = Calibration(ScoreMap(tuple(MAP["raw"]), tuple(MAP["calibrated"])))
    assert replace(card, weights_sha256="") == replace(
        CARD, start_from=Origin.from_json(ORIGIN), calibration=calibration
    )
    assert weights == WEIGHTS


@pytest.mark.parametrize(
    ("versions", "maker"),
    [
        ({"autodet": "0.9.0"}, r"autodet 0\.9\.0"),
        ({"autodet": "x" * 5000}, "a later version of autodet"),
        ({"autodet": {}}, "a later version of autodet"),
        (None, "a later version of autodet"),
    ],
)
def test_a_later_format_says_to_update(tmp_path, versions, maker):
    path = with_description(tmp_path / "later.autodet", {"format": "autodet-4", "versions": versions, "name": 3})
    with pytest.raises(LaterVersionError, match=rf"^later\.autodet was made by {maker}; this is autodet \d.*: update"):
        read_card(path)


@pytest.mark.parametrize("change", [{"name": "n" * 5000}, {"name": "a\nb"}, {"classes": ("\ud800",)}])
def test_what_could_not_be_read_again_is_not_written(tmp_path, change):
    with pytest.raises(BundleError, match=r"cannot be written: its (name|class) has"):
        write_bundle(tmp_path / "odd.autodet", replace(CARD, **change), WEIGHTS)
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize("content", [b"", b"hello", b"PK\x03\x04" + b"\0" * 100, b"[" * 200_000])
def test_a_file_that_is_something_else_is_refused(tmp_path, content):
    path = tmp_path / "notes.autodet"
    path.write_bytes(content)
    with pytest.raises(BundleError, match=r"notes\.autodet"):
        read_bundle(path)


def test_a_missing_file_is_named(tmp_path):
    with pytest.raises(BundleError, match=r"no file .*gone\.autodet"):
        read_bundle(tmp_path / "gone.autodet")


def test_a_compressed_entry_that_could_blow_up_is_refused(tmp_path):
    path = tmp_path / "bomb.autodet"
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr("model.json", b" " * 50_000_000)
        archive.writestr("weights.safetensors", b"")
    with pytest.raises(BundleError):
        read_card(path)


def test_who_trains_on_every_night_keeps_a_model_that_can_be_read(tmp_path):
    path, card = tmp_path / "fruit.autodet", CARD
    for night in range(MAX_ANCESTORS + 3):
        write_bundle(path, card, WEIGHTS)
        card = replace(CARD, start_from=read_card(path).as_origin(f"night {night}"))
    names = [origin.model for origin in read_card(path).start_from.ancestors]
    assert names == [f"night {night}" for night in range(MAX_ANCESTORS + 1, 1, -1)]
