"""Where a job lies: the keys of Redis, the claim, the exchange."""
