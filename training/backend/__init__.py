"""The machine under Keras.

Devices, numeric precision and the PyTorch calls that are faster than Keras' own; opens a saved network as a Keras
model.

Imported by ``training.cluster``, ``training.commands``, ``training.distillation`` and ``training.loop``.
"""
