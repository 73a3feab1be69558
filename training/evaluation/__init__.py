"""Scoring a network on a data set.

Turns labels into the network's classes, saves predictions and metrics, and damages images for the robustness
figures.

Imported by ``training.commands``, ``training.distillation``, ``training.exporting`` and ``training.foreign``.
"""
