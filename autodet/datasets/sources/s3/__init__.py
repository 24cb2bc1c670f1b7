"""S3 as a source: a zip, or everything below a prefix, from Amazon or anything that speaks its language."""
