"""Let training programs write their own logs of tiny trainings: ``python tests/assets/foreign/programs/make.py``.

Names after it, such as ``aim wandb``, have only these write. They are not among the project's requirements: the
versions that wrote what lies here are in ``versions.txt``, which pip takes as requirements. Each log comes with
``expected.json``: the values that the program itself held in memory.
"""

from __future__ import annotations

import gc
import json
import os
import shutil
import sqlite3
import sys
import tempfile
from contextlib import closing
from importlib.metadata import version
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    import torch

HERE = Path(__file__).parent
PROGRAMS = {"mlflow": ("mlflow-skinny",), "torch": ("tensorboard", "torch")}
"""The packages whose versions count, where they are not one of the same name."""
EPOCHS = 3


def samples() -> tuple[torch.Tensor, torch.Tensor]:
    """Return 96 points of six coordinates, in three classes."""
    import torch

    rng = np.random.default_rng(0)
    x = rng.normal(size=(96, 6)).astype(np.float32)
    return torch.from_numpy(x), torch.from_numpy(np.argmax(x[:, :3] + 0.3 * rng.normal(size=(96, 3)), 1))


def keep(name: str, expected: dict[str, list[float]]) -> None:
    """Write the values that a program held beside its log."""
    (HERE / name / "expected.json").write_text(json.dumps(expected, indent=1) + "\n")


def write_lightning() -> None:
    """Log with Lightning's ``CSVLogger`` and ``TensorBoardLogger`` at once, training also by step."""
    import lightning
    import torch
    from lightning.pytorch.callbacks import Callback, LearningRateMonitor
    from lightning.pytorch.loggers import CSVLogger, TensorBoardLogger
    from torch.utils.data import DataLoader, TensorDataset

    class Network(lightning.LightningModule):
        def __init__(self) -> None:
            super().__init__()
            self.layer = torch.nn.Linear(6, 3)

        def training_step(self, batch, _):
            loss = torch.nn.functional.cross_entropy(self.layer(batch[0]), batch[1])
            self.log("train_loss", loss, on_step=True, on_epoch=True)
            return loss

        def validation_step(self, batch, _):
            scores = self.layer(batch[0])
            self.log("val_loss", torch.nn.functional.cross_entropy(scores, batch[1]))
            self.log("val_acc", (scores.argmax(1) == batch[1]).float().mean())

        def configure_optimizers(self):
            optimizer = torch.optim.Adam(self.parameters(), 0.05)
            return {"optimizer": optimizer, "lr_scheduler": torch.optim.lr_scheduler.StepLR(optimizer, 1, 0.5)}

    held: dict[str, list[float]] = {"train_loss": [], "val_loss": [], "val_acc": []}

    class Watch(Callback):
        def on_train_epoch_end(self, trainer, module):
            held["val_loss"].append(float(trainer.callback_metrics["val_loss"]))
            held["val_acc"].append(float(trainer.callback_metrics["val_acc"]))

        def on_train_end(self, trainer, module):
            held["train_loss"].append(float(trainer.callback_metrics["train_loss_epoch"]))  # of the last epoch alone

    lightning.seed_everything(0)
    x, y = samples()
    folder = HERE / "lightning"
    loggers = [CSVLogger(folder, "csv", ""), TensorBoardLogger(folder, "tensorboard", "")]
    trainer = lightning.Trainer(
        max_epochs=EPOCHS,
        logger=loggers,
        callbacks=[LearningRateMonitor(), Watch()],
        log_every_n_steps=2,
        enable_checkpointing=False,
        enable_progress_bar=False,
        enable_model_summary=False,
        accelerator="cpu",
    )
    trainer.fit(Network(), DataLoader(TensorDataset(x[:72], y[:72]), 12), DataLoader(TensorDataset(x[72:], y[72:]), 24))
    keep("lightning", held)


def write_fastai() -> None:
    """Log with fastai's ``CSVLogger``."""
    import torch
    from fastai.callback.progress import CSVLogger
    from fastai.data.core import DataLoaders
    from fastai.data.load import DataLoader
    from fastai.learner import Learner
    from fastai.losses import CrossEntropyLossFlat
    from fastai.metrics import F1Score, accuracy
    from fastai.torch_core import set_seed

    set_seed(0)
    (HERE / "fastai").mkdir()
    x, y = samples()
    pairs = list(zip(x, y, strict=True))
    loaders = DataLoaders(DataLoader(pairs[:72], bs=12), DataLoader(pairs[72:], bs=24))
    metrics = [accuracy, F1Score(average="macro")]
    learner = Learner(
        loaders, torch.nn.Linear(6, 3), CrossEntropyLossFlat(), lr=0.05, metrics=metrics, path=HERE / "fastai"
    )
    with learner.no_bar(), learner.no_logging():
        learner.fit(EPOCHS, cbs=CSVLogger("history.csv"))
    names = ("train_loss", "valid_loss", "accuracy", "f1_score")
    columns = zip(*learner.recorder.values, strict=True)
    keep("fastai", {name: [float(v) for v in column] for name, column in zip(names, columns, strict=True)})


