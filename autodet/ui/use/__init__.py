"""Components of the page *Use this model*."""
