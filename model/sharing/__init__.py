"""A saved run in the forms that other programs read: the counterpart of ``model.runs.foreign``.

Event files for TensorBoard, tables for trackers, a model repository for Hugging Face, scikit-learn's report. Every
figure is computed from the run's files; ``formats`` lists the formats and writes them into a folder or a zip.

Imported by ``dashboard.evaluation`` and ``training.commands``.
"""
