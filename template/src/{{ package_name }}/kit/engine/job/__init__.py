"""What owners declare and publish: payload, policy, processor."""
