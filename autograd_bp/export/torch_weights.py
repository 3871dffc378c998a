"""Weights under PyTorch's names and in its layouts, to and from safetensors.

Most layers keep what PyTorch keeps, under the same names. These differ:

==================  ==============================  ===========================================
layer here          kept here                       kept by PyTorch
==================  ==============================  ===========================================
Linear              weight (in, out)                weight (out, in): the transpose
RNNCell, GRUCell,   weight_ih, weight_hh            their transposes; gates in the same order.
LSTMCell            (in, gates * hidden)            nn.LSTM and its like add ``_l0`` to the names
MultiHeadAttention  query, key, value: Linear       in_proj_weight, in_proj_bias: the three, one
                                                    below the other, transposed
                    out: Linear                     out_proj.weight (transposed), out_proj.bias
==================  ==============================  ===========================================
"""

from __future__ import annotations

import os
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from autograd_bp import storage
from autograd_bp.nn import Linear, Module, MultiHeadAttention
from autograd_bp.nn.module import joined
from autograd_bp.nn.recurrent import Cell
from autograd_bp.node import Node

Array = NDArray[Any]


@dataclass(frozen=True)
class _Entry:
    """An array of PyTorch's, and the arrays here of which it is made, one below the other."""

    name: str
    ours: tuple[str, ...]
    transposed: bool
    aliases: tuple[str, ...] = ()

    def to_torch(self, state: Mapping[str, Array]) -> Array:
        parts = [state[name].T if self.transposed else state[name] for name in self.ours]
        return np.array(parts[0] if len(parts) == 1 else np.concatenate(parts), order="C")

    def from_torch(self, array: Array) -> list[tuple[str, Array]]:
        parts = [array] if len(self.ours) == 1 else np.split(array, len(self.ours))
        return [
            (name, part.T if self.transposed else part)
            for name, part in zip(self.ours, parts, strict=True)
        ]

    def shape(self, state: Mapping[str, Array]) -> tuple[int, ...]:
        return self.to_torch(state).shape


def to_torch(module: Module, path: str | os.PathLike[str] | None = None) -> dict[str, Array]:
    """The parameters and buffers of a module as PyTorch's counterpart names and lays them out.

    Parameters
    ----------
    module
        Layers of `nn`, nested in any way; their attributes have the names they have in the torch
        model. Parameters of a module of one's own keep their names and layouts.
    path
        A name that ends in ``.safetensors``: the arrays are written there too.

    Returns
    -------
    Arrays by name, each a copy of its own, for
    ``model.load_state_dict({name: torch.from_numpy(a) for name, a in state.items()})``. From the
    file: ``model.load_state_dict(safetensors.torch.load_file(path))``.

    Raises
    ------
    TypeError
        If it is no module.
    StorageError
        If the name ends in something else, before anything is written.

    Examples
    --------
    >>> from autograd_bp import nn
    >>> net = nn.Sequential(nn.Linear(3, 2, rng=0), nn.ReLU())
    >>> {name: array.shape for name, array in to_torch(net).items()}
    {'0.weight': (2, 3), '0.bias': (2,)}
    """
    _check_module(module, "to_torch")
    own = module.state_dict()
    state = {entry.name: entry.to_torch(own) for entry in _entries(module)}
    if path is not None:
        _check_suffix(path)
        storage.save(path, state)
    return state


