"""The code blocks of the documentation, and a program that runs those of one document in Python.

    python -m tests.documents < BLOCKS.json

It runs in a folder that has ``fruit.zip``, ``new photos.zip``, ``photo.jpg``, ``fruit.autodet`` and ``fruit.onnx``,
in one namespace and in order, as a reader would paste them. Searches are real, and small: ``smaller`` caps what is
passed to ``start_search`` and ``fit``.
"""

import json
import re
import sys
import time
from dataclasses import dataclass
from functools import wraps
from pathlib import Path

import autodet

ROOT = Path(__file__).parents[1]
LINK = re.compile(r"\]\(((?!https?:|mailto:)[^)\s]+)\)")
HEADING = re.compile(r"^#+ +(.+)$", re.MULTILINE)
FENCE = re.compile(r"^```(\S*)\n(.*?)^```$", re.MULTILINE | re.DOTALL)
MAX_TRIALS, EPOCHS, PHOTO_SIZE, PHOTO_SIZES = 8, 1, 64, [64, 96]


@dataclass(frozen=True)
class Block:
    """A fenced block: where it begins, the language behind the fence, and its text."""

    document: str
    line: int
    language: str
    text: str

    def __str__(self) -> str:
        return f"{self.document}:{self.line}"

    @property
    def first_line(self) -> str:
        return self.text.splitlines()[0]


def documents() -> list[Path]:
    return [ROOT / "README.md", ROOT / "CONTRIBUTING.md", *sorted((ROOT / "docs").rglob("*.md"))]


def blocks() -> list[Block]:
    found = []
    for path in documents():
        text = path.read_text(encoding="utf-8")
        assert text.count("\n```") % 2 == 0, f"{path.name} has a fence that is not closed"
        for fence in FENCE.finditer(text):
            line = text.count("\n", 0, fence.start()) + 1
            found.append(Block(str(path.relative_to(ROOT)), line, *fence.groups()))
    return found


def prose(path: Path) -> str:
    """The text of a document without its fenced blocks."""
    return FENCE.sub("", path.read_text(encoding="utf-8"))


def links(path: Path) -> list[str]:
    """The targets of a document's links to other files and headings of the project."""
    return LINK.findall(prose(path))


def anchors(path: Path) -> set[str]:
    """The anchors of a document's headings, as GitHub makes them."""
    texts = (heading.replace("`", "").strip().lower() for heading in HEADING.findall(prose(path)))
    return {re.sub(r"[^\w\- ]", "", text).replace(" ", "-") for text in texts}


def smaller(search):
    """A function of ``autodet`` that searches, with fewer trials and epochs and smaller photos than it is asked for."""

    @wraps(search)
    def search_less(dataset, **options):
        tried = (options.get("space") or {}).get("image_size")
        space = {**(options.pop("space", None) or {}), "image_size": PHOTO_SIZES if tried else PHOTO_SIZE}
        trials = min(options.pop("trials", 3), MAX_TRIALS)
        return search(dataset, **options | {"trials": trials, "epochs": EPOCHS, "space": space})

    return search_less


def main() -> None:
    given = [Block(**block) for block in json.load(sys.stdin)]
    autodet.start_search, autodet.fit = smaller(autodet.start_search), smaller(autodet.fit)
    names = {"__name__": "__main__", "autodet": autodet}
    if "import_dataset(" not in given[0].text:  # this document expects the README's data set
        names["data"] = autodet.import_dataset("fruit.zip", name="fruit")
    for block in given:
        padding = "\n" * block.line  # so that a traceback names the document's line
        try:
            exec(compile(padding + block.text, block.document, "exec"), names)
        finally:
            stop_searches()


def stop_searches() -> None:
    """End what a block leaves running in the background, as a reader would before the next one."""
    active = [autodet.find_search(status.search) for status in autodet.list_searches() if status.active]
    for search in active:
        search.stop()
    while any(search.status().active for search in active):
        time.sleep(0.1)


if __name__ == "__main__":
    main()
