"""Readers of label formats, in all common layouts."""
