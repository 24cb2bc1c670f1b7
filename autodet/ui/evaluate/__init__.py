"""Components of the Evaluate page."""
