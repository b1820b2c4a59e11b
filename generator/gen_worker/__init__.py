"""gen-worker: makes a standalone repository that holds one background worker."""
