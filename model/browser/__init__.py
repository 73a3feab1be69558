"""Emotions in a visitor's own browser.

The WebAssembly runtime with the modules that run there (``web/``, ``page/``), networks and settings in the form that
these take, and all of it as one bundle of files. It lies in ``model`` because the Live page serves the bundle and an
export writes it as a page of its own.

Imported by ``dashboard.live``, ``dashboard.server`` and ``training.exporting``.
"""
