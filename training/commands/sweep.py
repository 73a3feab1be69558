"""``python -m training sweep``: train a grid or a random sample of settings, each into a saved run.

Trials are compared by their best epoch on the validation split; the test split decides nothing. Every trial is a
process of its own, so that one that fails, or runs out of memory, is named and the next one goes on. The same command
resumes where it was stopped, inside a trial after its last finished epoch.

  python -m training sweep emoscope --set learning_rate=0.03,0.1 --set batch_size=64,128 --epochs 10
  python -m training sweep emoscope --space space.yaml --trials 20 --epochs 10
"""

from __future__ import annotations

import json
import signal
import subprocess
import sys
from argparse import ArgumentParser, Namespace
from collections.abc import Mapping, Sequence
from dataclasses import asdict
from pathlib import Path
from typing import TYPE_CHECKING, Any, cast

from emoscope.model.errors import ConfigError, EmoscopeError, RunError
from emoscope.model.places import module_environment
from emoscope.model.runs.files import write_json
from emoscope.model.runs.renamed_keys import with_current_keys
from emoscope.model.runs.run import artifacts_root, load_run
from emoscope.training.commands.arguments import add_data_arguments
from emoscope.training.commands.sweep_space import Range, Space, Value, extremes, grid, read_space
from emoscope.training.config.schema import TrainConfig, add_config_flags, config_names, config_overrides, load_config

if TYPE_CHECKING:
    import optuna


def add_arguments(parser: ArgumentParser) -> None:
    """Declare the flags of ``python -m training sweep``."""
    parser.description = __doc__
    known = ", ".join(config_names())
    parser.add_argument("config", nargs="?", default="emoscope", help=f"YAML file or one of: {known}")
    parser.add_argument("--set", action="append", default=[], metavar="KEY=A,B,C", help="values to try; repeatable")
    parser.add_argument("--space", type=Path, metavar="FILE", help="YAML: `key: [a, b]` or `key: {low:, high:, log:}`")
    parser.add_argument("--trials", type=int, help="how many settings to draw (default: the whole grid)")
    parser.add_argument(
        "--sampler",
        choices=("random", "tpe"),
        default="random",
        help="tpe learns from the trials before (Bergstra 2011)",
    )
    parser.add_argument(
        "--output", type=Path, help="the runs are <output>-001 and so on (default: artifacts/<config>-sweep)"
    )
    add_data_arguments(parser)
    add_config_flags(parser)


def run(args: Namespace) -> int:
    """Run the trials that are not done yet and print all of them, the best first."""
    import optuna

    optuna.logging.set_verbosity(optuna.logging.WARNING)
    space = read_space(args.space, args.set)
    if args.trials is not None and args.trials < 1:
        raise ConfigError(f"--trials must be positive, not {args.trials}.")
    sweep = Sweep(args, space)
    for settings in extremes(space):
        sweep.config(settings)  # a typo is reported before hours are spent
    study = sweep.open(optuna)
    for stopped in [t for t in study.trials if t.state == optuna.trial.TrialState.RUNNING]:
        sweep.train(study, stopped.number, stopped.params)
    while sweep.has_more(study):
        study.sampler = sweep.sampler(optuna, len(study.trials))
        trial = study.ask()
        sweep.train(study, trial.number, {key: _suggest(trial, key, space[key]) for key in space})
    print(summary(study, sweep.output, sweep.base.monitor))
    return 0 if any(t.state == optuna.trial.TrialState.COMPLETE for t in study.trials) else 1


