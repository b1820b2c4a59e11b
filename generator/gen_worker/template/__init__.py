"""The template: its copier.yml, its questions, and how it is rendered."""
