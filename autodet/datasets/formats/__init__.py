"""Readers of label formats: Pascal VOC, COCO and YOLO, in all common layouts."""
