"""Results of other programs: each file is recognised by its content, read into plain arrays, and merged into a run.

One reader per format, all pure functions from a :class:`~emoscope.model.runs.foreign.source.Source` to a
:class:`~emoscope.model.runs.foreign.results.Found`. ``registry`` holds them in the order in which they are asked,
``merge`` writes the run. Nothing in a file is executed or unpickled.
"""
