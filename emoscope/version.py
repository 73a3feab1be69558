"""The one version of app, library and commands."""

__version__ = "0.2.0"
