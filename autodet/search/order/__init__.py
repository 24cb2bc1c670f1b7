"""Search specification: parameters, search space, starting weights, checks of the data set."""
