"""Names of label formats."""

FORMAT_TITLES = {"voc": "Pascal VOC", "coco": "COCO", "yolo": "YOLO", "unlabelled": "photos without labels"}
