"""The training loop.

Trains one network on any Keras backend, with a checkpoint after every epoch, and saves the result as a run.

Imported by ``training.cluster`` and ``training.commands``.
"""
