"""The Live page.

The WebRTC video processor, the pool of analyses that sessions share, pacing, connection and its diagnosis, and what
is drawn beside the video.

Imported by ``dashboard.api`` and ``pages``.
"""
