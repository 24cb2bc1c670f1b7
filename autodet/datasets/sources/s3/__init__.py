"""S3 as a source: a zip, or everything below a prefix, from Amazon or any S3-compatible server."""
