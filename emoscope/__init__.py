"""Facial emotion recognition: predict, evaluate and train from Python."""

from pathlib import Path

_CHECKOUT = Path(__file__).resolve().parent.parent
if (_CHECKOUT / "pyproject.toml").is_file():  # not installed: model/, training/, dashboard/ and pages/ lie beside
    __path__ = [str(_CHECKOUT), *__path__]
