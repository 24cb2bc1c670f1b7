"""Random photos and predictions, and the same as COCO documents."""

import json
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from autodet.records import Annotations, ImageRecord, Prediction

SIDE = 1000


@dataclass(frozen=True)
class Scene:
    """Photos with their predictions."""

    records: list[ImageRecord]
    predictions: list[Prediction]
    classes: list[str]


def random_scene(seed, photos=12, classes=4, boxes=12, detections=30, difficult=0.0, ties=False, side=SIDE, near=0):
    """Return a scene with found, missed, shifted, misnamed and repeated objects, false alarms and empty photos."""
    random = np.random.default_rng(seed)
    records, predictions = [], []
    for number in range(photos):
        count = int(random.integers(0, boxes + 1)) if number else boxes
        marked = _boxes(random, count, side)
        marked[count // 2 :] = marked[: count - count // 2] + near if near else marked[count // 2 :]
        class_ids = random.integers(0, max(1, classes - 1), count)  # the last class has no box
        flags = random.random(count) < difficult
        file = f"{number}.jpg"
        records.append(ImageRecord(file, side, side, "test", Annotations.of(marked, class_ids, flags)))
        predictions.append(_prediction(random, marked, class_ids, classes, detections, side, ties))
    return Scene(records, predictions, [f"class {index}" for index in range(classes)])


def fruit_scene():
    """Return 59 real photos of fruit with the detections of a trained NanoDet-g."""
    document = json.loads((Path(__file__).parent / "fruit_predictions.json").read_text())
    records, predictions = [], []
    for photo in document["photos"]:
        marked = Annotations.of(photo["boxes"], photo["class_ids"], photo["difficult"])
        records.append(ImageRecord(photo["file"], *photo["size"], "val", marked))
        predictions.append(Prediction.of(photo["found"], photo["found_ids"], photo["scores"]))
    return Scene(records, predictions, document["classes"])


def _prediction(random, marked, class_ids, classes, detections, side, ties):
    count = int(random.integers(0, detections + 1))
    seen, names = _boxes(random, count, side), random.integers(0, classes, count)
    if len(marked):
        copied = random.random(count) < 0.8
        source = random.integers(0, len(marked), count)
        sizes = np.tile(marked[source, 2:] - marked[source, :2], 2)
        moved = marked[source] + random.normal(0, 0.12, (count, 4)) * sizes
        moved[:, 2:] = np.maximum(moved[:, 2:], moved[:, :2] + 1)
        seen[copied] = moved[copied]
        kept = copied & (random.random(count) < 0.8)
        names[kept] = class_ids[source][kept]
    scores = 0.01 + 0.98 * random.random(count)
    scores = scores.round(1) if ties else scores
    return Prediction.of(seen.round(2), names, scores, size_wh=(side, side))


def _boxes(random, count, side):
    size = side * 2.0 ** random.uniform(-7, -1, (count, 2))
    corner = random.uniform(0, 1, (count, 2)) * (side - size)
    return np.concatenate([corner, corner + size], axis=1).round(2)


def coco_documents(scene):
    """Return ground truth and detections as COCO documents; difficult boxes are marked as ``ignore``."""
    annotations, found = [], []
    for image_id, (record, prediction) in enumerate(zip(scene.records, scene.predictions, strict=True), start=1):
        marked = record.annotations
        for box, class_id, difficult in zip(_xywh(marked), marked.class_ids, marked.difficult, strict=True):
            facts = {"id": len(annotations) + 1, "image_id": image_id, "category_id": int(class_id) + 1}
            area = {"bbox": box, "area": box[2] * box[3], "iscrowd": 0, "difficult": bool(difficult)}
            annotations.append(facts | area)
        for box, class_id, score in zip(_xywh(prediction), prediction.class_ids, prediction.scores, strict=True):
            facts = {"image_id": image_id, "category_id": int(class_id) + 1, "bbox": box, "score": float(score)}
            found.append(facts)
    images = [{"id": index + 1, "width": SIDE, "height": SIDE} for index in range(len(scene.records))]
    categories = [{"id": index + 1, "name": name} for index, name in enumerate(scene.classes)]
    return {"images": images, "categories": categories, "annotations": annotations}, found


def _xywh(boxes):
    corners = boxes.boxes_xyxy.astype(np.float64)
    return np.concatenate([corners[:, :2], corners[:, 2:] - corners[:, :2]], axis=1).tolist()
