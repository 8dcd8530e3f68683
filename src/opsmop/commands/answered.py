"""What a host answered to an errand: held to the shape that an honest one has, and fit for a terminal."""

from __future__ import annotations

from typing import Any

from opsmop.errors import ProtocolError
from opsmop.events.wire import LARGEST_NUMBER, clean

ANYTHING = object()


def answered(host: str, value: Any, shape: Any) -> Any:
    """`value`, with its texts clean.

    :param host: who said it
    :param value: plain JSON
    :param shape: a type; `ANYTHING`; a list of one shape; a tuple of one for each place; a dict of one for each name, of
        which the name `str` stands for any
    :raises ProtocolError: if it is of another shape
    """
    try:
        return _fitted(value, shape)
    except TypeError:
        raise ProtocolError(
            f"{host} does not keep to the protocol: what it answers is of another shape",
            host=host,
            remedy="Is it the host it seems to be?",
        ) from None


def _fitted(value: Any, shape: Any) -> Any:
    if shape is ANYTHING:
        return _clean(value)
    if isinstance(shape, (list, tuple)) and isinstance(value, list):
        return _places(value, shape)
    if isinstance(shape, dict) and isinstance(value, dict):
        if str in shape:
            return {clean(name): _fitted(inner, shape[str]) for name, inner in value.items()}
        return {name: _fitted(value.get(name), inner) for name, inner in shape.items()}
    if shape in (int, float) and isinstance(value, (int, float)) and abs(value) < LARGEST_NUMBER:
        return value
    if shape in (str, bool) and isinstance(value, shape):
        return _clean(value)
    raise TypeError(shape)


def _places(value: list[Any], shape: Any) -> Any:
    shapes = shape * len(value) if isinstance(shape, list) else shape
    if len(shapes) != len(value):
        raise TypeError(shape)
    return type(shape)(_fitted(inner, each) for inner, each in zip(value, shapes, strict=True))


def _clean(value: Any) -> Any:
    if isinstance(value, str):
        return clean(value)
    if isinstance(value, list):
        return [_clean(inner) for inner in value]
    return {clean(name): _clean(inner) for name, inner in value.items()} if isinstance(value, dict) else value
