"""Sentences for values: findings, notices, plans and diagnoses."""
