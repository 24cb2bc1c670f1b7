"""Names of formats of labels and photos."""

FORMAT_TITLES = {"voc": "Pascal VOC", "coco": "COCO", "yolo": "YOLO", "unlabelled": "photos without labels"}
PHOTO_FORMATS = "JPEG, PNG, WEBP, BMP, TIFF, GIF, AVIF or HEIC"
