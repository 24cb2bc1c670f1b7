"""Memory of a training process on a CPU, and the factors that increase it.

    python -m benchmarks.training_memory [--threads 2] [--float32]

Trains the default network on photos of the sample, with ten squares cached in memory and the rest on disk, and prints
peak memory as a Markdown table, by batch size, side and number of photos. Each value comes from its own process, which
only prepares training, or trains one epoch, or evaluates one, or does both twice. Also prints the memory that grows
with the number of photos regardless of the cache: for the manifest and for the evaluation of an epoch. Linux only.
"""

import argparse
import tempfile
from collections.abc import Callable
from concurrent.futures import ProcessPoolExecutor
from dataclasses import replace
from multiprocessing import get_context
from pathlib import Path

BATCHES_AND_SIDES = ((4, 320), (16, 320), (4, 640))
PARTS = ("at rest", "training", "judging", "two epochs")
FEW, MANY = 48, 240  # photos of the sample; two thirds are for training
MANIFEST_PHOTOS, BOXES_A_PHOTO = (10_000, 50_000), 5
JUDGED_PHOTOS, DETECTIONS_A_PHOTO, CLASSES = (1_000, 5_000), 20, 20


def peak() -> float:
    """Return the peak memory of this process in megabytes; ``ru_maxrss`` would start at that of its parent."""
    (line,) = (line for line in Path("/proc/self/status").read_text().splitlines() if line.startswith("VmHWM"))
    return int(line.split()[1]) / 1000


def import_sample(folder: Path, photos: int) -> Path:
    """Draw and import ``photos`` photos; return the folder of the data set."""
    from autodet.datasets.imports.import_dataset import import_dataset
    from autodet.datasets.sources.sample import write_sample
    from autodet.workspace import open_workspace

    write_sample(folder / f"sample-{photos}", images=photos)
    return import_dataset(
        folder / f"sample-{photos}", f"sample-{photos}", workspace=open_workspace(folder / "home")
    ).folder


def train_some(dataset_folder: Path, what: str, batch_size: int, side: int, options: argparse.Namespace) -> float:
    """Return the peak memory after preparing training, and training an epoch, evaluating one, or both twice."""
    from autodet.datasets.manifest import read_dataset
    from autodet.records import Hyperparameters
    from autodet.training import loop
    from autodet.training.checkpoint import Progress
    from autodet.training.device_profile import DeviceTraits
    from autodet.training.train_job import TrainJob

    if options.float32:
        loop.traits_of = lambda device, _: DeviceTraits(device)
    loop.MEMORY_BYTES = 10 * 3 * side * side
    loop.torch.set_num_threads(options.threads)
    chosen = Hyperparameters("fasterrcnn_efficientnet_lite0", image_size=side, batch_size=batch_size)
    with tempfile.TemporaryDirectory(dir=dataset_folder.parent) as folder:
        job = TrainJob(dataset_folder, Path(folder), chosen, 2, "memory", threads=options.threads)
        trial = loop._Trial(job, read_dataset(dataset_folder), Progress(), lambda: None)
        if what == "training":
            trial._train(1)
        elif what == "judging":
            trial._evaluate(1)
        elif what == "two epochs":
            trial.run_epoch(1)
            trial.run_epoch(2)
    return peak()


def read_manifest(folder: Path, photos: int) -> float:
    """Return the memory that reading a manifest adds to a new process, in megabytes."""
    import numpy as np

    from autodet.datasets.manifest import Dataset, read_dataset, write_dataset
    from autodet.records import Annotations, ImageRecord

    folder.mkdir()
    chance = np.random.default_rng(0)
    corners = chance.uniform(0, 1000, (photos, BOXES_A_PHOTO, 2)).astype(np.float32)
    boxes = np.concatenate([corners, corners + 100], axis=2)
    first = ImageRecord("", 3000, 2000, "train", Annotations.of([], []), "0" * 64)
    records = tuple(
        replace(
            first,
            file=f"train/{number:06}.jpg",
            sha256=f"{number:064x}",
            origin=f"photos/{number:06}.jpg",
            annotations=Annotations.of(boxes[number], [0] * BOXES_A_PHOTO),
        )
        for number in range(photos)
    )
    write_dataset(Dataset(folder, folder.name, folder.name, "voc", ("thing",), records, (), "", ""))
    del records, boxes, corners
    with ProcessPoolExecutor(1, get_context("spawn")) as process:
        return process.submit(_grown_by_reading, read_dataset, folder).result()


def _grown_by_reading(read: Callable[[Path], object], folder: Path) -> float:
    before = peak()
    read(folder)
    return peak() - before


def judge(photos: int) -> float:
    """Return the memory that evaluating an epoch adds, in megabytes."""
    import numpy as np

    from autodet.evaluation.coco_metrics import measure
    from autodet.evaluation.objective import MAP50
    from autodet.records import Annotations, ImageRecord, Prediction

    chance = np.random.default_rng(0)
    records, predictions = [], []
    for number in range(photos):
        corners = chance.uniform(0, 1000, (DETECTIONS_A_PHOTO, 2))
        boxes = np.concatenate([corners, corners + chance.uniform(20, 200, (DETECTIONS_A_PHOTO, 2))], axis=1)
        classes = chance.integers(0, CLASSES, DETECTIONS_A_PHOTO)
        marked = Annotations.of(boxes[:BOXES_A_PHOTO], classes[:BOXES_A_PHOTO])
        records.append(ImageRecord(f"{number:06}.jpg", 3000, 2000, "val", marked))
        predictions.append(Prediction.of(boxes, classes, chance.uniform(0, 1, DETECTIONS_A_PHOTO)))
    before = peak()
    measure(records, predictions, CLASSES, MAP50)
    return peak() - before


def alone(task: Callable[..., float], *arguments: object) -> float:
    """Run a task in its own process."""
    with ProcessPoolExecutor(1, get_context("spawn")) as process:
        return process.submit(task, *arguments).result()


def main() -> None:
    """Train, read manifests, evaluate, and print the tables."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--threads", type=int, default=2)
    parser.add_argument("--float32", action="store_true", help="as on a CPU that has no bfloat16")
    options = parser.parse_args()
    with tempfile.TemporaryDirectory() as scratch:
        folder = Path(scratch)
        few, many = (import_sample(folder, photos) for photos in (FEW, MANY))
        print("| photos | batch | side |", " | ".join(PARTS), "|\n|---|---|---|---|---|---|---|")
        runs = [(FEW, few, *sizes) for sizes in BATCHES_AND_SIDES] + [(MANY, many, *BATCHES_AND_SIDES[0])]
        for photos, dataset, *sizes in runs:
            peaks = [f"{alone(train_some, dataset, part, *sizes, options):.0f} MB" for part in PARTS]
            print(f"| {photos} | {sizes[0]} | {sizes[1]} |", " | ".join(peaks), "|", flush=True)
        print("\n| beside it | adds |", "|---|---|", sep="\n")
        for photos in MANIFEST_PHOTOS:
            grown = read_manifest(folder / f"manifest-{photos}", photos)
            print(f"| the manifest of {photos:,} photos | {grown:.0f} MB |", flush=True)
        for photos in JUDGED_PHOTOS:
            print(f"| judging by {photos:,} photos | {alone(judge, photos):.0f} MB |", flush=True)


if __name__ == "__main__":
    main()
