"""Push, pull, list and tag, in a folder and in a bucket."""

import json

import pytest

import autodet
from autodet.access.change import AccessError
from autodet.access.visitor import Visitor, acting_as
from autodet.errors import AutodetWarning, BundleError, NotFoundError, RegistryError
from autodet.models.store import add_model, list_models
from autodet.registry.bundles import find_any_model
from autodet.registry.exchange import save_version
from tests.helpers import untrained_bundle
from tests.registry.conftest import small_bundle

ANA = Visitor("ana@example.org", "editor")


def test_a_pushed_model_is_listed_with_its_figures_and_its_origin(place, bundle):
    with acting_as(ANA):
        pushed = autodet.push_model(bundle, tag="staging")
    (model,) = autodet.list_registry()
    assert (model.name, model.tags) == ("fruit-salad", {"staging": 1})
    (version,) = model.versions
    assert version == pushed
    assert (version.reference, version.model, version.pushed_by) == ("fruit-salad@1", "Fruit Salad", "ana@example.org")
    assert version.metrics == {"map50": 0.5, "map50_95": 0.25}
    assert (version.classes, version.image_size) == (("apple", "banana"), 320)
    assert (version.dataset, version.dataset_fingerprint, version.autodet) == ("fruit", "f" * 64, "0.1.0")


def test_a_person_can_read_the_registry_without_autodet(place, bundle):
    version = autodet.push_model(bundle, "fruit", "production")
    document = json.loads(place.content("fruit/versions/1.json"))
    assert place.content(document["file"]) == bundle.read_bytes()
    assert document["sha256"] in document["file"]
    assert json.loads(place.content("fruit/tags/production/1.json"))["version"] == 1
    assert len(place.keys()) == 4, "with the marker"
    assert version.to_json() == document


def test_the_same_bundle_is_one_version(place, bundle, tmp_path):
    first = autodet.push_model(bundle, "fruit")
    other = autodet.push_model(small_bundle(tmp_path / "b.autodet", b"other"), "fruit")
    assert autodet.push_model(bundle, "fruit") == first
    assert [version.version for version in autodet.list_registry("fruit")[0].versions] == [2, 1]
    assert other.version == 2


def test_a_model_is_found_by_number_tag_and_name(place, tmp_path, workspace):
    bundles = [small_bundle(tmp_path / f"{number}.autodet", bytes([number])) for number in (1, 2, 3)]
    for one in bundles:
        autodet.push_model(one, "fruit")
    autodet.tag_model("fruit@2", "production")
    found = {
        reference: find_any_model(f"registry:{reference}") for reference in ("fruit", "fruit@1", "fruit@production")
    }
    assert {reference: model.id for reference, model in found.items()} == {
        "fruit": "fruit@3",
        "fruit@1": "fruit@1",
        "fruit@production": "fruit@2",
    }
    assert found["fruit@production"].path.read_bytes() == bundles[1].read_bytes()
    assert list_models(workspace) == []


def test_a_tag_keeps_its_history_and_can_be_moved_back(place, tmp_path):
    for number in (1, 2):
        autodet.push_model(small_bundle(tmp_path / "a.autodet", bytes([number])), "fruit", "production")
    with acting_as(ANA):
        back = autodet.tag_model("fruit@1", "production")
    assert (back.version, back.before, back.moved_by) == (1, 2, "ana@example.org")
    (model,) = autodet.list_registry("fruit")
    assert model.tags == {"production": 1}
    assert [(move.before, move.version) for move in model.moves["production"]] == [(2, 1), (1, 2), (None, 1)]
    assert autodet.tag_model("fruit@1", "production") == back, "it is there already"


def test_a_tag_that_others_have_moved_stays_there(place, tmp_path):
    for number in (1, 2, 3):
        autodet.push_model(small_bundle(tmp_path / "a.autodet", bytes([number])), "fruit")
    seen = autodet.tag_model("fruit@1", "production").move
    with acting_as(ANA):
        autodet.tag_model("fruit@2", "production", seen=seen)
    with pytest.raises(RegistryError, match=r"ana@example\.org has moved the tag 'production' to version 2"):
        autodet.tag_model("fruit@3", "production", seen=seen)
    with pytest.raises(RegistryError, match="since you saw it"):
        autodet.tag_model("fruit@3", "production", seen=0)
    assert autodet.tag_model("fruit@2", "production", seen=0).move == 2, "it is where it should be"
    assert autodet.list_registry("fruit")[0].tags == {"production": 2}


