"""How to use a model: lines for Python, the command line and ONNX Runtime, with the model's real id."""

from shlex import quote

from autodet.datasets.manifest import Dataset
from autodet.models.store import StoredModel

# A test compares this program with the one in docs/onnx.md, which another test runs.
ONNX_PROGRAM = """\
import json

import numpy as np
import onnxruntime
from PIL import Image, ImageOps

session = onnxruntime.InferenceSession({file!r})
facts = session.get_modelmeta().custom_metadata_map
classes, thresholds = json.loads(facts["classes"]), json.loads(facts["thresholds"])
side = int(facts["image_size"])

photo = ImageOps.exif_transpose(Image.open("photo.jpg")).convert("RGB")
scale = side / max(photo.size)
width, height = (max(1, round(length * scale)) for length in photo.size)
left, top = (side - width) // 2, (side - height) // 2
square = Image.new("RGB", (side, side), (114, 114, 114))
square.paste(photo.resize((width, height), Image.Resampling.BILINEAR, reducing_gap=2.0), (left, top))

pixels = np.asarray(square).transpose(2, 0, 1)[None]
boxes, class_ids, scores = session.run(None, {{"square": pixels}})
boxes = ((boxes - [left, top, left, top]) / scale).clip(0, [*photo.size, *photo.size])
for box, class_id, score in zip(boxes, class_ids, scores):
    if score >= thresholds[class_id]:
        print(classes[class_id], round(float(score), 2), box.round(1).tolist())
"""
PYTHON_PROGRAM = """\
import autodet

detector = autodet.load_detector({name!r})
class_ids, scores, boxes = detector.predict("photo.jpg")
for class_id, score, box in zip(class_ids, scores, boxes):
    print(detector.classes[class_id], round(float(score), 2), box.astype(float).round(1).tolist())
"""


def usage_of(model: StoredModel, dataset: Dataset, split: str) -> dict[str, str]:
    """Return the lines, by ``python``, ``command_line`` and ``onnx``.

    Args:
        model: A model of the workspace, or in a file.
        dataset: The data set of the report; photos that are not imported are named by their file or folder.
        split: The split of the report.
    """
    name = model.id if model.is_in_workspace else model.path.name
    onnx_file = f"{model.id}.onnx"
    program = "python -m autodet"
    commands = [
        f"{program} predict {_word(name)} photo.jpg --out seen",
        f"{program} evaluate {_word(name)} {_word(dataset.name if dataset.temporary else dataset.id)} --split {split}",
        f"{program} export {_word(name)} --out {_word(onnx_file)}",
    ]
    return {
        "python": PYTHON_PROGRAM.format(name=name),
        "command_line": "\n".join(commands) + "\n",
        "onnx": ONNX_PROGRAM.format(file=onnx_file),
    }


def _word(name: str) -> str:
    """Return a name as a word of a shell's line, which no option can be mistaken for."""
    return quote(f"./{name}" if name.startswith("-") else name)
