"""The progress line of a training: rate, time left and validation accuracy."""

from __future__ import annotations

import sys
import time
from collections.abc import Mapping, Sequence


class Progress:
    """Print one line per epoch, and inside an epoch, on a terminal, a line that is overwritten.

    Args:
        epochs: Epochs in all.
        history: Rows of the epochs that were finished before.
    """

    def __init__(self, epochs: int, history: Sequence[Mapping[str, float]]) -> None:
        self.epochs = epochs
        self.live = sys.stdout.isatty()
        if history:
            print(f"Resuming after epoch {len(history)} of {epochs}.", flush=True)

    def begin(self, epoch: int, side: int) -> None:
        """Note the start of an epoch (0-based) at one resolution."""
        self.epoch, self.side = epoch, side
        self.started = self.printed = time.perf_counter()
        self.rate = 0.0

    def step(self, done: int, total: int) -> None:
        """Show how far the epoch is, in images."""
        now = time.perf_counter()
        self.rate = done / (now - self.started)
        if self.live and now - self.printed > 0.5:
            self.printed = now
            left = _duration((total - done) / self.rate)
            print(f"\r{self._title()}  {done}/{total}  {self.rate:,.0f} images/s  {left} left ", end="", flush=True)

    def end(self, row: Mapping[str, float]) -> None:
        """Print the finished epoch and the time left at its pace."""
        remaining = _duration((self.epochs - self.epoch - 1) * row["seconds"])
        others = "".join(f"  {k} {v:.4f}" for k, v in row.items() if k.endswith("_accuracy") and k != "val_accuracy")
        print(
            f"{chr(13) if self.live else ''}{self._title()}  {self.rate:,.0f} images/s  loss {row['loss']:.4f}  "
            f"accuracy {row['accuracy']:.4f}  val_loss {row['val_loss']:.4f}  val_accuracy {row['val_accuracy']:.4f}"
            f"{others}  ETA {remaining}",
            flush=True,
        )

    def _title(self) -> str:
        return f"epoch {self.epoch + 1}/{self.epochs} at {self.side} px"


def _duration(seconds: float) -> str:
    if seconds < 90:
        return f"{seconds:.0f} s"
    return f"{seconds / 60:.0f} min" if seconds < 5400 else f"{seconds / 3600:.1f} h"
