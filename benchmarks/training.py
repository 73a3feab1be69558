"""Time training steps beside a NumPy matrix product in the same run: ``python -m benchmarks.training``.

Every architecture trains on noise as its configuration asks, on the Keras backend in use: batches are put together,
augmented, and stepped on. Forward and backward pass are counted as three times the forward pass's multiply-adds, each
as two operations; that overstates the first layer, which needs no gradient of its input. A second column leaves
augmentation and mixing out: the difference is what they cost. Products are timed before and after each repetition with
as many threads; medians go to ``benchmarks/training.json``. The layers of ``--layers`` are timed one by one, too,
forward and backward (on TensorFlow), which says where a step's time goes.
"""

from __future__ import annotations

import argparse
import itertools
import json
import os
from dataclasses import replace
from pathlib import Path
from statistics import median
from time import perf_counter
from typing import Any

from emoscope.model.machine import available_cores

# Must be set before the backend starts.
THREADS = int(os.environ.setdefault("OMP_NUM_THREADS", str(available_cores())))
os.environ.setdefault("TF_NUM_INTRAOP_THREADS", str(THREADS))
os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")

import numpy as np  # noqa: E402
from threadpoolctl import threadpool_limits  # noqa: E402

from benchmarks.machine import describe_machine  # noqa: E402
from emoscope.model.networks.architectures import multiply_adds  # noqa: E402
from emoscope.training.config.augmentation import UNCHANGED  # noqa: E402
from emoscope.training.config.schema import TrainConfig, config_names, load_config  # noqa: E402

MATRIX_SIDE = 1024


def product_rate() -> float:
    """Return the operations per second of a float32 matrix product."""
    left = np.random.default_rng(0).random((MATRIX_SIDE, MATRIX_SIDE), np.float32)
    with threadpool_limits(THREADS, user_api="blas"):
        left @ left
        start = perf_counter()
        for _ in range(4):
            left @ left
    return 4 * 2 * MATRIX_SIDE**3 / (perf_counter() - start)


def noise(config: TrainConfig, batches: int) -> Any:
    """Return samples of a config's size, uint8 noise with random labels."""
    from emoscope.training.inputs.samples import Samples

    rng = np.random.default_rng(0)
    count = batches * config.batch_size
    images = rng.integers(0, 256, (count, *config.input_size, config.channels), np.uint8)
    classes = {"fer": 7, "ferplus": 8}
    targets = {
        head: np.eye(classes[head], dtype=np.float32)[rng.integers(0, classes[head], count)] for head in config.heads
    }
    weights = {head: np.ones(count, np.float32) for head in config.heads}
    return Samples(images, np.arange(count, dtype=np.uint64), targets, weights, weights)


def epoch_rate(config: TrainConfig, batches: int, repetitions: int) -> tuple[float, float, int]:
    """Return images per second, the products' operations per second, and the network's operations per forward pass."""
    from emoscope.training.loop.session import Session

    classes = {head: tuple(map(str, range(7 if head == "fer" else 8))) for head in config.heads}
    session, samples = Session(config, classes), noise(config, batches)
    order = np.random.default_rng(0).permutation(len(samples))
    session.fit_steps(samples, order, 0, [])  # traces the graph
    rates, products = [], []
    for epoch in range(1, repetitions + 1):
        before = product_rate()
        start = perf_counter()
        session.fit_steps(samples, order, epoch, [{"val_loss": 1.0}])
        rates.append(len(samples) / (perf_counter() - start))
        products.append(2 / (1 / before + 1 / product_rate()))
    return median(rates), median(products), multiply_adds(session.build(config.input_size))


