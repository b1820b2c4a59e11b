"""Clients for API servers, written from the contract.

Standard library only, and nothing of the worker's: `gen-worker client` runs the same files from
the template, without a worker.
"""
