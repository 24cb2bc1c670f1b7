"""Versions: data sets made from another one, by other classes or other splits."""
