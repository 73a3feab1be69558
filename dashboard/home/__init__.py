"""The Home page.

The sample with its prediction, the figures that matter, and the cards that lead to the other pages.

Imported by ``pages``.
"""
