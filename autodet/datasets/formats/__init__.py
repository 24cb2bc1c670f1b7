"""The formats that labels come in: Pascal VOC, COCO and YOLO, in every layout that people have."""
