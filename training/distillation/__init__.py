"""Teachers.

Saved runs whose probabilities a network learns besides the labels: computed once on the plain images, in every step
on the augmented ones (online), or once on cached views; some are given the votes as privileged labels.

Imported by ``training.loop``.
"""
