"""Write the files of other programs that the tests read: ``python -m tests.assets.foreign.make``.

Keras, scikit-learn, NumPy, pandas, tensorboardX and TensorFlow write their own, small and seeded. The files of
Lightning, fastai, Hugging Face's Trainer, MLflow and Weights & Biases are imitations, laid out by hand as these
programs lay theirs out, with what seldom happens; what the first four write themselves is in ``programs/``.
"""

from __future__ import annotations

import json
import shutil
from pathlib import Path

import numpy as np

HERE = Path(__file__).parent
EPOCHS = 4


def write_keras() -> None:
    """Train a small network three times: alone, with ``;``, and started again with the same log."""
    import keras

    keras.utils.set_random_seed(0)
    rng = np.random.default_rng(0)
    x = rng.normal(size=(96, 6)).astype(np.float32)
    y = np.argmax(x[:, :3] + 0.3 * rng.normal(size=(96, 3)), 1)

    def fit(callbacks, epochs=EPOCHS, first=0):
        model = keras.Sequential([keras.Input((6,)), keras.layers.Dense(3, activation="softmax")])
        model.compile(
            keras.optimizers.Adam(0.05),
            "sparse_categorical_crossentropy",
            metrics=["accuracy", keras.metrics.SparseTopKCategoricalAccuracy(2, name="top2")],
        )
        return model.fit(
            x,
            y,
            batch_size=16,
            epochs=epochs,
            initial_epoch=first,
            validation_split=0.25,
            callbacks=callbacks,
            verbose=0,
        )

    log = HERE / "keras_log.csv"
    history = fit([keras.callbacks.CSVLogger(log)])
    (HERE / "keras_history.json").write_text(json.dumps(history.history, indent=1) + "\n")
    restarted = HERE / "keras_log_restarted.csv"
    fit([keras.callbacks.CSVLogger(restarted, separator=";")], epochs=3)
    second = fit([keras.callbacks.CSVLogger(restarted, separator=";", append=True)], first=2)
    (HERE / "keras_log_restarted.second.json").write_text(json.dumps(second.history, indent=1) + "\n")


def write_lightning() -> None:
    """Write what ``CSVLogger`` of Lightning writes: steps of the training, then the end of each epoch."""
    lines = ["epoch,lr-Adam,step,train_acc,train_loss_epoch,train_loss_step,val_acc,val_loss"]
    for epoch in range(3):
        for step in (2, 5):
            at = 6 * epoch + step
            lines.append(f",{0.001 / (epoch + 1):.6f},{at},,,,,")
            lines.append(f"{epoch},,{at},,,{1.5 - 0.05 * at:.4f},,")
        at = 6 * epoch + 5
        lines.append(f"{epoch},,{at},,,,{0.4 + 0.1 * epoch:.4f},{1.2 - 0.1 * epoch:.4f}")
        lines.append(f"{epoch},,{at},{0.5 + 0.1 * epoch:.4f},{1.4 - 0.2 * epoch:.4f},,,")
    (HERE / "lightning_metrics.csv").write_text("\n".join(lines) + "\n")


def write_fastai() -> None:
    """Write what ``CSVLogger`` of fastai writes."""
    lines = ["epoch,train_loss,valid_loss,accuracy,f1_score,time"]
    lines += [
        f"{e},{1.5 - 0.2 * e:.6f},{1.4 - 0.1 * e:.6f},{0.5 + 0.05 * e:.6f},{0.4 + 0.05 * e:.6f},01:{10 + e}"
        for e in range(3)
    ]
    (HERE / "fastai_history.csv").write_text("\n".join(lines) + "\n")


def write_huggingface() -> None:
    """Write what the Trainer of Transformers saves beside each checkpoint."""
    log = []
    for step in range(5, 31, 5):
        log.append(
            {
                "epoch": step / 10,
                "grad_norm": 1.5,
                "learning_rate": 5e-05 * (1 - step / 30),
                "loss": 2 - step / 20,
                "step": step,
            }
        )
        if step % 10 == 0:
            log.append(
                {
                    "epoch": step / 10,
                    "eval_accuracy": 0.5 + step / 100,
                    "eval_loss": 1.9 - step / 25,
                    "eval_runtime": 2.5,
                    "step": step,
                }
            )
    log.append({"epoch": 3.0, "step": 30, "total_flos": 1e12, "train_loss": 1.125, "train_runtime": 61.5})
    state = {
        "best_metric": 0.8, "epoch": 3.0, "eval_steps": 500, "global_step": 30, "is_local_process_zero": True,
        "log_history": log, "logging_steps": 5, "max_steps": 30, "num_train_epochs": 3, "save_steps": 500,
        "train_batch_size": 8,
    }  # fmt: skip
    (HERE / "trainer_state.json").write_text(json.dumps(state, indent=2) + "\n")


