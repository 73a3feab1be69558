"""Networks that were trained elsewhere.

Opens ``.keras``, ``.h5``, ``.tflite`` and ``.onnx`` files, finds their class order and normalisation, and makes
saved runs of them.

Imported by ``training.commands``.
"""
