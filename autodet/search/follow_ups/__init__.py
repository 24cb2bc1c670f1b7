"""Follow-ups of a search: whether its gain is real, and whether more photos would help."""
