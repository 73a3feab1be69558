"""Callbacks of training libraries that log each epoch; a library is imported when its callback is asked for."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from emoscope.model.errors import EmoscopeError

if TYPE_CHECKING:
    from emoscope.model.runs.logger import RunLogger


def keras_callback(log: RunLogger) -> Any:
    """Return a ``keras.callbacks.Callback`` that logs each epoch of ``fit``.

    Raises:
        EmoscopeError: Keras is not installed.
    """
    try:
        import keras
    except ImportError as error:
        raise EmoscopeError("Keras is not installed here.", "Install it: pip install keras") from error

    class LogEpochs(keras.callbacks.Callback):
        """Logs the metrics and the learning rate of each epoch."""

        def on_train_begin(self, logs: dict[str, Any] | None = None) -> None:
            self.before: int | None = None

        def on_epoch_begin(self, epoch: int, logs: dict[str, Any] | None = None) -> None:
            if self.before is None:  # fit counts from 0 again unless it is given initial_epoch
                self.before = log.last_epoch if epoch == 0 else 0

        def on_epoch_end(self, epoch: int, logs: dict[str, Any] | None = None) -> None:
            optimizer = getattr(self.model, "optimizer", None)
            measured = {} if optimizer is None else {"learning_rate": optimizer.learning_rate}
            log.epoch(epoch=(self.before or 0) + epoch + 1, **(measured | (logs or {})))

        def on_train_end(self, logs: dict[str, Any] | None = None) -> None:
            log.close()

    return LogEpochs()


def lightning_callback(log: RunLogger) -> Any:
    """Return a ``lightning.pytorch.Callback`` that logs each training epoch, with the validation within it.

    Raises:
        EmoscopeError: Lightning is not installed.
    """
    try:
        from lightning.pytorch import Callback
    except ImportError:
        try:
            from pytorch_lightning import Callback
        except ImportError as error:
            raise EmoscopeError("Lightning is not installed here.", "Install it: pip install lightning") from error

    class LogEpochs(Callback):
        """Logs what the module logs, and the learning rate, at the end of each epoch."""

        def on_train_epoch_end(self, trainer: Any, pl_module: Any) -> None:
            if not trainer.is_global_zero:
                return
            groups = [group for optimizer in trainer.optimizers for group in optimizer.param_groups]
            measured = {"learning_rate": groups[0]["lr"]} if groups else {}
            log.epoch(epoch=trainer.current_epoch + 1, **(measured | dict(trainer.callback_metrics)))

        def teardown(self, trainer: Any, pl_module: Any, stage: str) -> None:
            if stage == "fit":
                log.close()

    return LogEpochs()
