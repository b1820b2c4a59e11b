"""Many repositories: find them, show their status, update them."""
