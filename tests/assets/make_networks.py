"""Write the networks that tests run, a few kilobytes each: ``python tests/assets/make_networks.py``.

Input 48×48 gray in 0..1, seven classes. The picture is averaged in 8×8 cells; the evidence for class 3 grows with a
cell's brightness, that for class 4 with its darkness, class 6 is indifferent, and the others always lose. So what the
answer must be, and where the evidence lies, is known.

    cam.tflite      probabilities and activation map, any batch size, as our own export
    int8.tflite     the same, quantised, with int8 input and outputs
    logits.tflite   logits only, one face at a time, as many a network from elsewhere
    nan.tflite      broken weights
    first.tflite    probabilities for three channels that come first, as PyTorch's converters write them
"""

import tempfile
from pathlib import Path

import keras
import numpy as np
import tensorflow as tf

HERE = Path(__file__).parent
WEIGHTS = np.array([0, 0, 0, 20, -20, 0, 0], np.float32)
BIASES = np.array([-9, -9, -9, -10, 10, -9, 0], np.float32)


def build(outputs: str = "dict", weights: np.ndarray = WEIGHTS) -> keras.Model:
    """Build the network; ``outputs`` is ``dict``, ``list``, ``probabilities`` or ``logits``."""
    image = keras.Input((48, 48, 1))
    cells = keras.layers.AveragePooling2D(8)(image)
    convolution = keras.layers.Conv2D(7, 1, name="activation_map")
    activation_map = convolution(cells)
    convolution.set_weights([weights.reshape(1, 1, 1, 7), BIASES])
    logits = keras.layers.GlobalAveragePooling2D(name="logits")(activation_map)
    probabilities = keras.layers.Softmax(name="probabilities")(logits)
    return keras.Model(
        image,
        {
            "dict": {"probabilities": probabilities, "activation_map": activation_map},
            "list": [probabilities, activation_map],
            "probabilities": probabilities,
            "logits": logits,
        }[outputs],
    )


def main() -> None:
    """Write every file."""
    model = build()
    model.export(HERE / "cam.tflite", format="litert", verbose=False)
    build(weights=WEIGHTS * np.nan).export(HERE / "nan.tflite", format="litert", verbose=False)
    one = [tf.TensorSpec((1, 48, 48, 1), tf.float32)]
    build("logits").export(HERE / "logits.tflite", format="litert", verbose=False, input_signature=one)

    image = keras.Input((3, 48, 48))
    gray = keras.layers.Permute((2, 3, 1))(image)
    to_gray = keras.layers.Conv2D(1, 1, use_bias=False)
    gray = to_gray(gray)
    to_gray.set_weights([np.float32([0.6, 0.3, 0.1]).reshape(1, 1, 3, 1)])
    first = keras.Model(image, build("probabilities")(gray))
    first.export(HERE / "first.tflite", format="litert", verbose=False)

    noise = np.random.default_rng(0).random((100, 48, 48, 1), np.float32)
    levels = np.linspace(0, 1, 100, dtype=np.float32).reshape(-1, 1, 1, 1)
    archive = keras.export.ExportArchive()
    archive.track(model)
    archive.add_endpoint("serve", model.call, [keras.InputSpec(shape=(None, 48, 48, 1), dtype="float32")])
    with tempfile.TemporaryDirectory() as saved:
        archive.write_out(saved, verbose=False)
        converter = tf.lite.TFLiteConverter.from_saved_model(saved)
    # (the converter reads the folder when it is made)
    converter.optimizations = [tf.lite.Optimize.DEFAULT]
    converter.representative_dataset = lambda: ([sample[None]] for sample in noise * levels)
    converter.target_spec.supported_ops = [tf.lite.OpsSet.TFLITE_BUILTINS_INT8]
    converter.inference_input_type = converter.inference_output_type = tf.int8
    (HERE / "int8.tflite").write_bytes(converter.convert())


if __name__ == "__main__":
    main()
