"""The state of an unfinished training: one file, written atomically, without pickle."""

from __future__ import annotations

import io
import json
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from zipfile import BadZipFile

import numpy as np

from emoscope.model.errors import ConfigError
from emoscope.model.runs.files import write_atomically


@dataclass
class Checkpoint:
    """Everything that a training needs to go on after an epoch.

    Attributes:
        identity: Resolved configuration and data fingerprint; a training only resumes its own checkpoint.
        history: Rows of the finished epochs.
        weights: Of the network.
        optimizer: Variables of the optimizer.
        average: Exponential moving average of the weights; empty where the EMA decay is 0.
        best: Weights of the best epoch so far.
    """

    identity: dict[str, Any]
    history: list[dict[str, float]]
    weights: list[np.ndarray]
    optimizer: list[np.ndarray]
    average: list[np.ndarray]
    best: list[np.ndarray]

    ARRAYS = ("weights", "optimizer", "average", "best")

    def save(self, file: Path) -> None:
        """Write the checkpoint; a crash leaves the one before."""
        arrays = {f"{name}_{i:04d}": array for name in self.ARRAYS for i, array in enumerate(getattr(self, name))}
        header = json.dumps({"identity": self.identity, "history": self.history})
        buffer = io.BytesIO()
        np.savez(buffer, header=np.array(header), **arrays)
        write_atomically(file, buffer.getvalue())

    @classmethod
    def load(cls, file: Path) -> Checkpoint | None:
        """Read a checkpoint; None where there is none.

        Raises:
            ConfigError: The file is no checkpoint.
        """
        if not file.is_file():
            return None
        try:
            with np.load(file, allow_pickle=False) as archive:
                header = json.loads(str(archive["header"]))
                keys = sorted(archive.files)
                arrays = {name: [archive[k] for k in keys if k.startswith(f"{name}_")] for name in cls.ARRAYS}
            return cls(identity=header["identity"], history=header["history"], **arrays)
        except (OSError, ValueError, KeyError, BadZipFile) as error:
            raise ConfigError(f"{file} is not a readable checkpoint ({error}).", "Start over with --fresh.") from error
