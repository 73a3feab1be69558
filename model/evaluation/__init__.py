"""Figures that follow from saved predictions.

Metrics with intervals, calibration, paired comparisons, ranking curves, robustness and likely label errors. Takes
runs and data sets; neither predicts nor draws.

Imported by ``dashboard.charts``, ``dashboard.evaluation``, ``model.sharing``, ``training.commands``,
``training.evaluation``, ``training.exporting`` and ``training.foreign``.
"""
