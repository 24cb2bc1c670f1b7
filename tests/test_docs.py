"""Every code block of the documentation works as it is written.

Python runs, document by document, in real processes on a drawn data set; no part of autodet is replaced. Only the
arguments of ``start_search`` and ``fit`` are capped (``tests/documents.py: smaller``): one epoch on photos of 64 pixels
and at most eight trials, so that all of it takes a minute. Command lines go through the real argument parser, which
checks options, choices and numbers; YAML, TOML and JSON are parsed. Blocks that need more than one machine, root or the
network are listed in ``NOT_RUN`` by their first line, so that a new block is never left out silently.
"""

import argparse
import json
import os
import re
import shlex
import shutil
import subprocess
import sys
import tomllib
from dataclasses import asdict

import pytest
import yaml

from autodet import cli
from autodet.inference.onnx_export import export_onnx
from autodet.models.store import find_model
from tests.documents import ROOT, blocks, documents
from tests.helpers import untrained_bundle, zip_folder

NOT_RUN = {
    "git clone <address of this repository> autodet && cd autodet": "clones and installs",
    ".venv/bin/pip install -r requirements-postgresql.txt": "installs; a PostgreSQL server",
    ".venv/bin/pip install -r requirements-ray.txt": "installs; its last line is parsed",
    "ray get-auth-token --generate         # writes ~/.ray/auth_token": "a cluster, and the user's own folder",
    'autodet.start_search(data, trials=200, executor="ray")': "a cluster; tests/search/executors/test_ray.py has one",
}
SHELL = {"", "sh", "bash", "console"}
PARSERS = {"json": json.loads, "toml": tomllib.loads, "yaml": yaml.safe_load, "yml": yaml.safe_load}
DRAWING = "text"  # the language of drawings, which say nothing that could be run

BLOCKS = blocks()
PYTHON = [block for block in BLOCKS if block.language == "python" and block.first_line not in NOT_RUN]
COMMAND = re.compile(r"`[^`\n]*python -m autodet ([^`]+)`")
PLACEHOLDERS = {
    "TRIAL": "1",
    "SECONDS": "60",
    "PORT": "8501",
    "KIND=ACTION": "box_outside=drop",
    "OLD=NEW": "a=b",
    "NAME=VALUES": "lr=1e-3",
}


def test_every_block_is_of_a_language_that_is_checked():
    known = {"python", DRAWING, *SHELL, *PARSERS}
    assert [f"{block}: {block.language}" for block in BLOCKS if block.language not in known] == []
    drawn = [str(block) for block in BLOCKS if block.language == DRAWING and re.search("autodet[. ]", block.text)]
    assert drawn == [], "these are no drawings"
    assert set(NOT_RUN) <= {block.first_line for block in BLOCKS}, "a block that is gone is still in NOT_RUN"


@pytest.fixture(scope="module")
def folder(sample_folder, tmp_path_factory):
    """The files of the examples: ``fruit.zip``, in which some oranges are mandarins, ``photo.jpg``, ``fruit.onnx``."""
    folder = tmp_path_factory.mktemp("reader")
    labelled = shutil.copytree(sample_folder, folder / "labelled")
    for path in sorted(labelled.rglob("*.xml"))[::2]:
        path.write_text(path.read_text(encoding="utf-8").replace("orange", "mandarin"), encoding="utf-8")
    zip_folder(labelled, folder / "fruit.zip")
    shutil.copy(sorted(labelled.rglob("*.jpg"))[0], folder / "photo.jpg")
    export_onnx(find_model(untrained_bundle(tmp_path_factory.mktemp("model") / "fruit.autodet")), folder / "fruit.onnx")
    return folder


@pytest.mark.trains
@pytest.mark.parametrize("document", sorted({block.document for block in PYTHON}))
def test_python_runs_as_it_is_written(document, folder, tmp_path):
    given = [asdict(block) for block in PYTHON if block.document == document]
    settings = {"AUTODET_HOME": str(tmp_path / "home"), "AUTODET_DEVICES": "cpu", "PYTHONPATH": str(ROOT)}
    place = tmp_path / "reader"
    shutil.copytree(folder, place, ignore=shutil.ignore_patterns("labelled"))
    ran = subprocess.run(
        [sys.executable, "-m", "tests.documents"],
        input=json.dumps(given),
        cwd=place,
        env=os.environ | settings,
        capture_output=True,
        text=True,
        check=False,
    )
    assert ran.returncode == 0, ran.stderr


@pytest.mark.parametrize("block", [block for block in BLOCKS if block.language in PARSERS], ids=str)
def test_settings_and_documents_are_well_formed(block):
    assert PARSERS[block.language](block.text)


def command_lines() -> list[tuple[str, str]]:
    """Every command of autodet in a block or in prose: where it stands, and the words behind ``-m autodet``."""
    found = []
    for block in BLOCKS:
        if block.language in SHELL:
            lines = block.text.replace("\\\n", " ").splitlines()
            found += [(str(block), line.split("-m autodet ")[1]) for line in lines if "-m autodet " in line]
    for path in documents():
        found += [(path.name, words) for words in COMMAND.findall(path.read_text(encoding="utf-8"))]
    return [(where, words) for where, words in found if words != "COMMAND"]


@pytest.mark.parametrize(("where", "words"), command_lines())
def test_command_lines_are_understood(where, words):
    cli._parser().parse_args(shlex.split(words, comments=True))


@pytest.mark.parametrize("block", [block for block in BLOCKS if block.language in SHELL], ids=str)
def test_shell_blocks_are_commands_of_autodet_or_listed(block):
    lines = [line for line in block.text.replace("\\\n", " ").splitlines() if line.split("#")[0].strip()]
    assert block.first_line in NOT_RUN or all("-m autodet " in line for line in lines), "list it in NOT_RUN, or mend it"


# The README's table of commands


def commands_of_the_readme() -> dict[str, tuple[str, str]]:
    """Per command its form, ``keep SEARCH TRIAL [--name NAME]``, and the text beside it."""
    text = (ROOT / "README.md").read_text(encoding="utf-8")
    table = text.partition("| command | what it does |\n|---|---|\n")[2].partition("\n\n")[0]
    found = {}
    for forms, explained in re.findall(r"^\| (.*?) \| (.*) \|$", table, re.MULTILINE):
        found |= {form.split()[0]: (form, explained) for form in re.findall("`([^`]+)`", forms)}
    return found


def subparsers() -> dict[str, argparse.ArgumentParser]:
    (action,) = [one for one in cli._parser()._actions if isinstance(one, argparse._SubParsersAction)]
    return dict(action.choices)


def words_of(form: str) -> list[str]:
    return [PLACEHOLDERS.get(word, word) for word in form.replace("...", "").split()]


def test_the_table_of_the_readme_has_every_command():
    assert set(commands_of_the_readme()) == set(subparsers())


@pytest.mark.parametrize("form", [form for form, _ in commands_of_the_readme().values()])
def test_each_form_in_the_table_is_understood_with_its_options_and_without(form):
    for written in (re.sub(r"\[[^]]*\]", "", form), form.replace("[", "").replace("]", "")):
        cli._parser().parse_args(words_of(written))


@pytest.mark.parametrize("command", commands_of_the_readme())
def test_each_option_that_the_table_names_is_there(command):
    form, explained = commands_of_the_readme()[command]
    required = words_of(re.sub(r"\[[^]]*\]", "", form))
    for option, *value in map(str.split, re.findall("`(--[^`]+)`", explained)):
        assert option in subparsers()[command]._option_string_actions, option
        if value:
            cli._parser().parse_args([*required, option, *words_of(" ".join(value))])
