"""Looking at a queue and its Redis from outside: `check` and `stats`."""
