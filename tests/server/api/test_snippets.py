"""The programs that the page *Use this model* shows, run as they are written."""

import os
import re
import subprocess
import sys
from io import BytesIO

import pytest
from PIL import Image
from playwright._impl._driver import compute_driver_executable

from autodet.access.tokens import create_token
from autodet.inference.onnx_export import export_onnx
from autodet.models.store import find_model
from autodet.server.api.snippets import PROGRAMS, VARIABLE, program
from autodet.ui.use.onnx_program import onnx_program
from autodet.ui.use.programs import PYTHON
from autodet.workspace import Workspace
from tests.server.api.conftest import FRUIT, ROOT, serving

pytestmark = pytest.mark.process
NODE = compute_driver_executable()[0]  # the Node.js that Playwright brings
COMMANDS = {
    "bash": ("program.sh", ["bash", "-e"]),
    "python": ("program.py", [sys.executable]),
    "javascript": ("program.mjs", [str(NODE)]),
}


@pytest.fixture(scope="module")
def closed_server(tmp_path_factory):
    with serving(tmp_path_factory.mktemp("closed") / "home", "--require-token") as running:
        yield running


@pytest.fixture
def folder(tmp_path, photo):
    """A folder with a photo, in which a reader runs the programs."""
    Image.open(BytesIO(photo)).convert("RGB").save(tmp_path / "photo.jpg", quality=95)
    return tmp_path


def output_of(text, language, folder, **variables):
    name, command = COMMANDS[language]
    (folder / name).write_text(text, encoding="utf-8")
    ran = subprocess.run(
        [*command, name], cwd=folder, env=os.environ | variables, capture_output=True, text=True, check=False
    )
    assert ran.returncode == 0, ran.stderr
    return ran.stdout


@pytest.mark.parametrize("language", PROGRAMS)
def test_programs_for_the_api_find_the_fruit(language, server, folder):
    found = output_of(program(language, server.url, FRUIT, token=False), language, folder)
    assert all(name in found for name in ("apple", "banana", "orange"))
    if language == "bash":
        assert Image.open(folder / "boxes.jpg").size == Image.open(folder / "photo.jpg").size


@pytest.mark.parametrize("language", PROGRAMS)
def test_programs_send_the_token_of_the_environment(language, closed_server, folder):
    _, token = create_token(language, workspace=Workspace(closed_server.home))
    text = program(language, closed_server.url, FRUIT, token=True)
    assert "orange" in output_of(text, language, folder, **{VARIABLE: token})


def test_the_programs_for_the_files_find_what_the_api_finds(server, folder):
    model = find_model(server.home / "models" / FRUIT / "model.autodet")
    export_onnx(model, folder / "fruit.onnx")
    onnx = output_of(onnx_program("fruit.onnx"), "python", folder)
    package = output_of(PYTHON.format(file=model.path), "python", folder, PYTHONPATH=str(ROOT))
    names = [line.split()[0] for line in package.splitlines()]
    assert [line.split()[0] for line in onnx.splitlines()] == names
    assert set(names) == {"apple", "banana", "orange"}
    numbers = re.findall(r"\d+\.\d+", package + onnx)
    assert numbers
    assert all(len(number.partition(".")[2]) <= 2 for number in numbers)
