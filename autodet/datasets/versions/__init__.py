"""Versions: datasets derived from another dataset by changing its classes or splits."""
