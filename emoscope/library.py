"""What ``import emoscope`` offers: a few functions over the packages, for scripts and notebooks."""

from __future__ import annotations

import warnings
from collections.abc import Iterable
from functools import lru_cache
from os import PathLike, fspath
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from emoscope.model.entities import Prediction
from emoscope.model.errors import ImageError
from emoscope.model.evaluation import comparison
from emoscope.model.evaluation.comparison import Comparison, verdict
from emoscope.model.evaluation.metrics import SCALARS, metrics_of
from emoscope.model.faces.detectors import DEFAULT_DETECTOR
from emoscope.model.images import decode_image, read_image
from emoscope.model.pictures.batch import PipelineSettings, Task, predict_pictures
from emoscope.model.pictures.files import find_pictures, left_out
from emoscope.model.pictures.results import face_columns, face_rows
from emoscope.model.pipeline import Pipeline
from emoscope.model.runs.run import DEFAULT_RUN, Run, iter_runs, load_run, opened, own_labels

if TYPE_CHECKING:
    import pandas as pd

__all__ = [
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

Picture = str | PathLike[str] | bytes | np.ndarray


def open_pipeline(
    run: str | Path | Run = DEFAULT_RUN,
    detector: str = DEFAULT_DETECTOR,
    *,
    calibrated: bool = False,
    threads: int = 1,
    for_video: bool = False,
) -> Pipeline:
    """Open a network with a face detector; safe to share between threads.

    Args:
        run: A saved run, its key or its folder.
        detector: ``blazeface``, ``haar``, ``yunet``, ``mtcnn``, or ``none`` to take pictures whole, as cropped faces.
        calibrated: Apply the temperature saved with the run to the probabilities.
        threads: Cores that one classification may use.
        for_video: Favour speed over small faces.

    Raises:
        RunError: There is no such run, or its network is missing or broken.
        DetectorError: The detector cannot run here.
    """
    return PipelineSettings(opened(run).path, detector, threads, calibrated).open(for_video)


@lru_cache(maxsize=1)
def _default_pipeline() -> Pipeline:
    return open_pipeline()


def predict(picture: Picture, pipeline: Pipeline | None = None) -> list[Prediction]:
    """Find every face in a picture and predict its emotion.

    Args:
        picture: A file, the content of one, or pixels as OpenCV has them: uint8, (H, W, 3) BGR or (H, W) gray.
        pipeline: From :func:`open_pipeline`; by default the one that the app begins with.

    Returns:
        One prediction per face, largest face first; empty where no face is found. What is missing of a damaged file
        is a warning.

    Raises:
        ImageError: The picture cannot be opened, or the array has another form.
    """
    return (pipeline or _default_pipeline()).analyze(_pixels(picture))


def _pixels(picture: Picture) -> np.ndarray:
    if not isinstance(picture, np.ndarray):
        notes: list[str] = []
        frame = decode_image(picture, notes=notes) if isinstance(picture, bytes) else read_image(fspath(picture), notes)
        for note in notes:
            warnings.warn(note, stacklevel=3)
        return frame
    if picture.dtype == np.uint8 and picture.ndim == 2:
        return np.repeat(picture[:, :, None], 3, axis=2)
    if picture.dtype == np.uint8 and picture.ndim == 3 and picture.shape[2] == 3:
        return picture
    raise ImageError(
        f"Pixels must be uint8 of shape (H, W, 3) or (H, W), not {picture.dtype} of shape {picture.shape}.",
        "Convert them first, e.g. (255 * image).astype('uint8').",
    )


def predict_folder(
    paths: str | PathLike[str] | Iterable[str | PathLike[str]],
    run: str | Path | Run = DEFAULT_RUN,
    detector: str = DEFAULT_DETECTOR,
    *,
    calibrated: bool = False,
    processes: int = 1,
) -> pd.DataFrame:
    """Predict all faces in many pictures.

    Args:
        paths: Folders, files, patterns, or a CSV or Parquet list of files. Files of a folder that are not called like
            pictures are left out with a warning.
        run: As for :func:`open_pipeline`.
        detector: The same.
        calibrated: The same.
        processes: Processes to predict in.

    Returns:
        One row per face: file, box, emotion, confidence and one column per class. A picture without a face has one row
        without an emotion; one that cannot be opened has none.

    Raises:
        EmoscopeError: No such run or detector, or a process died.
    """
    import pandas as pd

    listed = [paths] if isinstance(paths, str | PathLike) else list(paths)
    saved = opened(run)
    others: list[Path] = []
    tasks = [Task(file.path) for file in find_pictures([fspath(path) for path in listed], others=others)]
    if others:
        warnings.warn(left_out(others), stacklevel=2)
    names = saved.info.class_names
    settings = PipelineSettings(saved.path, detector, calibrated=calibrated)
    rows = [row for entry in predict_pictures(tasks, settings, processes) for row in face_rows(entry, names)]
    return pd.DataFrame(rows, columns=list(face_columns(names)))


def predict_video(path: str | PathLike[str], pipeline: Pipeline | None = None, rate: float = 10.0) -> pd.DataFrame:
    """Follow every face through a video and predict its emotion.

    Args:
        path: Any format of :data:`emoscope.model.video.reader.SUPPORTED`.
        pipeline: From :func:`open_pipeline`, best made ``for_video``.
        rate: Analyses per second of the video.

    Returns:
        One row per face and analysis: seconds, person, box, emotion (None where ``warning`` says why the face could not
        be classified), and one column of smoothed probabilities per class.

    Raises:
        VideoError: The file is no video, or cannot be decoded.
    """
    import pandas as pd

    from emoscope.model.video.analysis import VideoAnalysis
    from emoscope.model.video.reader import Video

    with Video(Path(path)) as video:
        analysis = VideoAnalysis(video, pipeline or open_pipeline(for_video=True), rate)
        for _ in analysis.run():
            pass
    found = analysis.predictions()
    clear = found.warning == 0
    columns: dict[str, Any] = {"seconds": found.row_times, "person": found.person}
    columns |= dict(zip(("x1", "y1", "x2", "y2"), found.xyxy.T, strict=True))
    columns["emotion"] = np.where(clear, np.array(found.class_names, object)[found.label], None)
    columns |= {f"p_{name}": found.probabilities[:, i] for i, name in enumerate(found.class_names)}
    columns["warning"] = np.where(clear, "", np.array(("", *found.warnings), object)[found.warning])
    return pd.DataFrame(columns)


def runs() -> list[Run]:
    """Return every saved run that can be opened, by name."""
    return [run for run in iter_runs() if isinstance(run, Run)]


def metrics(*chosen: str | Path | Run) -> pd.DataFrame:
    """Return the figures of saved runs, computed where a run holds predictions alone.

    Args:
        *chosen: Runs, keys or folders; none takes all that there are.

    Returns:
        One row per run and split: ``n`` and, per figure, its value and the ends of its 95 % interval (``…_low`` and
        ``…_high``).

    Raises:
        RunError: There is no such run, or it is broken.
    """
    import pandas as pd

    rows = []
    for run in map(opened, chosen or runs()):
        found = run.metrics or {split: metrics_of(run, split) for split in run.splits}
        for split, figures in found.items():
            row: dict[str, Any] = {"run": run.key, "split": split, "n": figures["n"]}
            for name in SCALARS:
                low, high = figures["intervals"][name]
                row |= {name: figures[name], f"{name}_low": low, f"{name}_high": high}
            rows.append(row)
    return pd.DataFrame(rows).set_index(["run", "split"]) if rows else pd.DataFrame()


def compare(a: str | Path | Run, b: str | Path | Run, split: str | None = None) -> Comparison:
    """Compare two runs on the same samples: McNemar's test and paired bootstrap intervals.

    Args:
        a: A run, its key or its folder.
        b: The other.
        split: By default the test split, where both were scored on that, judged as A learned.

    Raises:
        RunError: They must not be compared; the sentence says why.
    """
    one, other = opened(a), opened(b)
    shared = [name for name in one.splits if name in other.splits] or list(one.splits) or [""]
    first = own_labels(one, shared[0])
    return comparison.compare(comparison.pair_runs(one, other, split or first))


def train(config: str | Path = "emoscope", *, data: str | PathLike[str], output: Path | str, **settings: Any) -> Run:
    """Train a network, going on from where it was stopped, and save, evaluate and export it.

    Args:
        config: The name of a configuration that comes with the project, or a YAML file.
        data: FER-2013 in any of its forms, a folder of folders of pictures, or another form that the README lists.
        output: Folder of the new run.
        **settings: Configuration keys, e.g. ``epochs=10``.

    Returns:
        The run of the first head.

    Raises:
        ConfigError: A key or a value is not possible.
        DataError: The data cannot be read or lack something.
    """
    from emoscope.training.commands.train import train_run

    return train_run(config, data, Path(output), settings)
