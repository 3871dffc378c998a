"""A picture as JSON, and back: see docs/picture-format.md."""

import json
import math
import types
import typing
from collections.abc import Mapping
from dataclasses import fields, is_dataclass
from typing import Any, Final

from viz.errors import DrawError
from viz.picture import Picture

FORMAT: Final = "autograd-bp picture"
VERSION: Final = 1
_LITERALS: Final = {"nan": math.nan, "inf": math.inf, "-inf": -math.inf}


def to_json(picture: Picture) -> str:
    """`picture` as JSON text that is safe inside an HTML page too: it has no `<` and is ASCII.

    >>> to_json(Picture((), (), ()))[:60]
    '{"format": "autograd-bp picture", "version": 1, "nodes": [],'
    """
    content = {"format": FORMAT, "version": VERSION, **_plain(picture)}
    return json.dumps(content, allow_nan=False).replace("<", "\\u003c")


def from_json(text: str) -> Picture:
    """The picture that `Diagram.json` has written down, for `viz.draw` to draw again.

    Raises `DrawError` for any other text.

    >>> import autograd_bp as ab
    >>> import viz
    >>> picture = viz.draw(ab.Value(2.0) * 3.0)
    >>> viz.draw(viz.from_json(picture.json)).svg == picture.svg
    True
    """
    try:
        content = json.loads(text)
        if content["format"] != FORMAT or content["version"] != VERSION:
            raise ValueError(f"version {content['version']} of {content['format']!r}")
        picture = _read(Picture, {key: content[key] for key in _names(Picture)})
    except (ValueError, KeyError, TypeError, RecursionError) as error:
        raise DrawError(
            f"this is not a picture that .json or .save('….json') has written: {error!r}"
        ) from error
    assert isinstance(picture, Picture)
    _check(picture)
    return picture


def _check(picture: Picture) -> None:
    """Numbers that point nowhere would crash whatever draws the picture."""
    nodes, groups = len(picture.nodes), len(picture.groups)
    sound = (
        all(node.id == number for number, node in enumerate(picture.nodes))
        and all(group.id == number for number, group in enumerate(picture.groups))
        and all(0 <= edge.source < nodes and 0 <= edge.target < nodes for edge in picture.edges)
        and all(0 <= output.node < nodes for output in picture.outputs)
        and all(node.group is None or 0 <= node.group < groups for node in picture.nodes)
        and all(group.parent is None or 0 <= group.parent < group.id for group in picture.groups)
        and all((node.kind == "folded") == (node.fold is not None) for node in picture.nodes)
        and all(
            node.kind in ("result", "folded") or node.operation is None for node in picture.nodes
        )
        and all(node.kind != "result" or node.operation is not None for node in picture.nodes)
    )
    if not sound:
        raise DrawError("this picture's nodes, edges and groups do not fit together")


def _names(kind: type) -> list[str]:
    return [field.name for field in fields(kind)]


def _plain(value: Any) -> Any:
    """Frozen data as lists, dicts and numbers; what JSON has no number for, as text."""
    if is_dataclass(value):
        return {field.name: _plain(getattr(value, field.name)) for field in fields(value)}
    if isinstance(value, tuple):
        return [_plain(each) for each in value]
    if isinstance(value, float) and not math.isfinite(value):
        return str(value)
    return value


def _read(kind: Any, value: Any) -> Any:
    """`value` as `_plain` has left it, again of the type `kind`."""
    origin, arguments = typing.get_origin(kind), typing.get_args(kind)
    if origin in (typing.Union, types.UnionType):
        if value is None and type(None) in arguments:
            return None
        choices = [choice for choice in arguments if choice is not type(None)]
        return _read(choices[0], value) if len(choices) == 1 else _number(value)
    if origin is tuple:
        if not isinstance(value, list):
            raise TypeError(f"a list is wanted, not {value!r}")
        return tuple(_read(arguments[0], each) for each in value)
    if origin is typing.Literal:
        if value not in arguments:
            raise ValueError(f"{value!r} is none of {arguments}")
        return value
    if is_dataclass(kind):
        if not isinstance(value, Mapping):
            raise TypeError(f"an object is wanted, not {value!r}")
        hints = typing.get_type_hints(kind)
        return typing.cast(Any, kind)(
            **{name: _read(hints[name], value[name]) for name in _names(typing.cast(type, kind))}
        )
    if kind is float:
        return float(_number(value))
    if type(value) is not kind:
        raise TypeError(f"{value!r} is not of type {kind.__name__}")
    return value


def _number(value: Any) -> float | int | bool:
    if isinstance(value, str):
        return _LITERALS[value]
    if not isinstance(value, float | int | bool):
        raise TypeError(f"{value!r} is no number")
    return value
