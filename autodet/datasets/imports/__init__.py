"""Dataset import: the job, its process, staging, the review, and storing the result."""
