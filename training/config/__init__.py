"""The training configuration.

A YAML file plus flags becomes one validated ``TrainConfig``; an unknown key is refused with the nearest known one.

Imported by ``training.cluster``, ``training.commands``, ``training.distillation``, ``training.inputs`` and
``training.loop``.
"""
