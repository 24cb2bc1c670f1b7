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
    "unlabelled": "photos without labels",
}
PHOTO_FORMATS = "JPEG, PNG, WEBP, BMP, TIFF, GIF, AVIF or HEIC"
