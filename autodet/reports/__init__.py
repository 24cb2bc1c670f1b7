"""Reports to hand out: figures, sample photos, limits, origin and use of a model, as one HTML file."""
