"""What features of photos tell: time, class of the neighbours, planted label errors, and altered copies.

    AUTODET_REAL_DATA=PHOTOS python -m benchmarks.photo_features [--model MODEL.autodet]

Imports ``fruit`` and ``raccoon`` into a temporary workspace, and prints the rows of docs/experiments/photo-features.md.
The planted errors swap the class of 10 objects of fruit, 20 times.
"""

import argparse
import os
import tempfile
import time
from collections.abc import Callable
from dataclasses import replace
from io import BytesIO
from pathlib import Path

import numpy as np
from PIL import Image, ImageEnhance

from autodet.datasets.imports.import_dataset import import_dataset
from autodet.datasets.manifest import Dataset
from autodet.datasets.photos import open_photo
from autodet.evaluation.feature_space import feature_map, find_neighbours, near_duplicates
from autodet.inference.demo import demo_model
from autodet.inference.neighbour_labels import neighbour_issues
from autodet.inference.photo_features import PhotoFeatures, find_features
from autodet.models.bundle import read_card
from autodet.models.store import StoredModel
from autodet.workspace import Workspace

SWAPS, TIMES, FIRST = 10, 20, 20
COPIED = 40  # photos of each set


def main() -> None:
    """Measure both data sets, and print."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--model", type=Path)
    path = parser.parse_args().model
    model = StoredModel(path.stem, path, read_card(path)) if path else demo_model()
    with tempfile.TemporaryDirectory() as folder:
        workspace = Workspace(Path(folder) / "home")
        for name in ("fruit", "raccoon"):
            source = Path(os.environ["AUTODET_REAL_DATA"]) / name
            dataset = import_dataset(source, name, workspace=workspace, decisions={"photo_alike": "keep"})
            started = time.perf_counter()
            features = find_features(model, dataset)
            seconds = time.perf_counter() - started
            print(f"{name}, {model.id}: {1000 * seconds / len(dataset.images):.0f} ms a photo")
            _describe(dataset, features)
            if len(dataset.classes) > 1:
                _plant(dataset, features)
            _alter(model, dataset, Path(folder) / "copies" / name, workspace)


def _describe(dataset: Dataset, features: PhotoFeatures) -> None:
    neighbours = find_neighbours(features.vectors)
    quantiles = np.quantile(neighbours.similarities[:, 0], [0.5, 0.9, 0.99])
    print("  similarity of the nearest photo, median, 90 %, 99 %:", quantiles.round(3))
    for one, other, similarity in near_duplicates(neighbours):
        print(f"  nearly the same: {features.files[one]} {features.files[other]} {similarity:.4f}")
    print("  spread shown by the map:", np.round(feature_map(features.vectors).shares, 3), dataset.name)


def _plant(dataset: Dataset, features: PhotoFeatures) -> None:
    found, listed = [], []
    for seed in range(TIMES):
        chance = np.random.default_rng(seed)
        planted = set()
        images = list(dataset.images)
        for index in chance.choice(len(features.object_photos), SWAPS, replace=False):
            photo, box = int(features.object_photos[index]), int(features.object_boxes[index])
            class_ids = images[photo].annotations.class_ids.copy()
            class_ids[box] = (class_ids[box] + chance.integers(1, len(dataset.classes))) % len(dataset.classes)
            images[photo] = replace(images[photo], annotations=replace(images[photo].annotations, class_ids=class_ids))
            planted.add((images[photo].file, box))
        issues = neighbour_issues(replace(dataset, images=tuple(images)), features)
        found.append(len(planted & {(issue.file, issue.annotation) for issue in issues[:FIRST]}))
        listed.append(len(issues))
    print(
        f"  {SWAPS} swapped labels, in the first {FIRST}: mean {np.mean(found):.1f}, from {min(found)} to {max(found)}"
    )
    print(f"  labels listed: mean {np.mean(listed):.0f}")


def _alter(model: StoredModel, dataset: Dataset, folder: Path, workspace: Workspace) -> None:
    """Compare photos with altered copies of themselves."""
    folder.mkdir(parents=True)
    chosen = dataset.images[:: max(1, len(dataset.images) // COPIED)]
    for number, record in enumerate(chosen):
        photo = open_photo(dataset.photo(record), record.file).convert("RGB")
        photo.thumbnail((800, 800))
        photo.save(folder / f"{number:03}-original.png")
        for name, alter in ALTERATIONS.items():
            alter(photo).save(folder / f"{number:03}-{name}.png")
    copies = import_dataset(folder, f"copies of {dataset.name}", workspace=workspace)
    features = find_features(model, copies)
    places = {Path(file).stem: index for index, file in enumerate(features.files)}
    for name in ALTERATIONS:
        pairs = ((places[f"{number:03}-original"], places[f"{number:03}-{name}"]) for number in range(len(chosen)))
        similar = [float(features.vectors[one] @ features.vectors[other]) for one, other in pairs]
        print(f"  {name}: median {np.median(similar):.3f}, lowest {min(similar):.3f}")


def _compressed(photo: Image.Image) -> Image.Image:
    content = BytesIO()
    photo.save(content, "JPEG", quality=30)
    return Image.open(content).convert("RGB")


def _cropped(share: float) -> Callable[[Image.Image], Image.Image]:
    return lambda photo: photo.crop((0, 0, round(photo.width * share), round(photo.height * share)))


ALTERATIONS: dict[str, Callable[[Image.Image], Image.Image]] = {
    "half": lambda photo: photo.resize((max(1, photo.width // 2), max(1, photo.height // 2))),
    "compressed": _compressed,
    "brighter": lambda photo: ImageEnhance.Brightness(photo).enhance(1.3),
    "cropped to 95": _cropped(0.95),
    "cropped to 80": _cropped(0.8),
    "mirrored": lambda photo: photo.transpose(Image.Transpose.FLIP_LEFT_RIGHT),
}

if __name__ == "__main__":
    main()
