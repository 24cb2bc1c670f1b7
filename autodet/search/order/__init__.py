"""What a search is asked to do: parameters, their ranges, starting weights, checks of the data set."""
