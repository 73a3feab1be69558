"""A training of one's own written as a saved run while it goes on: ``emoscope.RunLogger``."""

from __future__ import annotations

import atexit
import math
import os
import time
import warnings
from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from types import TracebackType
from typing import Any, Self

from emoscope.model.errors import EmoscopeError, RunError, reason_of
from emoscope.model.runs.foreign.columns import checked_split
from emoscope.model.runs.foreign.merge import FOREIGN
from emoscope.model.runs.foreign.results import Samples
from emoscope.model.runs.foreign.scored import class_names_of, predictions_of, with_known_images
from emoscope.model.runs.growing_history import SECONDS, GrowingHistory
from emoscope.model.runs.logged_values import labels_of, number, plain_settings, probabilities_of
from emoscope.model.runs.predictions import Predictions, write_predictions
from emoscope.model.runs.run import (
    RunInfo,
    artifacts_root,
    key_of,
    load_run,
    read_history,
    write_history,
    write_run_info,
)

_SHARE = 20
"""Rows of steps are written so seldom that it takes at most one part in so many of the time."""


class RunLogger:
    """Write a training as a saved run while it goes on, so that the pages show it beside the others.

    Nothing but the constructor raises: values that cannot be logged, and a disk that cannot be written, are a warning,
    and the training goes on. Of several processes that train together, the first one writes.

    Args:
        name: Title of the run, from which the name of its folder is made, below the folder of saved runs.
        config: Settings of the training by name, shown beside those of other runs.
        class_names: Names of the C classes in the order of the network's outputs; their numbers where not given.
        resume: Go on with the run of that name where there is one.

    Raises:
        RunError: There is a run of that name that is not to be or cannot be resumed, or the names of the classes are
            not different ones of at least two classes.
    """

    def __init__(
        self,
        name: str,
        *,
        config: Mapping[str, Any] | None = None,
        class_names: Sequence[str] = (),
        resume: bool = False,
    ) -> None:
        self.key = key_of(name, "training")
        self.path = artifacts_root().absolute() / self.key
        names = tuple(str(one) for one in class_names)
        if names and (len(names) < 2 or len(set(names)) != len(names)):
            raise RunError(f"class_names={list(names)} are not at least two different names.", "Name each class once.")
        self._info = RunInfo(
            name=name,
            architecture=FOREIGN,
            class_names=names,
            input_size=(0, 0),
            channels=0,
            config=plain_settings(config or {}),
            licence="Unknown: ask whoever trained it.",
            note="Logged by emoscope.RunLogger while it was trained.",
            is_training=True,
        )
        self._history = GrowingHistory()
        self._unwritten: dict[str, Predictions] = {}
        self._writes = all(os.environ.get(rank, "0") == "0" for rank in ("RANK", "LOCAL_RANK"))
        self._info_is_written = self._warned = False
        self._steps_from = 0.0
        if self._writes:
            self._begin(resume)
        self._since = time.perf_counter()
        atexit.register(self.close)

    def __repr__(self) -> str:
        return f"RunLogger({self.key}: {len(self._history.table())} rows)"

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()

    @property
    def last_epoch(self) -> int:
        """Number of epochs that are logged; where to go on after ``resume=True``."""
        return self._history.last_epoch

    def epoch(self, *, epoch: float | None = None, step: float | None = None, **metrics: Any) -> None:
        """Log what was measured at the end of an epoch.

        Args:
            epoch: How many epochs are finished; one more than at the last call where not given. Going back to an
                earlier one replaces what was logged from there on.
            step: How many optimisation steps are done, where that matters.
            **metrics: Numbers, arrays or tensors of one element, by any name: ``loss`` is of the training split,
                ``val_loss`` of the validation split. ``seconds`` is measured where it is not given.
        """
        at, steps = _place("epoch", epoch), _place("step", step)
        self._log(metrics, lambda values: self._history.add_epoch(values, at, steps))

    def step(self, step: float, *, epoch: float | None = None, **metrics: Any) -> None:
        """Log what was measured after a number of optimisation steps.

        Args:
            step: How many are done.
            epoch: How many epochs are finished by then, perhaps fractional; where no row has one, the curves are drawn
                by step.
            **metrics: As for :meth:`epoch`.
        """
        at, steps = _place("epoch", epoch), _place("step", step)
        if steps is not None:
            self._log(metrics, lambda values: self._history.add_step(values, steps, at), by_step=True)

    def predictions(self, true: Any, probabilities: Any, split: str = "test") -> None:
        """Log the predictions on a split, from which the pages compute every figure.

        Args:
            true: Labels: class indices or names, shape (N,), or one-hot, shape (N, C). Array, tensor or list.
            probabilities: Of each class, shape (N, C), rows summing to 1.
            split: Name of the split. Labels in the order of one of FER-2013's splits are recognised as its images.
        """
        try:
            split = checked_split(split)
            values = probabilities_of(probabilities)
            names = self._info.class_names or tuple(str(k) for k in range(values.shape[1]))
            if len(names) != values.shape[1]:
                raise RunError(
                    f"There are {values.shape[1]} probabilities per sample and {len(names)} classes.",
                    "Give class_names a name for each of the network's outputs.",
                )
            label = labels_of(true, names, len(values))
            samples = Samples(names, label, values.argmax(1), values, split=split)
            scored, known = with_known_images(samples)
            found = predictions_of(samples, known)
        except EmoscopeError as error:
            _warn(f"The predictions on {split} were not logged: {error}", stacklevel=3)
            return
        sizes = {**self._info.dataset.splits, split: len(label)}
        dataset = replace(known.dataset if known else self._info.dataset, splits=sizes)
        self._change(replace(self._info, class_names=class_names_of(scored), dataset=dataset))
        self._unwritten[split] = found
        self._save()

    def keras(self) -> Any:
        """Return a Keras callback that logs each epoch, and the learning rate.

        A second ``fit`` goes on counting where the first one ended, unless it is given ``initial_epoch``.

        Raises:
            EmoscopeError: Keras is not installed.
        """
        from emoscope.model.runs.logger_callbacks import keras_callback

        return keras_callback(self)

    def lightning(self) -> Any:
        """Return a Lightning callback that logs at the end of each epoch what the module logs, and the learning rate.

        Raises:
            EmoscopeError: Lightning is not installed.
        """
        from emoscope.model.runs.logger_callbacks import lightning_callback

        return lightning_callback(self)

    def close(self) -> None:
        """Say that the training has ended; called at the end of the program, too. Logging more opens it again."""
        atexit.unregister(self.close)
        self._change(replace(self._info, is_training=False, training_seconds=round(self._history.seconds, 1)))
        self._save()
        self._steps_from = 0.0

    def _begin(self, resume: bool) -> None:
        try:
            self.path.mkdir(parents=True, exist_ok=resume)
        except FileExistsError as error:
            if not self.path.exists():  # a file stands where a folder is needed
                self._warn_of_disk(error)
                return
            raise RunError(
                f"There is already a run {self.key}.", "Choose another name, or go on with it: resume=True."
            ) from error
        except OSError as error:
            self._warn_of_disk(error)
            return
        if (self.path / "run.json").is_file():
            self._resume()
        self._save()

    def _resume(self) -> None:
        before = load_run(self.path).info
        if before.knows_input:
            raise RunError(f"{self.key} holds a network and was not logged here.", "Choose another name.")
        names = self._info.class_names
        if names and before.class_names and names != before.class_names:
            raise RunError(
                f"{self.key} was logged with the classes {', '.join(before.class_names)}.",
                "Give the same class_names, or choose another name.",
            )
        self._info = replace(
            before,
            class_names=before.class_names or names,
            config={**before.config, **self._info.config},
            is_training=True,
        )
        self._history = GrowingHistory(read_history(self.path))

    def _log(
        self, metrics: Mapping[str, Any], add: Callable[[Mapping[str, float]], None], by_step: bool = False
    ) -> None:
        values = {name: number(value) for name, value in metrics.items()}
        for name in [name for name, value in values.items() if value is None]:
            _warn(f"{name} is no number ({type(metrics[name]).__name__}) and was not logged.")
        now = time.perf_counter()
        measured = {name: value for name, value in values.items() if value is not None}
        try:
            add({SECONDS: round(now - self._since, 4), **measured})
        except RunError as error:
            _warn(str(error))
            return
        self._since = now
        if not self._info.is_training:
            atexit.register(self.close)
            self._change(replace(self._info, is_training=True))
        if not by_step or now >= self._steps_from:
            self._save()
            took = time.perf_counter() - now
            self._steps_from = now + _SHARE * took

    def _change(self, info: RunInfo) -> None:
        self._info_is_written &= info == self._info
        self._info = info

    def _save(self) -> None:
        if not self._writes:
            return
        try:
            if not self._info_is_written or not (self.path / "run.json").is_file():
                write_run_info(self.path, self._info)
                self._info_is_written = True
            if rows := self._history.table():
                write_history(self.path, rows, digits=17)
            for split in list(self._unwritten):
                write_predictions(self.path, split, self._unwritten[split])
                del self._unwritten[split]
        except OSError as error:
            self._warn_of_disk(error)

    def _warn_of_disk(self, error: OSError) -> None:
        if not self._warned:
            self._warned = True
            _warn(
                f"The run {self.key} cannot be written ({reason_of(error)}). The training goes on; "
                "everything logged is written as soon as the disk takes it."
            )


def _place(name: str, value: float | None) -> float | None:
    """Return where a row stands; None, with a warning, where that is no number."""
    found = None if value is None else number(value)
    if value is not None and (found is None or not math.isfinite(found)):
        _warn(f"{name}={value!r} is no number, so it was not used.", stacklevel=4)
        return None
    return found


def _warn(sentence: str, stacklevel: int = 4) -> None:
    warnings.warn(sentence, UserWarning, stacklevel)
