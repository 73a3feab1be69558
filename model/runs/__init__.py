"""The saved run, the contract that everything meets at.

Opens, checks and writes ``run.json``, ``history.csv``, predictions and exports below ``artifacts/``, and packs a
run into a zip. A run is data, never code. ``logger`` writes one while any script trains, ``foreign`` reads what other
programs wrote and makes a run of it.

Imported by ``dashboard.api``, ``dashboard.evaluation``, ``dashboard.home``, ``dashboard.server``, ``dashboard.train``,
``dashboard.ui``, ``model.browser``, ``model.commands``, ``model.evaluation``, ``model.networks``, ``model.pictures``,
``model.sharing``, ``training.backend``, ``training.cluster``, ``training.commands``, ``training.config``,
``training.distillation``, ``training.evaluation``, ``training.exporting``, ``training.foreign``, ``training.loop`` and
``pages``.
"""
