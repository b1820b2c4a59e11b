"""A worker at work, on a Redis server of its own."""
