"""One training on many hosts.

Ray starts the workers and replaces lost ones; each worker runs the same training loop on its share of every batch.

Imported by ``training.commands``.
"""
