"""Data sets: formats, sources, checks, splits, the drawn sample, the manifest."""
