"""Checks of photos, bounding boxes and whole data sets; duplicate detection."""
