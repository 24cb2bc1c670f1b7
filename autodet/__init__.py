"""autodet: object detectors from your own photos."""
