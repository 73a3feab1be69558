"""Pictures in bulk.

Finds picture files, predicts them in processes or on a Ray cluster, resumes from a journal, and writes CSV, JSON
and annotated copies.

Imported by ``dashboard.api``, ``dashboard.predict``, ``model.commands`` and ``training.cluster``.
"""
