"""Where photos come from: archives and folders from anybody, S3, the drawn sample."""
