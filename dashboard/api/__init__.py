"""The HTTP API.

A FastAPI application beside the pages in the same process: predicts uploaded pictures, batches requests, limits
bodies and rates, and counts what it does.

Imported by ``dashboard.__main__``.
"""
