"""Components of the Predict page."""
