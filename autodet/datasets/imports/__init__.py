"""Importing a data set: the job, its process, the review, staging, and storing the result."""
