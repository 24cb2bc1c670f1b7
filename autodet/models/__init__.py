"""Architectures, pretrained weights, and the .autodet bundle."""