def layer_rows(config: TrainConfig, repetitions: int) -> list[dict[str, Any]]:
    """Return the milliseconds that each layer takes of a step, forward and backward, timed by itself on TensorFlow."""
    import keras
    import tensorflow as tf

    from emoscope.model.networks.architectures import build_network

    network = build_network(config.architecture, (*config.input_size, config.channels), {"fer": 7}, **config.options)
    rows = []
    for layer in network.layers:
        if isinstance(layer, keras.layers.InputLayer) or not isinstance(layer.input, keras.KerasTensor):
            continue
        given = tf.random.normal((config.batch_size, *layer.input.shape[1:]))

        @tf.function
        def step(given: Any = given, layer: Any = layer) -> Any:
            with tf.GradientTape() as tape:
                tape.watch(given)
                total = tf.reduce_sum(layer(given, training=True))
            return tape.gradient(total, [given, *(variable.value for variable in layer.trainable_variables)])

        step()
        times = []
        for _ in range(repetitions):
            start = perf_counter()
            for _ in range(4):
                step()
            times.append((perf_counter() - start) / 4)
        rows.append({"layer": layer.name, "milliseconds": round(1e3 * median(times), 2)})
    return rows


def measure(name: str, precision: str, batches: int, repetitions: int, layers: bool) -> dict[str, Any]:
    config = load_config(name, {"precision": precision})
    config = replace(config.without_teacher(), resolutions=(), initial=())
    rate, product, operations = epoch_rate(config, batches, repetitions)
    step_rate, *_ = epoch_rate(replace(config, augmentation=UNCHANGED, mixup=0.0, cutmix=0.0), batches, repetitions)
    achieved = 3 * operations * rate
    return {
        "config": name,
        "precision": precision,
        "batch_size": config.batch_size,
        "operations_per_face": operations,
        "images_per_second": round(rate, 1),
        "images_per_second_without_augmentation": round(step_rate, 1),
        "gflops": round(achieved / 1e9, 2),
        "product_gflops": round(product / 1e9, 2),
        "ratio": round(achieved / product, 3),
        "images_per_second_at_the_products_rate": round(product / (3 * operations), 1),
        **({"layers": layer_rows(config, repetitions)} if layers else {}),
    }


def main() -> None:
    parser = argparse.ArgumentParser(description="Time training steps beside a NumPy matrix product.")
    # Pretrained weights would have to be fetched.
    names = [name for name in config_names() if load_config(name).architecture != "backbone"]
    parser.add_argument("--configs", nargs="+", default=names, help=f"to time (default: {', '.join(names)})")
    parser.add_argument("--precisions", nargs="+", default=["float32"], help="to compute with: float32, bfloat16")
    parser.add_argument("--batches", type=int, default=20, help="steps per repetition")
    parser.add_argument("--repetitions", type=int, default=5)
    parser.add_argument("--layers", nargs="*", default=["lite_cnn"], help="configs to time layer by layer as well")
    parser.add_argument("--output", type=Path, default=Path(__file__).with_suffix(".json"))
    options = parser.parse_args()
    print("config        bits      M operations  images/s  without augmentation  GFLOP/s  product GFLOP/s  ratio")
    results = []
    for name, precision in itertools.product(options.configs, options.precisions):
        row = measure(name, precision, options.batches, options.repetitions, name in options.layers)
        results.append(row)
        print(
            f"{name:<12}  {precision:<8}  {row['operations_per_face'] / 1e6:>12.1f}  "
            f"{row['images_per_second']:>8,.0f}  "
            f"{row['images_per_second_without_augmentation']:>20,.0f}  {row['gflops']:>7.1f}  "
            f"{row['product_gflops']:>15.1f}  {row['ratio']:>5.2f}",
            flush=True,
        )
        for part in row.get("layers", ()):
            print(f"  {part['layer']:<20} {part['milliseconds']:>8.2f} ms of a step")
    import keras

    content = {
        "machine": describe_machine() | {"threads": THREADS, "backend": keras.backend.backend()},
        "counted": "forward and backward pass as three times the forward pass's multiply-adds, each as two operations",
        "matrix_side": MATRIX_SIDE,
        "batches": options.batches,
        "repetitions": options.repetitions,
        "results": results,
    }
    options.output.write_text(json.dumps(content, indent=2) + "\n", encoding="utf-8")


if __name__ == "__main__":
    main()
