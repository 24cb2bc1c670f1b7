"""Checks of photos, boxes and whole data sets; duplicates."""