def write_trackers() -> None:
    """Write what MLflow's file store and Weights & Biases keep of a training of three epochs."""
    folder = HERE / "mlruns" / "0" / "5f2c"
    values = {"loss": (1.5, 1.0, 0.75), "val_loss": (1.6, 1.25, 1.125), "val/f1": (0.25, 0.5, 0.625)}
    for name, course in values.items():
        file = folder / "metrics" / name
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_text("".join(f"{1700000000000 + 20000 * k} {value} {k}\n" for k, value in enumerate(course)))
    for kind, pairs in (
        ("params", {"learning_rate": "0.001", "optimizer": "Adam"}),
        ("tags", {"mlflow.runName": "brave-owl-7", "mlflow.user": "someone", "purpose": "test"}),
    ):
        (folder / kind).mkdir()
        for name, text in pairs.items():
            (folder / kind / name).write_text(text)
    (folder / "meta.yaml").write_text("run_id: 5f2c\nrun_name: brave-owl-7\nstatus: 3\n")
    rows = [
        {"_step": k, "_runtime": 2.5 * (k + 1), "_timestamp": 1.7e9 + k, "epoch": k // 2, "train/loss": 2 - k / 4}
        | ({"val/loss": 2.5 - k / 4, "examples": {"_type": "table"}} if k % 2 else {})
        for k in range(6)
    ]
    (HERE / "wandb-history.jsonl").write_text("".join(json.dumps(row) + "\n" for row in rows))
    lines = ["Step,brave-owl - val_loss,brave-owl - val_loss__MIN,brave-owl - val_loss__MAX"]
    lines += [f"{k},{1.5 - k / 4},{1.5 - k / 4},{1.5 - k / 4}" for k in range(3)]
    (HERE / "wandb_export.csv").write_text("\n".join(lines) + "\n")


def write_tensorboard() -> None:
    """Let tensorboardX write scalars, and TensorFlow the same as the tensors that Keras' callback logs."""
    import tensorflow as tf
    from tensorboardX import SummaryWriter

    for side, shift in (("train", 0.0), ("validation", 0.25)):
        with SummaryWriter(str(HERE / "tensorboard" / side)) as writer:
            for epoch in range(4):
                writer.add_scalar("epoch_loss", 2 - epoch / 4 + shift, epoch)
                writer.add_scalar("epoch_accuracy", 0.5 + epoch / 16 - shift, epoch)
    writer = tf.summary.create_file_writer(str(HERE / "tensorboard_tensors"))
    with writer.as_default():
        for step in (100, 200, 300):
            metadata = tf.compat.v1.SummaryMetadata(
                plugin_data=tf.compat.v1.SummaryMetadata.PluginData(plugin_name="scalars")
            )
            tf.summary.write("Loss/train", tf.constant(1 - step / 1000), step, metadata)
            tf.summary.write("weights", tf.zeros((2, 3)), step)
    writer.close()
    for file in HERE.rglob("*tfevents*"):  # named after the time and the machine
        file.rename(file.with_name("events.out.tfevents.0.host"))


def write_predictions() -> None:
    """Let a scikit-learn classifier predict; write that in every form, and what scikit-learn computes from it."""
    import pandas as pd
    from sklearn.datasets import make_classification
    from sklearn.linear_model import LogisticRegression
    from sklearn.metrics import (
        accuracy_score,
        balanced_accuracy_score,
        classification_report,
        confusion_matrix,
        f1_score,
        log_loss,
        roc_auc_score,
        top_k_accuracy_score,
    )

    names = np.array(["happy", "neutral", "sad"])
    x, y = make_classification(
        260, 8, n_informative=5, n_classes=3, weights=[0.5, 0.3, 0.2], flip_y=0.1, class_sep=0.7, random_state=0
    )
    fitted = LogisticRegression(max_iter=500).fit(x[:100], y[:100])
    true, probabilities = y[100:], fitted.predict_proba(x[100:])
    predicted = fitted.predict(x[100:])
    files = [f"faces/{k:03d}.png" for k in range(len(true))]
    by_name = pd.DataFrame({"file": files, "label": names[true], "prediction": names[predicted]})
    by_name.to_csv(HERE / "predictions_names.csv", index=False)
    by_number = pd.DataFrame({"y_true": true, "y_pred": predicted})
    for k, name in enumerate(names):
        by_number[f"prob_{name}"] = probabilities[:, k]
    by_number.to_csv(HERE / "predictions_numbers.csv", index=False)
    by_number.to_parquet(HERE / "predictions.parquet", index=False)
    np.savez_compressed(HERE / "predictions.npz", y_true=true, y_prob=probabilities.astype(np.float32))
    columns = {"targets": true.tolist(), "preds": predicted.tolist(), "probabilities": probabilities.tolist()}
    (HERE / "predictions.json").write_text(json.dumps(columns) + "\n")
    matrix = confusion_matrix(true, predicted)
    np.save(HERE / "confusion.npy", matrix)
    np.savetxt(HERE / "confusion_bare.csv", matrix, "%d", ",")
    np.savetxt(HERE / "confusion.txt", matrix)
    (HERE / "confusion.json").write_text(json.dumps({"labels": names.tolist(), "matrix": matrix.tolist()}) + "\n")
    pd.DataFrame(matrix, names, names).to_csv(HERE / "confusion_names.csv")
    pd.crosstab(names[true], names[predicted], margins=True).to_csv(HERE / "confusion_crosstab.csv")
    report = classification_report(true, predicted, target_names=names, output_dict=True)
    (HERE / "report.json").write_text(json.dumps(report, indent=1) + "\n")
    (HERE / "report.txt").write_text(classification_report(true, predicted, target_names=names, digits=3))
    expected = {
        "accuracy": accuracy_score(true, predicted),
        "macro_f1": f1_score(true, predicted, average="macro"),
        "balanced_accuracy": balanced_accuracy_score(true, predicted),
        "top2": top_k_accuracy_score(true, probabilities, k=2),
        "log_loss": log_loss(true, probabilities),
        "roc_auc": [roc_auc_score(true == k, probabilities[:, k]) for k in range(3)],
        "confusion": matrix.tolist(),
    }
    (HERE / "expected.json").write_text(json.dumps(expected, indent=1) + "\n")


def main() -> None:
    """Write every file anew."""
    for old in HERE.iterdir():
        if old.name not in ("make.py", "__init__.py", "__pycache__", "programs"):
            shutil.rmtree(old) if old.is_dir() else old.unlink()
    for write in (
        write_keras,
        write_lightning,
        write_fastai,
        write_huggingface,
        write_predictions,
        write_trackers,
        write_tensorboard,
    ):
        write()


if __name__ == "__main__":
    main()
