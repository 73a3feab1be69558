"""The Predict page.

The album of uploaded pictures, how they come in, and the cards and downloads of what was predicted.

Imported by ``pages``.
"""
