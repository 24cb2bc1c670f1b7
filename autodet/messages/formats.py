"""Names of formats of labels and photos."""

FORMAT_TITLES = {
    "voc": "Pascal VOC",
    "coco": "COCO",
    "yolo": "YOLO",
    "labelme": "Labelme",
    "label_studio": "Label Studio",
    "createml": "CreateML",
    "via": "VGG Image Annotator",
    "vott": "VoTT",
    "hugging_face": "Hugging Face",
    "csv": "CSV",
    "cvat": "CVAT",
    "kitti": "KITTI",
    "dota": "DOTA",
    "icdar": "ICDAR",
    "wider_face": "WIDER FACE",
    "class_rows": "rows of a class and two corners",
    "unlabelled": "photos without labels",
}
PHOTO_FORMATS = "JPEG, PNG, WEBP, BMP, TIFF, GIF, AVIF or HEIC"
