from concurrent.futures import ThreadPoolExecutor

import pytest

from autodet.errors import AutodetError, NotFoundError
from autodet.workspace import (
    Workspace,
    hidden_folder,
    open_workspace,
    portable,
    publish_folder,
    read_json,
    safe_join,
    slug,
    write_atomically,
    write_json,
)


def test_folders_are_made_when_they_are_asked_for(tmp_path):
    workspace = Workspace(tmp_path / "a" / "b")
    assert not workspace.home.exists()
    for folder in (workspace.datasets, workspace.searches, workspace.models):
        assert folder.is_dir()
    assert workspace.optuna_url == f"sqlite:///{tmp_path}/a/b/optuna.db"


def test_the_settings_name_the_workspace(tmp_path, monkeypatch):
    monkeypatch.setenv("AUTODET_HOME", str(tmp_path / "set"))
    monkeypatch.chdir(tmp_path)
    assert open_workspace().home == tmp_path / "set"
    assert open_workspace(tmp_path / "given").home == tmp_path / "given"


def test_a_workspace_that_cannot_be_made_is_a_sentence(tmp_path):
    (tmp_path / "file").write_text("in the way")
    with pytest.raises(AutodetError, match="AUTODET_HOME"):
        _ = Workspace(tmp_path / "file").datasets


@pytest.mark.parametrize(
    ("name", "expected"),
    [
        ("Fruit", "fruit"),
        ("Fruit basket (2nd try)", "fruit-basket-2nd-try"),
        ("Äpfel & Birnen", "äpfel-birnen"),
        ("яблоки", "яблоки"),
        ("../../etc/passwd", "etc-passwd"),
        (".hidden", "hidden"),
        ("a_b__c", "a-b-c"),
        ("x" * 100, "x" * 60),
        ("", "unnamed"),
        ("///", "unnamed"),
    ],
)
def test_names_become_folder_names(name, expected):
    assert slug(name) == expected


@pytest.mark.parametrize("parts", [("..",), ("a", "..", "..", "b"), ("/etc",), ("a\0b",), ("../rootish",)])
def test_nothing_is_joined_that_leads_outside(tmp_path, parts):
    with pytest.raises(NotFoundError, match="plain name"):
        safe_join(tmp_path / "root", *parts)


def test_plain_names_are_joined(tmp_path):
    assert safe_join(tmp_path, "a", "b.json") == tmp_path / "a" / "b.json"
    assert safe_join(tmp_path, "a/../b") == tmp_path / "b"


@pytest.mark.parametrize(
    ("name", "expected"),
    [('4-[x](http:__a) <b>|"*?\n', "4-[x](http-__a) -b------"), ("Äpfel im Korb", "Äpfel im Korb"), (" .", "unnamed")],
)
def test_names_become_names_that_files_may_have_everywhere(name, expected):
    assert portable(name) == expected


def test_published_folders_get_numbers_where_a_name_is_taken(tmp_path):
    names = []
    for content in ("first", "second", "third"):
        with hidden_folder(tmp_path) as hidden:
            (hidden / "content").write_text(content)
            names.append(publish_folder(hidden, tmp_path, "Fruit").name)
    assert names == ["fruit", "fruit-2", "fruit-3"]
    assert (tmp_path / "fruit-2" / "content").read_text() == "second"
    assert sorted(path.name for path in tmp_path.iterdir()) == names


def test_what_is_not_published_is_gone(tmp_path):
    with pytest.raises(ZeroDivisionError), hidden_folder(tmp_path) as hidden:
        (hidden / "half").write_text("done")
        assert hidden.name.startswith(".")
        raise ZeroDivisionError
    assert list(tmp_path.iterdir()) == []


def test_publishing_at_the_same_time_loses_nothing(tmp_path):
    def publish(number):
        with hidden_folder(tmp_path) as hidden:
            (hidden / "content").write_text(str(number))
            return publish_folder(hidden, tmp_path, "fruit")

    with ThreadPoolExecutor(8) as pool:
        folders = list(pool.map(publish, range(24)))
    assert {(folder / "content").read_text() for folder in folders} == {str(number) for number in range(24)}


def test_a_file_is_replaced_as_a_whole(tmp_path):
    path = tmp_path / "file"
    write_atomically(path, b"old")
    write_atomically(path, b"new")
    assert path.read_bytes() == b"new"
    assert list(tmp_path.iterdir()) == [path]


def test_a_write_that_fails_leaves_the_old_content_and_nothing_else(tmp_path):
    path = tmp_path / "file"
    write_atomically(path, b"old")
    with pytest.raises(TypeError):
        write_atomically(path, "text")
    assert path.read_bytes() == b"old"
    assert list(tmp_path.iterdir()) == [path]


def test_json_survives(tmp_path):
    document = {"name": "Äpfel", "counts": [1, 2.5, None], "nested": {"ok": True}}
    write_json(tmp_path / "a.json", document)
    assert read_json(tmp_path / "a.json") == document


@pytest.mark.parametrize("content", [b"", b"{", b"\xff\xfe", b'{"a": 1}trailing'])
def test_damaged_json_is_a_sentence_that_names_the_file(tmp_path, content):
    (tmp_path / "a.json").write_bytes(content)
    with pytest.raises(AutodetError, match=r"a\.json is damaged"):
        read_json(tmp_path / "a.json")
