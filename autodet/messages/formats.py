"""Names of label formats."""

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
}
