"""Migrations of the worker's own tables. They come with the template: do not edit them."""
