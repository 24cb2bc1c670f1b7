"""Names of label formats."""

FORMAT_TITLES = {
    "voc": "Pascal VOC",
    "coco": "COCO",
    "yolo": "YOLO",
    "csv": "CSV",
    "cvat": "CVAT",
    "kitti": "KITTI",
    "dota": "DOTA",
    "icdar": "ICDAR",
    "wider_face": "WIDER FACE",
    "class_rows": "rows of a class and two corners",
}
