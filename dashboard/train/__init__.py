"""The Train page.

A queue of trainings in processes of their own, the form that adds one, and the view that follows it.

Imported by ``pages``.
"""
