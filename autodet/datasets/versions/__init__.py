"""Versions: data sets derived from another data set by changing its classes or splits."""
