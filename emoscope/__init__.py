"""Facial emotion recognition: predict, evaluate and train from Python.

    import emoscope

    for face in emoscope.predict("photo.jpg"):
        print(face.label, face.confidence, face.detection.xyxy)

``docs/library.md`` shows the rest. What a name needs is imported when it is first used, TensorFlow only for training.
"""

from importlib import import_module
from pathlib import Path
from typing import TYPE_CHECKING, Any

from emoscope.version import __version__

if TYPE_CHECKING:
    from emoscope import charts
    from emoscope.library import (
        compare,
        load_run,
        metrics,
        open_pipeline,
        predict,
        predict_folder,
        predict_video,
        runs,
        train,
        verdict,
    )
    from emoscope.model.entities import Detection, Prediction
    from emoscope.model.errors import EmoscopeError
    from emoscope.model.pipeline import Pipeline
    from emoscope.model.runs.logger import RunLogger
    from emoscope.model.runs.run import Run

_CHECKOUT = Path(__file__).resolve().parent.parent
if (_CHECKOUT / "model" / "places.py").is_file():  # not installed: model/, training/, dashboard/ and pages/ lie beside
    __path__ = [str(_CHECKOUT), *__path__]

_LIBRARY = "emoscope.library"
_HOMES = {
    **dict.fromkeys(("compare", "load_run", "metrics", "open_pipeline", "predict", "predict_folder"), _LIBRARY),
    **dict.fromkeys(("predict_video", "runs", "train", "verdict"), _LIBRARY),
    "Detection": "emoscope.model.entities",
    "EmoscopeError": "emoscope.model.errors",
    "Pipeline": "emoscope.model.pipeline",
    "Prediction": "emoscope.model.entities",
    "Run": "emoscope.model.runs.run",
    "RunLogger": "emoscope.model.runs.logger",
}

__all__ = [
    "Detection",
    "EmoscopeError",
    "Pipeline",
    "Prediction",
    "Run",
    "RunLogger",
    "__version__",
    "charts",
    "compare",
    "load_run",
    "metrics",
    "open_pipeline",
    "predict",
    "predict_folder",
    "predict_video",
    "runs",
    "train",
    "verdict",
]


def __getattr__(name: str) -> Any:
    if name == "charts":
        return import_module("emoscope.charts")
    if name not in _HOMES:
        raise AttributeError(f"module 'emoscope' has no attribute {name!r}")
    return getattr(import_module(_HOMES[name]), name)


def __dir__() -> list[str]:
    return __all__
