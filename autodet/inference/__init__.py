"""Inference, evaluation and export of trained models."""
