"""Figures that follow from saved predictions.

Metrics with intervals, calibration, paired comparisons, ranking curves, robustness and likely label errors. Reads
runs and data sets, predicts nothing and draws nothing.

Imported by ``dashboard.charts``, ``dashboard.evaluation``, ``training.commands``, ``training.evaluation``,
``training.exporting`` and ``training.foreign``.
"""
