"""Datasets: formats, sources, checks, splits, the drawn sample and the manifest."""
