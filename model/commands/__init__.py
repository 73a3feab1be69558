"""Command lines that use a trained network.

``python -m model predict`` and ``video``: arguments in, sentences and files out. The other rooms do the
computing.

Imported by ``model.__main__`` and ``training.__main__``.
"""
