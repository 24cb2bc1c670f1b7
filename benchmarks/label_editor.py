"""Fluency of the label editor: 300 boxes on a photo of 20 megapixels, in Chromium.

    python -m benchmarks.label_editor [--boxes 300] [--megapixels 20] [--steps 120]

Starts the app on a workspace with such a photo, drags a box, draws one, pans and zooms, and measures in the browser
how long each drawing takes and how far animation frames lie apart. Prints a row for docs/labels.md for each of them.
"""

import argparse
import math
import os
import shutil
import socket
import subprocess
import sys
import tempfile
import time
import urllib.request
from contextlib import suppress
from pathlib import Path
from typing import Any

import numpy as np
from PIL import Image
from playwright.sync_api import Page, expect, sync_playwright

from autodet.datasets.drafts.journal import add_draft_class, read_drafts, save_draft
from autodet.datasets.imports.import_dataset import import_dataset
from autodet.datasets.manifest import Dataset
from autodet.records import DraftBox, PhotoDraft
from autodet.workspace import Workspace

# Notes the milliseconds of each drawing, and those between frames, until ``window.measured`` is taken.
MEASURE = """() => {
    const editor = document.querySelector('[data-testid^=stBidiComponent] .editor, .editor')?.editor ?? findEditor();
    function findEditor() {
        for (const element of document.querySelectorAll('*')) {
            const found = element.shadowRoot?.querySelector('.editor');
            if (found) return found.editor;
        }
    }
    window.measured = { draws: [], frames: [] };
    const { stage } = editor;
    const draw = Object.getPrototypeOf(stage).draw;
    stage.draw = function () { draw.call(this); window.measured.draws.push(this.milliseconds); };
    let last = performance.now();
    const tick = (now) => {
        window.measured.frames.push(now - last);
        last = now;
        if (window.measured) requestAnimationFrame(tick);
    };
    requestAnimationFrame(tick);
}"""
TAKE = "() => { const { measured } = window; window.measured = { draws: [], frames: [] }; return measured; }"


def main() -> None:
    """Build the workspace, start the app, measure, print the rows."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--boxes", type=int, default=300)
    parser.add_argument("--megapixels", type=float, default=20)
    parser.add_argument("--steps", type=int, default=120)
    arguments = parser.parse_args()
    with tempfile.TemporaryDirectory() as folder:
        dataset = _make_dataset(Path(folder), arguments.megapixels, arguments.boxes)
        with socket.socket() as free:
            free.bind(("127.0.0.1", 0))
            port = free.getsockname()[1]
        server = subprocess.Popen(
            [sys.executable, "-m", "autodet", "app", "--port", str(port), "--no-browser"],
            env=os.environ | {"AUTODET_HOME": folder},
            stdout=subprocess.DEVNULL,
        )
        try:
            _wait_for(f"http://127.0.0.1:{port}/_stcore/health")
            for row in _measure(f"http://127.0.0.1:{port}/label?dataset={dataset.id}", arguments.steps):
                print(row, flush=True)
        finally:
            server.terminate()
            server.wait()


def _make_dataset(folder: Path, megapixels: float, count: int) -> Dataset:
    source = folder / "source"
    source.mkdir()
    height = round(math.sqrt(megapixels * 1e6 * 2 / 3))
    width = height * 3 // 2
    noise = np.random.default_rng(0).integers(0, 255, (height // 16, width // 16, 3), np.uint8)
    Image.fromarray(noise).resize((width, height)).save(source / "large.jpg", quality=90)
    dataset = import_dataset(source, "large", format="unlabelled", workspace=Workspace(folder))
    names = [f"class {number}" for number in range(10)]
    for name in names:
        add_draft_class(dataset, name)
    columns = math.ceil(math.sqrt(count * 1.5))
    side = width / columns
    boxes = []
    for number in range(count):
        x, y = (number % columns) * side, (number // columns) * side
        boxes.append(DraftBox(names[number % 10], (x + side * 0.1, y + side * 0.1, x + side * 0.9, y + side * 0.9)))
    file = read_drafts(dataset).dataset.images[0].file
    save_draft(dataset, PhotoDraft(file, tuple(boxes), reviewed=True))
    return dataset


def _wait_for(address: str) -> None:
    for _ in range(300):
        with suppress(OSError), urllib.request.urlopen(address, timeout=5):  # noqa: S310 - an address of this machine
            return
        time.sleep(0.2)
    raise TimeoutError(address)


def _measure(address: str, steps: int) -> list[str]:
    with sync_playwright() as playwright:
        chromium = playwright.chromium.launch(executable_path=shutil.which("chromium"), args=["--no-sandbox"])
        tab = chromium.new_page(viewport={"width": 1280, "height": 900})
        tab.goto(address)
        tab.locator(".editor .frame .stage").wait_for()
        expect(tab.locator(".editor .frame .message")).to_be_hidden(timeout=60_000)
        tab.wait_for_timeout(4000)
        tab.evaluate(MEASURE)
        area = tab.locator(".editor .frame .stage").bounding_box()
        if area is None:
            raise RuntimeError("The editor shows no photo.")
        middle = area["x"] + area["width"] / 2, area["y"] + area["height"] / 2
        rows = []
        for name, act in (
            ("drag of a box", _drag_box),
            ("drawing of a box", _draw_box),
            ("zoom", _zoom),
            ("pan", _pan),
        ):
            tab.evaluate(TAKE)
            act(tab, middle, steps)
            rows.append(_row(name, tab.evaluate(TAKE)))
        chromium.close()
    return rows


def _drag_box(tab: Page, middle: tuple[float, float], steps: int) -> None:
    tab.mouse.click(*middle)
    _drag(tab, middle, steps)


def _draw_box(tab: Page, middle: tuple[float, float], steps: int) -> None:
    tab.keyboard.press("Escape")
    _drag(tab, (middle[0] - 60, middle[1] - 60), steps)
    tab.keyboard.press("Control+z")
    tab.keyboard.press("Escape")


def _zoom(tab: Page, middle: tuple[float, float], steps: int) -> None:
    tab.mouse.move(*middle)
    for _ in range(steps // 6):
        tab.mouse.wheel(0, -60)
        tab.wait_for_timeout(20)
    tab.wait_for_timeout(3000)  # the whole photo arrives


def _pan(tab: Page, middle: tuple[float, float], steps: int) -> None:
    _drag(tab, middle, steps, "middle")


def _drag(tab: Page, start: tuple[float, float], steps: int, button: Any = "left") -> None:
    tab.mouse.move(*start)
    tab.mouse.down(button=button)
    for step in range(steps):
        tab.mouse.move(start[0] + 60 * math.sin(step / 10), start[1] + 40 * math.sin(step / 7))
    tab.mouse.up(button=button)
    tab.wait_for_timeout(300)


def _row(name: str, measured: dict[str, list[float]]) -> str:
    draws, frames = np.array(measured["draws"] or [0.0]), np.array(measured["frames"] or [0.0])
    return (
        f"| {name} | {len(draws)} | {np.median(draws):.1f} | {np.percentile(draws, 99):.1f} | {draws.max():.1f} "
        f"| {np.median(frames):.1f} | {np.percentile(frames, 95):.1f} |"
    )


if __name__ == "__main__":
    main()
