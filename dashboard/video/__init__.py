"""The Video page.

Analyses a clip in the background and shows its timeline, moments and downloads.

Imported by ``pages``.
"""
