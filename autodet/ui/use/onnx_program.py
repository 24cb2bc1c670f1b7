"""A short program that runs a model's ONNX file; docs/onnx.md explains its steps."""

PROGRAM = """import json

import numpy as np
import onnxruntime
from PIL import Image, ImageOps

session = onnxruntime.InferenceSession("{file}")
facts = session.get_modelmeta().custom_metadata_map
classes, thresholds, side = (json.loads(facts[key]) for key in ("classes", "thresholds", "image_size"))
photo = ImageOps.exif_transpose(Image.open("photo.jpg")).convert("RGB")
scale = side / max(photo.size)
size = [max(1, round(length * scale)) for length in photo.size]
left, top = margins = [(side - length) // 2 for length in size]
square = Image.new("RGB", (side, side), (114, 114, 114))
square.paste(photo.resize(size, Image.Resampling.BILINEAR, reducing_gap=2.0), (left, top))
pixels = np.asarray(square).transpose(2, 0, 1)[None]
boxes, class_ids, scores = session.run(None, {{"square": pixels}})
boxes = ((boxes - margins * 2) / scale).clip(0, photo.size * 2)
for box, class_id, score in zip(boxes, class_ids, scores):
    if score >= thresholds[class_id]:
        print(classes[class_id], round(float(score), 2), box.round(1).tolist())"""


def onnx_program(file: str) -> str:
    """Return the program for a file.

    Args:
        file: Name of the ONNX file.
    """
    return PROGRAM.format(file=file)
