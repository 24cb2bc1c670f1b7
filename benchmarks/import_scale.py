"""Speed of an import of very many photos, compared with only decoding them.

    python -m benchmarks.import_scale [--images 50000] [--width 320] [--rounds 3] [--folder KEEP]

Draws small photos once and lays them out as COCO (one JSON file per split) and as YOLO (one text file per photo). Then,
in turn and each in its own process: decodes every photo with Pillow on all cores; decodes and copies every photo;
imports the COCO layout; imports the YOLO layout. Finally it opens the manifest. Prints rows for
docs/experiments/import-speed.md: photos per second, ratios pair by pair, peak memory of the largest process.
"""

import argparse
import json
import os
import random
import statistics
import subprocess
import sys
import tempfile
import time
from concurrent.futures import ProcessPoolExecutor
from functools import partial
from pathlib import Path

import numpy as np
from PIL import Image, ImageDraw

CLASSES = tuple(f"thing {number:02}" for number in range(20))
SPLITS = (("train", 0.8), ("val", 0.1), ("test", 0.1))
Box = tuple[int, int, int, int, int]  # class, x, y, width, height

DECODE = """
import os, shutil, sys
from concurrent.futures import ProcessPoolExecutor
from PIL import Image

def decode(path):
    with Image.open(path) as image:
        image.load()
    if len(sys.argv) > 2:
        shutil.copyfile(path, os.path.join(sys.argv[2], os.path.basename(path)))

if len(sys.argv) > 2:
    os.makedirs(sys.argv[2])
files = (os.path.join(folder, name) for folder, _, names in os.walk(sys.argv[1]) for name in names)
with ProcessPoolExecutor() as pool:
    for _ in pool.map(decode, (file for file in files if file.endswith(".jpg")), chunksize=64):
        pass
"""
IMPORT = "import sys, autodet; autodet.import_dataset(sys.argv[1], 'scale')"
OPEN = """
import time
from pathlib import Path
from autodet.datasets.manifest import load_dataset
began = time.perf_counter()
dataset = load_dataset("scale")
print(time.perf_counter() - began, len(dataset.images), dataset.boxes)
"""


