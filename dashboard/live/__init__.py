"""The Live page.

Live in the visitor's own browser, as a component; the WebRTC video processor, the pool of analyses that sessions share,
pacing, connection and its diagnosis, and what is drawn beside the video.

Imported by ``dashboard.api`` and ``pages``.
"""
