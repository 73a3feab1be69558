"""Detecting faces and tracking them.

Detectors behind one protocol, the crop that a network gets, tracking and smoothing from frame to frame, warnings
about poor faces, and a person's neutral baseline.

Imported by ``dashboard.home``, ``dashboard.live``, ``dashboard.predict``, ``dashboard.ui``, ``model.browser``,
``model.commands``, ``model.drawing``, ``model.pictures``, ``model.pipeline``, ``model.video`` and ``pages``.
"""