@pytest.mark.slow
def test_a_pulled_model_is_the_pushed_one(bucket_place, tmp_path, workspace):
    model = add_model(untrained_bundle(tmp_path / "fruit.autodet"), "Fruit", workspace)
    version = autodet.push_model(model)
    content = model.path.read_bytes()
    assert autodet.pull_model("fruit@1").id == model.id, "it is here already"
    autodet.delete_model("fruit")
    pulled = autodet.pull_model("fruit")
    assert pulled.path.read_bytes() == content
    assert pulled.brought
    assert autodet.pull_model("fruit") == pulled
    assert autodet.push_model(pulled) == version
    assert save_version("fruit", tmp_path / "out.autodet") == version
    assert (tmp_path / "out.autodet").read_bytes() == pulled.path.read_bytes()


@pytest.mark.parametrize(
    ("reference", "sentence"),
    [
        ("kiwi", "has no model 'kiwi'; it has fruit"),
        ("fruit@2", "has no version 2; it has 1"),
        ("fruit@production", "has no tag 'production'; its tags are staging"),
        ("fruit@", "cannot be called ''"),
        ("../fruit", "such as 'fruit'"),
        ("fruit/../../x@1", "such as"),
        ("Fruit@1", "such as 'fruit'"),
        ("fruit@../../x", "such as 'x'"),
        ("fruit@\u0663", "looks like the number"),
        ("fruit@0", "looks like the number"),
        ("fruit@99999999999", "looks like the number"),
    ],
)
def test_a_model_that_is_not_there_is_a_sentence(folder_place, bundle, reference, sentence):
    autodet.push_model(bundle, "fruit", "staging")
    with pytest.raises((NotFoundError, RegistryError), match=sentence):
        autodet.pull_model(reference)


@pytest.mark.parametrize("name", ["Bad Name", "a/b", "..", ".hidden", "a.b", "ÄÖ", "", "-", "x" * 61])
def test_a_name_that_is_no_key_is_refused(folder_place, bundle, name):
    with pytest.raises(RegistryError, match="cannot be called"):
        autodet.tag_model("fruit", name)
    if name:
        with pytest.raises(RegistryError, match="cannot be called"):
            autodet.push_model(bundle, name)
    assert folder_place.keys() == []


