"""Faster layers for CPUs: folded batch normalisation, depthwise convolutions, RoI align, oneDNN, bfloat16."""
