"""What every page uses.

Navigation, session and address state, cached loaders, messages, tables and saved charts.

Imported by ``dashboard.api``, ``dashboard.app``, ``dashboard.evaluation``, ``dashboard.home``, ``dashboard.live``,
``dashboard.predict``, ``dashboard.server``, ``dashboard.train``, ``dashboard.video`` and ``pages``.
"""
