"""A network in other formats.

Converts a run to LiteRT float16 and int8, ONNX and HDF5 in a process of its own, checks each against the original
and times it.

Imported by ``training.commands`` and ``training.foreign``.
"""
