"""Command lines that use a trained network.

``python -m model predict`` and ``video``: arguments in, sentences and files out. Nothing is computed here that
another room could be asked for.

Imported by ``model.__main__`` and ``training.__main__``.
"""
