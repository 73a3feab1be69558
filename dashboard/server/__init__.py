"""The server of ``python -m dashboard``.

What it adds to Streamlit's own: files compressed once for all visitors, and answers that do not wait for a full
packet.

Imported by ``dashboard.__main__`` and ``dashboard.live``.
"""
