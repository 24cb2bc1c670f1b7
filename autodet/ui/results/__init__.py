"""Components of the Results page."""
