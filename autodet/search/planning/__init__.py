"""From an effort and a data set to a search: presets, the plan and its reasons, forecasts."""