def from_torch(
    module: Module,
    state: Mapping[str, Any] | str | os.PathLike[str],
    strict: bool = True,
) -> None:
    """Set the parameters and buffers of a module from a state of PyTorch's counterpart.

    Parameters
    ----------
    module
        The module that is to have them.
    state
        A `state_dict` of PyTorch (of tensors or arrays), or the name of a ``.safetensors`` file.
        A recurrent cell takes the names of `nn.LSTM` and its like as well (``weight_ih_l0``).
    strict
        Whether names that are missing or that nobody knows are an error. A wrong shape always is.

    Raises
    ------
    ValueError
        If the state does not fit: everything that differs, in PyTorch's names. Nothing is changed.
    StorageError
        If the file is truncated, damaged, or of another kind. Nothing in a file is executed: a
        ``.pt`` file is a pickle, so it is not read.

    Examples
    --------
    >>> from autograd_bp import nn
    >>> net = nn.Linear(3, 2)
    >>> from_torch(net, {"weight": np.ones((2, 3)), "bias": np.zeros(2)})
    >>> net.weight.shape
    (3, 2)
    >>> from_torch(net, {"weight": np.ones((3, 2))})
    Traceback (most recent call last):
        ...
    ValueError: this is not a state of PyTorch for Linear:
      shape: weight is (2, 3), the state has (3, 2)
      missing: bias (2,)
    Nothing was loaded.
    """
    _check_module(module, "from_torch")
    if isinstance(state, str | os.PathLike):
        _check_suffix(state)
        state = storage.load(state)
    if not isinstance(state, Mapping):
        raise TypeError(
            "from_torch takes a dict of arrays by name, or the name of a .safetensors file, not "
            f"{type(state).__name__}"
        )
    own = module.state_dict()
    known = set()
    problems = []
    converted: dict[str, Array] = {}
    for entry in _entries(module):
        name = next((n for n in (entry.name, *entry.aliases) if n in state), None)
        if name is None:
            if strict:
                problems.append(f"missing: {entry.name} {entry.shape(own)}")
            continue
        known.add(name)
        array = _array(state[name])
        if array is None:
            problems.append(f"not an array of real numbers: {name}")
        elif array.shape != entry.shape(own):
            problems.append(f"shape: {name} is {entry.shape(own)}, the state has {array.shape}")
        else:
            converted.update(entry.from_torch(array))
    if strict:
        problems += [f"unexpected: {name}" for name in state if name not in known]
    if problems:
        raise ValueError(
            f"this is not a state of PyTorch for {type(module).__name__}:\n  "
            + "\n  ".join(problems)
            + "\nNothing was loaded."
        )
    module.load_state_dict(converted, strict=False)


def _array(given: Any) -> Array | None:
    """A tensor or array as an array of real numbers; None if it is something else."""
    if isinstance(given, Node):
        given = given._value
    if hasattr(given, "detach"):  # a tensor of PyTorch, with or without a gradient
        given = given.detach().cpu()
        if str(given.dtype) in ("torch.bfloat16", "torch.float16"):
            given = given.float()
    try:
        array = np.asarray(given)
    except (TypeError, ValueError):
        return None
    return array if array.dtype.kind in "biuf" else None


def _entries(module: Module) -> list[_Entry]:
    """What PyTorch keeps for the module, in its order here."""
    members = module._members()
    owners: dict[str, Module] = {"": module}
    owners.update((path, member) for path, member in members if isinstance(member, Module))
    leaves = [path for path, member in members if isinstance(member, Node)]
    present = set(leaves)
    entries: dict[str, _Entry] = {}
    for path in leaves:
        parent, leaf = _split(path, owners)
        entry = _entry(parent, leaf, owners, present)
        entries.setdefault(entry.name, entry)
    return list(entries.values())


def _split(path: str, owners: Mapping[str, Module]) -> tuple[str, str]:
    """The path of the innermost module, and the name of the leaf in it."""
    parent = path
    while parent not in owners or parent == path:
        parent = parent.rpartition(".")[0]
    return parent, path[len(parent) + 1 :] if parent else path


def _entry(parent: str, leaf: str, owners: Mapping[str, Module], present: set[str]) -> _Entry:
    owner = owners[parent]
    full = joined(parent, leaf)
    if isinstance(owner, Linear):
        above, _, role = parent.rpartition(".")
        attention = owners.get(above) if parent else None
        if isinstance(attention, MultiHeadAttention) and role in _IN_PROJECTION:
            ours = tuple(joined(joined(above, name), leaf) for name in _IN_PROJECTION)
            assert all(name in present for name in ours)
            return _Entry(joined(above, f"in_proj_{leaf}"), ours, leaf == "weight")
        if isinstance(attention, MultiHeadAttention) and role == "out":
            return _Entry(joined(above, f"out_proj.{leaf}"), (full,), leaf == "weight")
        return _Entry(full, (full,), leaf == "weight")
    if isinstance(owner, Cell):
        return _Entry(full, (full,), leaf.startswith("weight"), (f"{full}_l0",))
    return _Entry(full, (full,), False)


_IN_PROJECTION = ("query", "key", "value")


def _check_module(module: Any, function: str) -> None:
    if not isinstance(module, Module):
        raise TypeError(f"{function} takes a module of autograd_bp.nn, not {type(module).__name__}")


def _check_suffix(path: str | os.PathLike[str]) -> None:
    if not os.fspath(path).lower().endswith(".safetensors"):
        raise storage.StorageError(
            f"{os.fspath(path)}: weights for PyTorch are in a file whose name ends in .safetensors"
        )
