"""The worker: its loop, membership, prefetch, recovery, and what it has in hand."""