class Sweep:
    """What is tried, and how a trial is trained.

    Args:
        args: The flags.
        space: What is tried.
    """

    def __init__(self, args: Namespace, space: Space) -> None:
        self.args, self.space = args, space
        self.overrides = config_overrides(args)
        self.base = self.config({})
        self.output: Path = (args.output or artifacts_root() / f"{Path(args.config).stem}-sweep").absolute()
        self.folder = self.output.parent / ".sweeps" / self.output.name
        self.combinations = list(grid(space)) if args.trials is None else []
        self.count: int = args.trials or len(self.combinations)

    def config(self, settings: Mapping[str, Value]) -> TrainConfig:
        """Return the configuration of a trial.

        Raises:
            ConfigError: A setting is not possible.
        """
        return load_config(self.args.config, {**self.overrides, **settings})

    def sampler(self, optuna: Any, number: int) -> Any:
        """Return the sampler of a trial: what it draws depends on its number, not on where the sweep was stopped."""
        samplers = {"random": optuna.samplers.RandomSampler, "tpe": optuna.samplers.TPESampler}
        return samplers[self.args.sampler](seed=1000 * self.base.seed + number)

    def open(self, optuna: Any) -> optuna.Study:
        """Open the sweep's journal, or begin it.

        Raises:
            ConfigError: The journal belongs to another sweep.
            EmoscopeError: It cannot be written.
        """
        try:
            self.folder.mkdir(parents=True, exist_ok=True)
            journal = optuna.storages.journal.JournalFileBackend(str(self.folder / "journal.log"))
            study = optuna.create_study(
                storage=optuna.storages.JournalStorage(journal),
                study_name=self.output.name,
                direction="minimize" if self.base.monitor == "val_loss" else "maximize",
                load_if_exists=True,
            )
        except OSError as error:
            raise EmoscopeError(
                f"The sweep's journal cannot be written ({error.strerror or error}).", f"Look at {self.folder}."
            ) from error
        identity = json.loads(json.dumps(self._identity(), sort_keys=True))
        begun_with = study.user_attrs.get("identity", identity)
        if {**begun_with, "config": with_current_keys(begun_with["config"])} != identity:
            raise ConfigError(
                f"There is already another sweep {self.output.name}.",
                "Give the same command as before to go on with it, or another --output.",
            )
        if "identity" not in study.user_attrs:
            for settings in self.combinations:
                study.enqueue_trial(settings)
            study.set_user_attr("identity", identity)
        return study

    def _identity(self) -> dict[str, Any]:
        space = {key: asdict(d) if isinstance(d, Range) else d for key, d in self.space.items()}
        return {"config": asdict(self.base), "space": space, "grid": self.args.trials is None}

    def has_more(self, study: optuna.Study) -> bool:
        """Tell whether trials are left to begin; more can be asked for later with a larger ``--trials``."""
        begun = [trial for trial in study.trials if trial.state.name != "WAITING"]
        return len(begun) < self.count

    def train(self, study: optuna.Study, number: int, settings: Mapping[str, Value]) -> None:
        """Train one trial in a process of its own and note its score, or that it failed and why."""
        from optuna.trial import TrialState

        output = run_folder(self.output, number)
        key = output.name
        words = ", ".join(f"{name} {_text(value)}" for name, value in settings.items())
        print(f"\n{key} ({number + 1} of {self.count}): {words}", flush=True)
        config = self.config({**settings, "name": f"{self.base.name}: {words}"})
        file = self.folder / f"{key}.json"
        write_json(file, asdict(config))
        paths = {"output": output, "data": self.args.data, "votes": self.args.votes}
        flags = [f"--{name}={Path(path).expanduser().absolute()}" for name, path in paths.items() if path]
        command = ["-m", "emoscope.training", "train", str(file), *flags]
        status = _finish(command)
        if status == 130:
            raise KeyboardInterrupt
        try:
            if status:
                raise RunError(f"The training ended with status {status}.")
            study.tell(number, score(output, config.monitor))
        except RunError as error:
            study.tell(number, state=TrialState.FAIL)
            print(f"{key} failed: {error} Again by itself: python {' '.join(command)}", file=sys.stderr)


def run_folder(output: Path, number: int) -> Path:
    """Return the folder of a trial's run; runs count from 1."""
    return output.with_name(f"{output.name}-{number + 1:03d}")


def score(folder: Path, monitor: str) -> float:
    """Return a run's score on the validation split at the epoch whose weights were kept.

    Raises:
        RunError: The run lacks its curves.
    """
    found = load_run(folder)
    if monitor not in found.history or not found.info.best_epoch:
        raise RunError(f"{found.key} has no {monitor}.")
    return float(found.history[monitor][found.info.best_epoch - 1])


def summary(study: optuna.Study, output: Path, monitor: str) -> str:
    """Return all trials as a table, the best first and those that failed last."""
    sign = 1 if monitor == "val_loss" else -1
    keys = list(dict.fromkeys(key for trial in study.trials for key in trial.params))
    rows = [["run", monitor, *keys]]
    finished = [trial for trial in study.trials if trial.value is not None]
    failed = [trial for trial in study.trials if trial.state.name == "FAIL"]
    for trial in [*sorted(finished, key=lambda t: sign * (t.value or 0.0)), *failed]:
        result = "failed" if trial.value is None else f"{trial.value:.4f}"
        rows.append(
            [run_folder(output, trial.number).name, result, *(_text(trial.params.get(key, "")) for key in keys)]
        )
    widths = [max(map(len, column)) for column in zip(*rows, strict=True)]
    lines = ["  ".join(cell.ljust(width) for cell, width in zip(row, widths, strict=True)).rstrip() for row in rows]
    return "\n".join(["", *lines])


def _text(value: Value) -> str:
    return f"{value:.4g}" if isinstance(value, float) else str(value)


def _finish(command: Sequence[str]) -> int:
    """Run a Python command to its end; Ctrl-C ends it as it would by itself, so that it can keep what it has."""
    process = subprocess.Popen([sys.executable, *command], env=module_environment(), start_new_session=True)
    try:
        return process.wait()
    except KeyboardInterrupt:
        process.send_signal(signal.SIGINT)
        process.wait()
        raise


def _suggest(trial: optuna.Trial, key: str, dimension: tuple[Value, ...] | Range) -> Value:
    if not isinstance(dimension, Range):
        return cast(Value, trial.suggest_categorical(key, dimension))
    if dimension.integer:
        return trial.suggest_int(key, int(dimension.low), int(dimension.high), log=dimension.log)
    return trial.suggest_float(key, dimension.low, dimension.high, log=dimension.log)
