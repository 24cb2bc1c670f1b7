"""Reading speed of a trial's photos: cached in memory, cached on disk, and not cached.

    python -m benchmarks.squares [--photos 200] [--epochs 4] [--side 320] [--folder FOLDER]

Draws photos of 3000 x 2000 px, about 2 MB each as JPEG, and reads all of them in every epoch, in one thread as training
on a CPU does: cached in memory; cached on disk in the given folder (by default the temporary one; it must be on a disk,
not in memory), with a warm page cache or with the pages dropped at the start of each epoch; not cached. Each mode runs
in its own process. Prints a Markdown table: photos per second in the first epoch and in the later ones (the median),
and the peak memory of the process.
"""

import argparse
import os
import resource
import statistics
import tempfile
import time
from concurrent.futures import ProcessPoolExecutor
from multiprocessing import get_context
from pathlib import Path

import numpy as np
from PIL import Image

SIZE_WH = (3000, 2000)
MODES = ("memory", "disk", "disk, not yet in memory", "neither")
Row = tuple[float, float, float]


def draw(folder: Path, photos: int) -> None:
    """Draw the photos: smooth colours with camera-like grain."""
    (folder / "images").mkdir()
    for number in range(photos):
        chance = np.random.default_rng(number)
        ground = Image.fromarray(chance.integers(0, 256, (8, 12, 3), dtype=np.uint8))
        smooth = np.asarray(ground.resize(SIZE_WH, Image.Resampling.BICUBIC), np.int16)
        grain = chance.integers(-12, 13, smooth.shape, dtype=np.int16)
        photo = Image.fromarray(np.clip(smooth + grain, 0, 255).astype(np.uint8))
        photo.save(folder / "images" / f"{number:04}.jpg", quality=85)


def read_epochs(folder: Path, mode: str, photos: int, epochs: int, side: int) -> Row:
    """Read all photos once per epoch, in a dedicated process.

    Returns:
        Photos per second in the first epoch, the median of the others, and peak memory in megabytes.
    """
    from autodet.datasets.manifest import Dataset
    from autodet.records import Annotations, ImageRecord
    from autodet.training.image_cache import MEMORY_BYTES, SquareCache
    from autodet.training.letterbox_dataset import Squares

    nothing = Annotations.of([], [])
    records = tuple(ImageRecord(f"{number:04}.jpg", *SIZE_WH, "train", nothing) for number in range(photos))
    dataset = Dataset(folder, "drawn", "drawn", "voc", ("thing",), records, (), "", "")
    memory_bytes = MEMORY_BYTES if mode == "memory" else 0
    cache = SquareCache([record.file for record in records], side, folder if "disk" in mode else None, memory_bytes)
    squares = Squares(dataset, records, side, cache=cache)
    rates = []
    for epoch in range(epochs):
        order = np.random.default_rng(epoch).permutation(photos).tolist()
        if mode == "disk, not yet in memory":
            descriptor = cache._disk._file.fileno()
            os.fsync(descriptor)
            os.posix_fadvise(descriptor, 0, 0, os.POSIX_FADV_DONTNEED)
        began = time.perf_counter()
        for index in order:
            squares.square(index).clone()  # as when collating a batch
        rates.append(photos / (time.perf_counter() - began))
    return rates[0], statistics.median(rates[1:]), resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1000


def main() -> None:
    """Draw the photos, read them in each mode, and print the table."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--photos", type=int, default=200)
    parser.add_argument("--epochs", type=int, default=4)
    parser.add_argument("--side", type=int, default=320)
    parser.add_argument("--folder", type=Path)
    arguments = parser.parse_args()
    with tempfile.TemporaryDirectory(dir=arguments.folder) as folder:
        draw(Path(folder), arguments.photos)
        print("| kept in | first epoch, photos a second | later epochs | peak memory |", "|---|---|---|---|", sep="\n")
        with ProcessPoolExecutor(1, get_context("spawn"), max_tasks_per_child=1) as processes:
            for mode in MODES:
                order = (Path(folder), mode, arguments.photos, arguments.epochs, arguments.side)
                first, later, peak = processes.submit(read_epochs, *order).result()
                print(f"| {mode} | {first:.0f} | {later:.0f} | {peak:.0f} MB |", flush=True)


if __name__ == "__main__":
    main()
