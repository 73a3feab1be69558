"""Evaluation, Compare, Training curves, Model card, Dataset and Export.

What these pages show of saved runs: the choice of runs and splits, cached scores, one module per section, uploads
of runs, and the HTML report.

Imported by ``pages``.
"""
