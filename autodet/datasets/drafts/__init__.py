"""Drafts of labels: a journal for each data set, in which people and models change labels until a version is made."""
