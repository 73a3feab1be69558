"""What the modules in ``web/`` need to know of a run, the detector and the tracker, as values for JSON.

Each value is taken from where the server takes it, so that browser and server cannot come apart.
"""

from __future__ import annotations

from dataclasses import asdict
from typing import Any

from emoscope.model.browser.shapes import with_fixed_shape
from emoscope.model.drawing.palette import class_colors, ink_on
from emoscope.model.errors import EngineError
from emoscope.model.faces import quality
from emoscope.model.faces.detectors.blazeface import BlazeFaceDetector, video_settings
from emoscope.model.faces.detectors.face_networks import INPUT_SIDE, WEIGHTS
from emoscope.model.faces.tracking import TrackingSettings
from emoscope.model.networks.file_metadata import normalization_of, read_metadata
from emoscope.model.runs.run import Run

SEARCH_SECONDS = 0.8
"""How long known faces are followed before the whole picture is searched again."""

_TRACKING = TrackingSettings()
_WIDE, _CLOSE, _CONFIRM = "blazeface_wide.tflite", "blazeface_close.tflite", "face_confirm.tflite"


def detector_files() -> dict[str, bytes]:
    """Return the detector's networks with the shapes that the browser runs, by file name.

    The search copy of a frame has any form whose longest side is :data:`video_settings` ``["video"]``, so it is laid
    into a square of that side.
    """
    side = video_settings()["video"]
    blazeface = (WEIGHTS / "blazeface_short.tflite").read_bytes()
    return {
        _WIDE: with_fixed_shape(blazeface, (1, side, side, 3)),
        _CLOSE: with_fixed_shape(blazeface),
        _CONFIRM: with_fixed_shape((WEIGHTS / "mtcnn_onet.tflite").read_bytes()),
    }


def run_network(run: Run) -> bytes:
    """Return a run's network for one face, as LiteRT.js takes it.

    Raises:
        EngineError: The run has no LiteRT file, or it cannot be brought into this form.
    """
    if run.litert_file is None:
        raise EngineError(
            f"{run.key} has no LiteRT file, which the browser engine needs.", "Choose another run, or export this one."
        )
    return with_fixed_shape(run.litert_file.read_bytes())


def browser_setup(
    run: Run,
    address: str,
    *,
    network: bytes,
    tracking: TrackingSettings = _TRACKING,
    calibrated: bool = False,
    sure_from: float = quality.SURE_FROM,
    rate: float = 30.0,
    bars: bool = True,
    heat_maps: bool = False,
    mirror: bool = True,
) -> dict[str, Any]:
    """Return the options of ``Live`` in ``web/live.js``.

    Args:
        run: Whose network classifies.
        address: Of its network, relative to the modules.
        network: The content of that file.
        tracking: How faces are followed.
        calibrated: Apply the run's temperature, if it has one.
        sure_from: Confidence of the detector below which a face is doubtful.
        rate: Analyses per second, at most.
        bars: Show every class's probability beside the box.
        heat_maps: Lay the evidence over the face.
        mirror: Left and right as in a mirror.
    """
    info = run.info
    colors = list(class_colors(info.class_names).values())
    height, width = info.input_size
    return {
        "run": {
            "file": {"name": f"{run.key}/{run.litert_file.name if run.litert_file else ''}", "url": address},
            "classes": list(info.class_names),
            "colors": colors,
            "inks": [ink_on(color) for color in colors],
            "size": {"height": height, "width": width, "channels": info.channels},
            "normalization": asdict(normalization_of(read_metadata(network), info)),
            "temperature": run.temperature if calibrated else None,
        },
        "detector": _detector(sure_from),
        "tracking": _camel_case(asdict(tracking)),
        "look": {"bars": bars, "heat": heat_maps, "mirror": mirror},
        "rate": rate,
    }


def _detector(sure_from: float) -> dict[str, Any]:
    settings = video_settings()
    return {
        **settings,
        "wideSide": settings["video"],
        "closeSide": INPUT_SIDE,
        "searchSeconds": SEARCH_SECONDS,
        "files": {"wide": _WIDE, "close": _CLOSE, "confirm": _CONFIRM},
        "crop": asdict(BlazeFaceDetector.crop),
        "quality": {
            "black": quality.BLACK,
            "blackCamera": quality.BLACK_CAMERA,
            "sureFrom": sure_from,
            "doubtful": quality.DOUBTFUL,
            "tooSmall": quality.TOO_SMALL,
            "tooDark": quality.TOO_DARK,
            "blurred": quality.BLURRED,
            "turnedAway": quality.TURNED_AWAY,
            "minSide": quality.MIN_SIDE,
            "minBrightness": quality.MIN_BRIGHTNESS,
            "minSharpness": quality.MIN_SHARPNESS,
            "maxNoseOffset": quality.MAX_NOSE_OFFSET,
        },
    }


def _camel_case(values: dict[str, Any]) -> dict[str, Any]:
    parts = {name: name.split("_") for name in values}
    return {first + "".join(map(str.title, rest)): values[name] for name, (first, *rest) in parts.items()}
