"""Planning of a search from a preset and a data set: the plan, its reasons, and time forecasts."""
