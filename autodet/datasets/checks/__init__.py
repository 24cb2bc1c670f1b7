"""Checks of photos, bounding boxes and whole datasets; duplicate detection."""
