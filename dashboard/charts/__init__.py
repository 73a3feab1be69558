"""Plotly figures.

Each function takes data and returns a ``go.Figure`` in the app's theme; none calls Streamlit.

Imported by ``dashboard.evaluation``, ``dashboard.home``, ``dashboard.live``, ``dashboard.predict``,
``dashboard.train``, ``dashboard.ui``, ``dashboard.video`` and ``pages``.
"""
