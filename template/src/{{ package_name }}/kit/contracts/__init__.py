"""What publishers rely on: a change that breaks payloads which wait already is caught."""
