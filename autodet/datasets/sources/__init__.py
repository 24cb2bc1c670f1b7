"""Sources of photos: untrusted archives and folders, S3, and the generated sample."""
