"""The registry on the command line."""

import json

import pytest

from autodet.cli import main
from tests.helpers import draw_photo, untrained_bundle
from tests.registry.conftest import small_bundle


def run(capsys, *words):
    """The exit status of a command, its standard output, and its sentences."""
    status = main(["registry", *map(str, words)])
    out, err = capsys.readouterr()
    return status, out, err


def test_push_tag_list_and_pull(folder_place, tmp_path, capsys):
    for number in (1, 2):
        bundle = small_bundle(tmp_path / "a.autodet", bytes([number]))
        assert run(capsys, "push", bundle, "--name", "fruit", "--tag", "production")[0] == 0
    assert run(capsys, "tag", "fruit@1", "production")[1] == (
        "The tag production names fruit@1; before, it named version 2.\n"
    )
    listed = run(capsys, "list")[1].splitlines()
    assert [line.split()[:4] for line in listed[1:]] == [
        ["fruit@2", "-", "0.500", "0.250"],
        ["fruit@1", "production", "0.500", "0.250"],
    ]
    assert [line.split()[:3] for line in run(capsys, "list", "fruit")[1].splitlines()[-2:]] == [
        ["production", "1", "2"],
        ["production", "-", "1"],
    ]
    (model,) = json.loads(run(capsys, "list", "--json")[1])
    assert (model["tags"], len(model["versions"]), len(model["moves"]["production"])) == ({"production": 1}, 2, 3)
    assert run(capsys, "pull", "fruit", "--out", tmp_path / "b.autodet")[0] == 0
    assert (tmp_path / "b.autodet").read_bytes() == bundle.read_bytes()


@pytest.mark.parametrize(
    ("words", "sentence"),
    [
        (["pull", "fruit@production"], "has no model 'fruit'; it is empty: push a model"),
        (["push", "nothing"], "There is no model 'nothing'"),
        (["tag", "fruit", "3"], "looks like the number of a version"),
        (["list", "Fruit"], "such as 'fruit'"),
        ([], "registry --help"),
    ],
)
def test_mistakes_are_sentences(folder_place, capsys, words, sentence):
    status, out, err = run(capsys, *words)
    assert (status, out) == (2, "")
    assert sentence in err


@pytest.mark.slow
def test_a_model_of_the_registry_predicts_without_being_in_the_workspace(folder_place, tmp_path, workspace, capsys):
    run(capsys, "push", untrained_bundle(tmp_path / "fruit.autodet"), "--tag", "production")
    draw_photo().save(tmp_path / "photo.png")
    assert main(["predict", "registry:fruit@production", str(tmp_path / "photo.png"), "--json"]) == 0
    (photo,) = json.loads(capsys.readouterr().out)
    assert (photo["width"], photo["height"]) == (64, 48)
    assert not any(workspace.models.iterdir())