def test_a_damaged_bundle_is_not_pushed(place, bundle):
    content = bytearray(bundle.read_bytes())
    content[len(content) // 2] ^= 1
    bundle.write_bytes(content)
    with pytest.raises(BundleError):
        autodet.push_model(bundle)
    assert place.keys() == []


def test_a_changed_bundle_is_not_pulled(place, bundle, tmp_path):
    version = autodet.push_model(bundle, "fruit")
    other = small_bundle(tmp_path / "b.autodet", b"WEIGHTS")
    place.put(version.file, other.read_bytes())
    with pytest.raises(RegistryError, match="not the one that was pushed"):
        find_any_model("registry:fruit")
    place.delete(version.file)
    with pytest.raises(NotFoundError, match="lacks"):
        find_any_model("registry:fruit")
    assert autodet.push_model(bundle, "fruit") == version, "which brings the bundle back"
    assert find_any_model("registry:fruit").path.read_bytes() == bundle.read_bytes()


def test_a_damaged_copy_in_the_workspace_is_fetched_again(place, bundle):
    autodet.push_model(bundle, "fruit")
    kept = find_any_model("registry:fruit").path
    kept.write_bytes(b"damaged")
    assert find_any_model("registry:fruit").path.read_bytes() == bundle.read_bytes()


HOSTILE = {
    "not JSON": b"{",
    "deep": b"[" * 100_000,
    "a list": b"[]",
    "of a later format": b'{"format": "autodet-registry-2", "name": "fruit", "version": 2}',
    "of another version": b'{"format": "autodet-registry-1", "name": "fruit", "version": 1}',
    "without a checksum": b'{"format": "autodet-registry-1", "name": "fruit", "version": 2, "size_bytes": 1}',
    "a path as checksum": b'{"format": "autodet-registry-1", "name": "fruit", "version": 2, "size_bytes": 1, '
    b'"sha256": "../../../../etc/passwd"}',
    "endless": b'{"format": "autodet-registry-1", "name": "fruit", "version": 2, "size_bytes": 1e999, "sha256": "'
    + b"a" * 64
    + b'"}',
}


@pytest.mark.parametrize("content", HOSTILE.values(), ids=HOSTILE.keys())
def test_a_document_that_is_not_autodets_is_left_out(folder_place, bundle, content, tmp_path):
    autodet.push_model(bundle, "fruit")
    folder_place.put("fruit/versions/2.json", content)
    with pytest.warns(AutodetWarning, match=r"fruit/versions/2\.json of the registry is damaged"):
        (model,) = autodet.list_registry()
    assert [version.version for version in model.versions] == [1]
    with pytest.raises(RegistryError, match="is damaged"):
        find_any_model("registry:fruit@2")
    with pytest.warns(AutodetWarning):
        assert autodet.push_model(small_bundle(tmp_path / "b.autodet", b"b"), "fruit").version == 3


def test_a_tag_whose_last_move_is_damaged_names_nothing(folder_place, bundle):
    autodet.push_model(bundle, "fruit", "production")
    folder_place.put("fruit/tags/production/2.json", b"{}")
    with pytest.raises(RegistryError, match=r"production/2\.json of the registry is damaged"):
        find_any_model("registry:fruit@production")
    with pytest.warns(AutodetWarning):
        assert autodet.list_registry()[0].tags == {}
    with pytest.warns(AutodetWarning):
        assert autodet.tag_model("fruit@1", "production").move == 3
    assert find_any_model("registry:fruit@production").id == "fruit@1"


def test_values_of_the_registry_are_plain(folder_place, bundle):
    autodet.push_model(bundle, "fruit")
    document = json.loads(folder_place.content("fruit/versions/1.json"))
    document |= {
        "model": "a\n\x1b[31m" + "b" * 9999,
        "pushed_by": 7,
        "classes": {},
        "metrics": {"map50": "high", "x": 1},
    }
    document |= {"image_size": -1, "evaluations": {"test": 3}, "trial": True, "unknown": 1}
    folder_place.put("fruit/versions/1.json", json.dumps(document).encode())
    (version,) = autodet.list_registry()[0].versions
    assert "\n" not in version.model and "\x1b" not in version.model and len(version.model) == 1000
    assert (version.pushed_by, version.classes, version.image_size, version.trial) == ("", (), 0, None)
    assert (version.metrics, version.evaluations) == ({"x": 1.0}, {"test": {}})


def test_files_of_others_are_left_alone(place, bundle):
    for key in (
        "readme.txt",
        "Photos/1.jpg",
        "fruit/versions/01.json",
        "fruit/versions/x.json",
        "fruit/tags/A b/1.json",
    ):
        place.put(key, b"?")
    assert autodet.list_registry() == []
    assert autodet.push_model(bundle, "fruit").version == 1
    assert [model.name for model in autodet.list_registry()] == ["fruit"]


def test_viewers_neither_push_nor_tag_nor_pull(place, bundle):
    autodet.push_model(bundle, "fruit")
    with acting_as(Visitor("eve", "viewer")):
        for change in (
            lambda: autodet.push_model(bundle, "fruit"),
            lambda: autodet.tag_model("fruit", "production"),
            lambda: autodet.pull_model("fruit"),
        ):
            with pytest.raises(AccessError, match="Only editors"):
                change()
    assert autodet.list_registry()[0].tags == {}


def test_without_a_registry_there_is_a_sentence(workspace, bundle, monkeypatch):
    monkeypatch.delenv("AUTODET_REGISTRY", raising=False)
    with pytest.raises(RegistryError, match="set AUTODET_REGISTRY"):
        autodet.push_model(bundle)


def test_a_folder_that_is_not_mounted_is_a_sentence(workspace, bundle, monkeypatch, tmp_path):
    monkeypatch.setenv("AUTODET_REGISTRY", str(tmp_path / "nowhere"))
    for use in (autodet.list_registry, lambda: autodet.push_model(bundle)):
        with pytest.raises(RegistryError, match="There is no folder"):
            use()
    assert not (tmp_path / "nowhere").exists()
