"""One new repository."""
