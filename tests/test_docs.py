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
import pkgutil
import re
import shlex
import shutil
import subprocess
import sys
import tomllib
from dataclasses import asdict

import pytest
import yaml
from PIL import Image

from autodet import cli
from autodet.inference.bundle_graph import add_graph
from autodet.inference.onnx_export import export_onnx
from autodet.models.store import find_model
from tests.documents import ROOT, anchors, blocks, documents, links
from tests.helpers import untrained_bundle, zip_folder

NOT_RUN = {
    "git clone <address of this repository> autodet && cd autodet": "clones and installs",
    ".venv/bin/pip install -r requirements-oidc.txt": "installs",
    ".venv/bin/pip install -r requirements-postgresql.txt": "installs; a PostgreSQL server",
    ".venv/bin/pip install -r requirements-ray.txt": "installs; its last line is parsed",
    "curl -F image=@photo.jpg http://localhost:8501/api/models/fruit/predict": "tests/server/api/test_snippets.py does",
    "useradd --system --home-dir /opt/autodet autodet": "changes the machine",
    "docker build -f deploy/Dockerfile -t autodet .": "a container engine, and gigabytes",
    "export AUTODET_HOSTS=photos.example.org AUTODET_TRUSTED_PROXIES=127.0.0.1": "its last line is parsed",
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
    "SCORE": "0.5",
}


def test_every_block_is_of_a_language_that_is_checked():
    known = {"python", DRAWING, *SHELL, *PARSERS}
    assert [f"{block}: {block.language}" for block in BLOCKS if block.language not in known] == []
    drawn = [str(block) for block in BLOCKS if block.language == DRAWING and re.search("autodet[. ]", block.text)]
    assert drawn == [], "these are no drawings"
    assert set(NOT_RUN) <= {block.first_line for block in BLOCKS}, "a block that is gone is still in NOT_RUN"


@pytest.fixture(scope="module")
def folder(sample_folder, tmp_path_factory):
    """The files of the examples: archives of photos with some mandarins, a photo, a model, and its ONNX."""
    folder = tmp_path_factory.mktemp("reader")
    labelled = shutil.copytree(sample_folder, folder / "labelled")
    for path in sorted(labelled.rglob("*.xml"))[::2]:
        path.write_text(path.read_text(encoding="utf-8").replace("orange", "mandarin"), encoding="utf-8")
    for name in ("fruit.zip", "new photos.zip"):
        zip_folder(labelled, folder / name)
    Image.open(sorted(labelled.rglob("*.webp"))[0]).save(folder / "photo.jpg")
    model = untrained_bundle(folder / "fruit.autodet", ("apple", "banana", "mandarin", "orange"))
    assert add_graph(model)
    export_onnx(find_model(model), folder / "fruit.onnx")
    return folder


@pytest.mark.trains
@pytest.mark.parametrize("document", sorted({block.document for block in PYTHON}))
def test_python_runs_as_it_is_written(document, folder, tmp_path):
    given = [asdict(block) for block in PYTHON if block.document == document]
    settings = {"AUTODET_HOME": str(tmp_path / "home"), "AUTODET_DEVICES": "cpu", "PYTHONPATH": str(ROOT)}
    settings["AUTODET_REGISTRY"] = str(tmp_path)
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


def test_links_lead_to_files_and_headings_that_exist():
    broken = []
    for path in [*documents(), ROOT / "CHANGELOG.md"]:
        for target in links(path):
            file, _, heading = target.partition("#")
            there = (path.parent / file).resolve() if file else path
            if not there.exists() or (heading and heading not in anchors(there)):
                broken.append(f"{path.relative_to(ROOT)}: {target}")
    assert broken == []


def exists(identifier: str) -> bool:
    """Whether a dotted name is a module, one of its names, or a field of a dataclass there."""
    owner, _, name = identifier.rpartition(".")
    try:
        found = pkgutil.resolve_name(owner)
    except (ImportError, AttributeError):
        return False
    return hasattr(found, name) or name in getattr(found, "__dataclass_fields__", {})


def test_every_guide_and_experiment_is_linked_from_its_index():
    for index, folder in (("README.md", "docs"), ("docs/experiments/README.md", "docs/experiments")):
        linked = {((ROOT / index).parent / target.partition("#")[0]).resolve() for target in links(ROOT / index)}
        unlinked = {path for path in (ROOT / folder).glob("*.md") if path != ROOT / index} - linked
        assert unlinked == set()


