"""The integrations that this worker was made with: one package each, imported when used."""