def write_transformers() -> None:
    """Let Transformers' ``Trainer`` save its state."""
    import torch
    from torch.utils.data import Dataset
    from transformers import Trainer, TrainingArguments, set_seed

    class Points(Dataset):
        def __init__(self, x, y):
            self.x, self.y = x, y

        def __len__(self):
            return len(self.x)

        def __getitem__(self, index):
            return {"x": self.x[index], "labels": self.y[index]}

    class Network(torch.nn.Module):
        def __init__(self) -> None:
            super().__init__()
            self.layer = torch.nn.Linear(6, 3)

        def forward(self, x, labels):
            scores = self.layer(x)
            return {"loss": torch.nn.functional.cross_entropy(scores, labels), "logits": scores}

    set_seed(0)
    x, y = samples()
    arguments = TrainingArguments(
        str(HERE / "transformers"), num_train_epochs=EPOCHS, per_device_train_batch_size=12, learning_rate=0.05,
        eval_strategy="epoch", logging_steps=3, save_strategy="no", report_to=[], use_cpu=True,
        disable_tqdm=True, seed=0,
    )  # fmt: skip
    trainer = Trainer(
        Network(),
        arguments,
        train_dataset=Points(x[:72], y[:72]),
        eval_dataset=Points(x[72:], y[72:]),
        compute_metrics=lambda found: {"accuracy": float((found.predictions.argmax(1) == found.label_ids).mean())},
    )
    trainer.train()
    trainer.state.save_to_json(str(HERE / "transformers" / "trainer_state.json"))
    log = trainer.state.log_history
    keep(
        "transformers",
        {name: [row[name] for row in log if name in row] for name in ("loss", "eval_loss", "eval_accuracy")},
    )


def write_mlflow() -> None:
    """Log to MLflow's local files and to its database, and keep what its own client reads."""
    import mlflow

    os.environ["MLFLOW_ALLOW_FILE_STORE"] = "true"
    folder = HERE / "mlflow"
    folder.mkdir()
    for store in ((folder / "mlruns").as_uri(), f"sqlite:///{folder / 'mlflow.db'}"):
        mlflow.set_tracking_uri(store)
        mlflow.create_experiment("points", artifact_location="mlflow-artifacts:/points")
        mlflow.set_experiment("points")
        with mlflow.start_run(run_name="brave-owl") as run:
            mlflow.log_params({"learning_rate": 0.05, "optimizer": "Adam"})
            mlflow.set_tag("purpose", "test")
            for epoch in range(EPOCHS):
                mlflow.log_metrics(
                    {"loss": 1.5 / (epoch + 1), "val_loss": 1.6 / (epoch + 1), "val/f1": 0.2 * epoch}, epoch
                )
        client = mlflow.MlflowClient()
        names = ("loss", "val_loss", "val/f1")
        keep("mlflow", {name: [m.value for m in client.get_metric_history(run.info.run_id, name)] for name in names})

    shutil.rmtree(folder / "mlruns" / "0")
    [run] = folder.glob("mlruns/*/*/metrics")
    run.parent.rename(run.parent.with_name("owl")).parent.rename(folder / "mlruns" / "1")
    for file in folder.rglob("mlflow.source.*"):
        file.unlink()
    with closing(sqlite3.connect(folder / "mlflow.db")) as database:  # what lies beside the logs is most of it
        kept = ("runs", "metrics", "params", "tags")
        for name, kind in database.execute(
            "SELECT name, type FROM sqlite_master WHERE type IN ('table', 'view')"
        ).fetchall():
            if name not in kept and not name.startswith("sqlite_"):
                database.execute(f'DROP {kind} "{name}"')
        database.execute("DELETE FROM tags WHERE key LIKE 'mlflow.source.%'")
        database.commit()
        database.execute("VACUUM")


