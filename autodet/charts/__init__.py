"""Plotly figures built from records."""
