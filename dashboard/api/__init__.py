"""The HTTP API: the same networks and detectors as the pages, in the same process.

A request goes ``bodies`` (its pictures, in memory) → ``reading`` (decode, find, crop) → ``batching`` (one forward pass
for the faces of many requests) → JSON. Whatever stops it becomes a ``problems.ProblemError``.
"""