def write_torch() -> None:
    """Log with PyTorch's own ``SummaryWriter``, grouped scalars and a histogram among them."""
    from tensorboard.backend.event_processing.event_accumulator import EventAccumulator
    from torch.utils.tensorboard import SummaryWriter

    with SummaryWriter(str(HERE / "torch")) as writer:
        for epoch in range(EPOCHS):
            writer.add_scalar("Loss/train", 1.5 / (epoch + 1), epoch)
            writer.add_scalar("Loss/val", 1.7 / (epoch + 1), epoch)
            writer.add_histogram("weights", np.arange(10.0), epoch)
        writer.add_text("note", "not a number", 0)
    accumulator = EventAccumulator(str(HERE / "torch"))
    accumulator.Reload()
    keep("torch", {tag: [event.value for event in accumulator.Scalars(tag)] for tag in accumulator.Tags()["scalars"]})


def write_wandb() -> None:
    """Log offline with Weights & Biases: nested names, text, a truth value and a histogram among them."""
    import wandb

    expected: dict[str, list[float]] = {"train/loss": [], "val/loss": [], "val/accuracy": []}
    with tempfile.TemporaryDirectory() as folder:
        settings = wandb.Settings(
            mode="offline", silent=True, disable_git=True, console="off", x_disable_stats=True, x_disable_meta=True
        )
        config = {"learning_rate": 0.05, "optimizer": {"name": "Adam", "betas": [0.9, 0.999]}}
        with wandb.init(
            project="points", name="brave-owl", notes="a toy", tags=["test"], dir=folder, config=config,
            settings=settings, save_code=False,
        ) as run:  # fmt: skip
            for epoch in range(EPOCHS):
                for batch in range(2):
                    expected["train/loss"].append(1.5 / (2 * epoch + batch + 1))
                    run.log({"train/loss": expected["train/loss"][-1], "epoch": epoch})
                expected["val/loss"].append(1.6 / (epoch + 1))
                expected["val/accuracy"].append(0.3 + 0.1 * epoch)
                measured = {name.removeprefix("val/"): expected[name][-1] for name in ("val/loss", "val/accuracy")}
                weights = wandb.Histogram([1.0, 2.0], num_bins=8)
                run.log(
                    {
                        "val": measured,
                        "epoch": epoch,
                        "note": "x" * (18_000 if epoch == 1 else 9),
                        "best": True,
                        "weights": weights,
                    }
                )
        wandb.teardown()  # or the log is not written to its end
        [log] = Path(folder).glob("wandb/offline-run-*/*.wandb")
        (HERE / "wandb").mkdir()
        shutil.copy(log, HERE / "wandb" / "run-owl.wandb")
    keep("wandb", expected)


def write_aim() -> None:
    """Log with Aim, and write the table that it makes of a run."""
    import pandas
    from aim import Repo, Run

    expected = {
        "train/loss": [1.5 / (epoch + 1) for epoch in range(EPOCHS)],
        "val/loss": [1.6 / (epoch + 1) for epoch in range(EPOCHS)],
        "val/accuracy": [0.3 + 0.1 * epoch for epoch in range(EPOCHS)],
    }
    with tempfile.TemporaryDirectory() as folder:
        repo = Repo.from_path(folder, init=True)
        run = Run(repo=repo, system_tracking_interval=None, capture_terminal_logs=False)
        run["hparams"] = {"learning_rate": 0.05, "optimizer": "Adam"}
        for epoch in range(EPOCHS):
            for name, values in expected.items():
                subset, _, metric = name.partition("/")
                run.track(values[epoch], name=metric, step=10 * epoch + 9, epoch=epoch, context={"subset": subset})
        tables = [
            metric.dataframe(include_name=True, include_context=True, include_run=True) for metric in run.metrics()
        ]
        (HERE / "aim").mkdir()
        pandas.concat(tables).to_csv(HERE / "aim" / "metrics.csv", index=False)
        run.close()
        del run, tables
        gc.collect()  # or it writes after the folder is gone
        repo.close()
    keep("aim", expected)


WRITERS = {
    "lightning": write_lightning,
    "fastai": write_fastai,
    "transformers": write_transformers,
    "mlflow": write_mlflow,
    "torch": write_torch,
    "wandb": write_wandb,
    "aim": write_aim,
}


def main() -> None:
    """Write every log anew, or those of the programs that the command names."""
    versions = HERE / "versions.txt"
    written = dict(line.split("==") for line in versions.read_text().split())
    for name in sys.argv[1:] or WRITERS:
        shutil.rmtree(HERE / name, ignore_errors=True)
        WRITERS[name]()
        written |= {package: version(package) for package in PROGRAMS.get(name, (name,))}
    for file in HERE.rglob("*tfevents*"):  # named after the time and the machine
        file.rename(file.with_name("events.out.tfevents.0.host"))
    versions.write_text("".join(f"{package}=={number}\n" for package, number in written.items()))


if __name__ == "__main__":
    main()
