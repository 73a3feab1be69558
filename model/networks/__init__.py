"""Networks that are ready to predict.

One protocol, ``Classifier``, over LiteRT, Keras, ONNX Runtime and a remote deployment; the preprocessing that
training and serving share; and the architectures that training builds.

Imported by ``dashboard.api``, ``dashboard.evaluation``, ``dashboard.live``, ``dashboard.predict``, ``dashboard.ui``,
``model.browser``, ``model.dataset``, ``model.explain``, ``model.pictures``, ``model.pipeline``, ``training.backend``,
``training.commands``, ``training.distillation``, ``training.evaluation``, ``training.exporting``, ``training.foreign``
and ``training.loop``.
"""
