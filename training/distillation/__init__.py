"""Teachers.

Saved runs whose probabilities a network learns besides the labels: asked once, asked for every augmented view
(online), or asked for views that are cached; some know how people voted.

Imported by ``training.loop``.
"""
