"""What a training step is fed.

Samples and their targets, batches, weighted sampling, augmentation, mixup and CutMix.

Imported by ``training.backend``, ``training.commands``, ``training.distillation`` and ``training.loop``.
"""