def test_every_benchmark_that_is_named_exists():
    texts = [path.read_text(encoding="utf-8") for path in documents()]
    named = {name for text in texts for name in re.findall(r"benchmarks[./](\w+)", text)}
    assert named - {"NAME"} <= {path.stem for path in (ROOT / "benchmarks").glob("*.py")}


def test_every_setting_is_documented():
    read = set(re.findall(r'"(AUTODET_\w+)"', (ROOT / "autodet" / "settings.py").read_text(encoding="utf-8")))
    assert read
    assert (
        read - set(re.findall(r"`(AUTODET_\w+)`", (ROOT / "docs" / "settings.md").read_text(encoding="utf-8"))) == set()
    )


def test_every_room_has_a_row_in_the_architecture():
    text = (ROOT / "docs" / "architecture.md").read_text(encoding="utf-8")
    rows = "\n".join(line for line in text.splitlines() if line.startswith("|"))
    rooms = {path.parent.relative_to(ROOT / "autodet") for path in ROOT.glob("autodet/*/**/__init__.py")}
    named = set(re.findall(r"`([\w/]+)/`", rows))
    assert rooms
    assert {str(room) for room in rooms} - named == set()


def test_identifiers_of_the_glossary_exist():
    text = (ROOT / "docs" / "glossary.md").read_text(encoding="utf-8")
    names = re.findall(r"\| `(autodet\.[\w.]+)` \|$", text, re.MULTILINE)
    assert len(names) > 40
    assert [name for name in names if not exists(name)] == []


def test_terms_of_the_glossary_occur_in_code_and_documentation():
    sources = [*ROOT.glob("autodet/**/*.py"), *ROOT.glob("pages/*.py")]
    others = [path for path in documents() if path.name != "glossary.md"]
    code, docs = ("\n".join(path.read_text(encoding="utf-8") for path in paths) for paths in (sources, others))
    table = (
        (ROOT / "docs" / "glossary.md").read_text(encoding="utf-8").partition("|---|---|---|\n")[2].partition("\n\n")[0]
    )
    terms = [
        term.strip() for row in table.splitlines() for term in re.split("[(,)]", row.split("|")[1]) if term.strip()
    ]
    assert len(terms) > 40
    for term in terms:
        pattern = re.compile(rf"\b{re.escape(term)}".replace(r"\ ", r"[\s_-]"), re.IGNORECASE)
        assert pattern.search(code), f"{term} does not occur in the code"
        assert pattern.search(docs), f"{term} does not occur in the documentation"


# The table of commands


def documented_commands() -> dict[str, tuple[str, str]]:
    """Per command its form, ``keep SEARCH TRIAL [--name NAME]``, and the text beside it."""
    text = (ROOT / "docs" / "commands.md").read_text(encoding="utf-8")
    table = text.partition("| command | effect |\n|---|---|\n")[2].partition("\n\n")[0]
    found = {}
    for forms, explained in re.findall(r"^\| (.*?) \| (.*) \|$", table, re.MULTILINE):
        found |= {form.split()[0]: (form, explained) for form in re.findall("`([^`]+)`", forms)}
    return found


def subparsers() -> dict[str, argparse.ArgumentParser]:
    (action,) = [one for one in cli._parser()._actions if isinstance(one, argparse._SubParsersAction)]
    return dict(action.choices)


def words_of(form: str) -> list[str]:
    return [PLACEHOLDERS.get(word, word) for word in form.replace("...", "").split()]


def test_the_table_has_every_command():
    assert set(documented_commands()) == set(subparsers())


@pytest.mark.parametrize("form", [form for form, _ in documented_commands().values()])
def test_each_form_in_the_table_is_understood_with_its_options_and_without(form):
    for written in (re.sub(r"\[[^]]*\]", "", form), form.replace("[", "").replace("]", "")):
        cli._parser().parse_args(words_of(written))


@pytest.mark.parametrize("command", documented_commands())
def test_each_option_that_the_table_names_is_there(command):
    form, explained = documented_commands()[command]
    required = words_of(re.sub(r"\[[^]]*\]", "", form))
    for option, *value in map(str.split, re.findall("`(--[^`]+)`", explained)):
        assert option in subparsers()[command]._option_string_actions, option
        if value:
            cli._parser().parse_args([*required, option, *words_of(" ".join(value))])