def main() -> None:
    """Draw the photos, measure, and print the rows."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--images", type=int, default=50_000)
    parser.add_argument(
        "--width", type=int, default=320, help="of a photo, in pixels; three quarters of it are its height"
    )
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--folder", type=Path, help="where the drawn photos are kept for the next time")
    arguments = parser.parse_args()
    with tempfile.TemporaryDirectory() as scratch:
        folder = arguments.folder or Path(scratch)
        if not (folder / "done").exists():
            draw(folder, arguments.images, arguments.width)
        measure(folder, arguments.images, arguments.rounds, Path(scratch))


def draw(folder: Path, images: int, width: int) -> None:
    """Draw the photos and write both layouts; the second hard-links the photos of the first."""
    chunk = 500
    with ProcessPoolExecutor() as pool:
        starts = range(0, images, chunk)
        draw_chunk = partial(_draw_chunk, folder, (width, width * 3 // 4))
        drawn = pool.map(draw_chunk, starts, [min(images, start + chunk) for start in starts])
        boxes = [one for part in drawn for one in part]
    _write_coco(folder / "coco" / "annotations", boxes, (width, width * 3 // 4))
    names = "\n".join(f"  {number}: {name}" for number, name in enumerate(CLASSES))
    paths = "\n".join(f"{split}: images/{split}" for split, _ in SPLITS)
    (folder / "yolo" / "data.yaml").write_text(f"path: /gone\n{paths}\nnames:\n{names}\n")
    (folder / "done").touch()


def split_of(number: int, images_per_cycle: int = 10) -> str:
    """Return the split of a photo by its number: eight of ten train, one val, one test."""
    place = number % images_per_cycle
    return "test" if place == 9 else "val" if place == 8 else "train"


def _draw_chunk(folder: Path, size_wh: tuple[int, int], start: int, stop: int) -> list[list[Box]]:
    boxes = []
    for number in range(start, stop):
        chance = random.Random(number)
        ground = np.random.default_rng(number).integers(0, 256, (6, 8, 3), dtype=np.uint8)
        photo = Image.fromarray(ground).resize(size_wh, Image.Resampling.BICUBIC)
        pen = ImageDraw.Draw(photo)
        marked: list[Box] = []
        for _ in range(chance.randrange(1, 8)):
            width, height = (chance.randrange(size_wh[0] // 16, size_wh[0] * 3 // 8) for _ in range(2))
            x, y = chance.randrange(size_wh[0] - width), chance.randrange(size_wh[1] - height)
            class_id = chance.randrange(len(CLASSES))
            pen.ellipse((x, y, x + width, y + height), fill=tuple(chance.randrange(256) for _ in range(3)))
            marked.append((class_id, x, y, width, height))
        _write_photo(folder, number, photo, marked)
        boxes.append(marked)
    return boxes


def _write_photo(folder: Path, number: int, photo: Image.Image, marked: list[Box]) -> None:
    split, stem = split_of(number), f"{number:06}"
    images, yolo_images, labels = (
        folder / "coco" / split,
        folder / "yolo" / "images" / split,
        folder / "yolo" / "labels" / split,
    )
    for one in (images, yolo_images, labels):
        one.mkdir(parents=True, exist_ok=True)
    photo.save(images / f"{stem}.jpg", quality=88)
    (yolo_images / f"{stem}.jpg").hardlink_to(images / f"{stem}.jpg")
    width, height = photo.size
    lines = [
        f"{class_id} {(x + w / 2) / width:.6f} {(y + h / 2) / height:.6f} {w / width:.6f} {h / height:.6f}"
        for class_id, x, y, w, h in marked
    ]
    (labels / f"{stem}.txt").write_text("\n".join(lines))


def _write_coco(folder: Path, boxes: list[list[Box]], size_wh: tuple[int, int]) -> None:
    folder.mkdir(parents=True, exist_ok=True)
    categories = [{"id": number + 1, "name": name} for number, name in enumerate(CLASSES)]
    for split, _ in SPLITS:
        images, annotations = [], []
        for number, marked in enumerate(boxes):
            if split_of(number) != split:
                continue
            size = {"width": size_wh[0], "height": size_wh[1]}
            images.append({"id": number, "file_name": f"{number:06}.jpg", **size})
            for class_id, *box in marked:
                annotations.append(
                    {
                        "id": len(annotations) + 1,
                        "image_id": number,
                        "category_id": class_id + 1,
                        "bbox": box,
                        "area": box[2] * box[3],
                        "iscrowd": 0,
                    }
                )
        document = {"images": images, "annotations": annotations, "categories": categories}
        (folder / f"instances_{split}.json").write_text(json.dumps(document))


def measure(folder: Path, images: int, rounds: int, homes: Path) -> None:
    """Time the four tasks in turn, round after round, and print rows."""
    seconds: dict[str, list[float]] = {"decode": [], "decode and copy": [], "coco": [], "yolo": []}
    megabytes: dict[str, float] = {}
    for number in range(rounds):
        for name, took in seconds.items():
            # Each run has its own home, because file systems are slow to reuse recently deleted space.
            home = homes / f"{name} {number}"
            code = DECODE if name.startswith("decode") else IMPORT
            layout = folder / (name if code == IMPORT else "coco")
            copies = [str(home / "copies")] if name == "decode and copy" else []
            one, peak = run(code, [str(layout), *copies], home)
            took.append(one)
            megabytes[name] = max(megabytes.get(name, 0), peak)
            print(f"{name}: {one:.1f} s, {peak:.0f} MB", file=sys.stderr, flush=True)
    print(
        "| 50,000 drawn photos | photos a second, median | of decoding alone | peak memory |".replace(
            "50,000", f"{images:,}"
        )
    )
    print("|---|---|---|---|")
    for name, took in seconds.items():
        ratio = statistics.median(base / one for base, one in zip(seconds["decode"], took, strict=True))
        print(f"| {name} | {images / statistics.median(took):.0f} | {ratio:.2f} | {megabytes[name]:.0f} MB |")
    opened = subprocess.run(
        [sys.executable, "-c", OPEN], env=os.environ | {"AUTODET_HOME": str(home)}, capture_output=True, check=True
    )
    print(f"| opening the manifest | {float(opened.stdout.split()[0]):.2f} s | | |")


def run(code: str, arguments: list[str], home: Path) -> tuple[float, float]:
    """Run code in its own process.

    Returns:
        Wall time in seconds, including the start of Python, and peak memory in megabytes.
    """
    began = time.perf_counter()
    process = subprocess.Popen([sys.executable, "-c", code, *arguments], env=os.environ | {"AUTODET_HOME": str(home)})
    _, status, usage = os.wait4(process.pid, 0)
    took = time.perf_counter() - began
    process.returncode = os.waitstatus_to_exitcode(status)
    if process.returncode:
        raise SystemExit(f"It failed with exit status {process.returncode}.")
    return took, usage.ru_maxrss / 1000


if __name__ == "__main__":
    main()
