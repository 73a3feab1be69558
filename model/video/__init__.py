"""Video files.

Decodes a clip, follows every face through it, sums up who showed what when, and writes the annotated clip and its
figures.

Imported by ``dashboard.charts``, ``dashboard.video`` and ``model.commands``.
"""
