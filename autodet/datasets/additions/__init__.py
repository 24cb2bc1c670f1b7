"""Photos added to a data set, at any time: each addition makes a version, which keeps the drafts of labels."""
