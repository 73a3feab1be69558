"""LiteRT networks with one fixed input shape.

LiteRT.js takes shapes from the file: it refuses a dimension of -1, and an input cannot be resized there. A shape has as
many bytes whatever its numbers are, so they are overwritten in place; neither TensorFlow nor a conversion is needed.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np

from emoscope.model.errors import EngineError, reason_of
from emoscope.model.networks.signature import is_channels_first


def with_fixed_shape(content: bytes, shape: Sequence[int] | None = None) -> bytes:
    """Return a network whose tensors have the shapes that they get for one shape of its input.

    Args:
        content: A ``.tflite`` file with one input.
        shape: Of the input, e.g. ``(1, 40, 40, 1)``; where None its own, with a batch of one.

    Raises:
        EngineError: The file is no such network, or cannot take this shape.
    """
    try:
        return _fixed(content, shape)
    except (ValueError, RuntimeError, IndexError, TypeError) as error:
        raise EngineError(
            f"The network cannot be brought into the form that browsers run ({reason_of(error)}).",
            "Choose another run, or let the server run this one.",
        ) from error


def _fixed(content: bytes, shape: Sequence[int] | None) -> bytes:
    from ai_edge_litert.schema_py_generated import Model

    if len(content) < 8 or content[4:8] != b"TFL3":
        raise ValueError("it is no LiteRT file")
    model = Model.GetRootAs(content, 0)
    if model.SubgraphsLength() != 1:
        raise ValueError("it has several subgraphs")
    shapes = _shapes(content, shape)
    fixed = bytearray(content)
    written: dict[int, tuple[int, ...]] = {}
    for i in range(model.Subgraphs(0).TensorsLength()):
        tensor = model.Subgraphs(0).Tensors(i)
        for place, length in (_vector(tensor, 4), _vector(tensor, 18)):  # fields shape and shape_signature
            if not length:
                continue
            if length != len(shapes[i]) or written.setdefault(place, shapes[i]) != shapes[i]:
                raise ValueError(f"tensor {i} changes its rank, or shares its shape with another")
            fixed[place : place + 4 * length] = np.array(shapes[i], "<i4").tobytes()
    return bytes(fixed)


def _shapes(content: bytes, shape: Sequence[int] | None) -> dict[int, tuple[int, ...]]:
    """Return the shape of every tensor, by index, once the input has the given one."""
    from ai_edge_litert.interpreter import Interpreter, OpResolverType

    interpreter: Any = Interpreter(
        model_content=content, experimental_op_resolver_type=OpResolverType.BUILTIN_WITHOUT_DEFAULT_DELEGATES
    )
    inputs = interpreter.get_input_details()
    if len(inputs) != 1:
        raise ValueError(f"it takes {len(inputs)} inputs, where one image is expected")
    own = inputs[0]["shape_signature"]
    if len(own) == 4 and own[1] == 3 and is_channels_first(own[1:]):
        raise ValueError("its channels come first, which the browser engine does not give")
    interpreter.resize_tensor_input(inputs[0]["index"], list(shape or (1, *own[1:])))
    interpreter.allocate_tensors()
    interpreter.set_tensor(
        inputs[0]["index"], np.zeros(inputs[0]["shape"] if shape is None else shape, inputs[0]["dtype"])
    )
    interpreter.invoke()  # some shapes are known only then
    return {detail["index"]: tuple(map(int, detail["shape"])) for detail in interpreter.get_tensor_details()}


def _vector(tensor: Any, field: int) -> tuple[int, int]:
    """Return where the numbers of a vector field begin in the file, and how many there are; 0 of one that is absent."""
    offset = tensor._tab.Offset(field)
    return (tensor._tab.Vector(offset), tensor._tab.VectorLen(offset)) if offset else (0, 0)
