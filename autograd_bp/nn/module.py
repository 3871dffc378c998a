"""Module: parameters, and a forward pass that uses them."""

from __future__ import annotations

import reprlib
from collections.abc import Iterable, Iterator, Mapping
from types import FunctionType
from typing import Any, Self, TypeVar

import numpy as np
from numpy.typing import DTypeLike, NDArray

from autograd_bp import scopes
from autograd_bp.nn.summary import Summary, shapes_of
from autograd_bp.node import Node
from autograd_bp.tensor import Tensor
from autograd_bp.value import Value, checked_name

T = TypeVar("T")
Array = NDArray[Any]


class Module:
    """What has parameters, and a `forward` method that computes with them.

    A subclass makes its parameters and its inner modules in ``__init__`` and keeps them as
    attributes, also in lists, tuples and dicts; nothing needs to be registered. A leaf Tensor (or
    Value) that requires a gradient is a parameter, one that does not is a buffer: part of the
    state, but not trained.

    Calling a module calls its `forward`. What is computed in it is a scope, drawn as a box, and
    parameters bear the names of the attributes they are reached by, such as
    ``"layers.0.weight"``, on pictures, in messages and in `state_dict`.

    Attributes
    ----------
    training
        Whether dropout drops and batch normalisation looks at the batch; see `train` and `eval`.
    name
        What its scope is called where nothing contains it: the name of its class, or any text.

    Examples
    --------
    >>> import autograd_bp as ab
    >>> from autograd_bp import nn
    >>> class Net(nn.Module):
    ...     def __init__(self):
    ...         self.layers = [nn.Linear(3, 4, rng=0), nn.Linear(4, 2, rng=1)]
    ...     def forward(self, x):
    ...         return self.layers[1](ab.tanh(self.layers[0](x)))
    >>> net = Net()
    >>> net(np.zeros((5, 3))).shape
    (5, 2)
    >>> [name for name, _ in net.named_parameters()]
    ['layers.0.weight', 'layers.0.bias', 'layers.1.weight', 'layers.1.bias']
    """

    training: bool = True

    # Where the module is below the outermost one, and the name of its scope; None until the names
    # are given: by the first call, or by whoever lists what is inside.
    _module_path: str = ""
    _module_scope: str | None = None
    _module_name: str | None = None
    _output_shapes: Any = None

    def forward(self, *args: Any, **kwargs: Any) -> Any:
        """What the module computes; a subclass says it."""
        raise NotImplementedError(f"{type(self).__name__} has no forward method: define one")

    def __call__(self, *args: Any, **kwargs: Any) -> Any:
        """`forward`, as a scope of its own."""
        if self._module_scope is None:
            self._members()
        began = scopes.begin()
        output = self.forward(*args, **kwargs)
        scopes.end(output, self._module_scope, began)  # type: ignore[arg-type]
        self._output_shapes = shapes_of(output)
        return output

    @property
    def name(self) -> str:
        """What the scope of the module is called where nothing contains it."""
        return self._module_name or type(self).__name__

    @name.setter
    def name(self, name: str) -> None:
        self._module_name = checked_name(name)
        self._members()

    @property
    def _title(self) -> str:
        """The module in a message: its class, and its path if something contains it."""
        kind = type(self).__name__
        return f"{kind} {self._module_path!r}" if self._module_path else kind

    # -- what is inside -------------------------------------------------------------------------

    def _children(self) -> Iterator[tuple[str, Any]]:
        """The attributes, in which parameters and modules are looked for."""
        yield from list(vars(self).items())

    def _members(self) -> list[tuple[str, Module | Node]]:
        """Every module, parameter and buffer inside with its path; they are named after it."""
        found: list[tuple[str, Module | Node]] = []
        _collect(self, "", (), found)
        root = str(self.name)
        if self._module_path and self._module_scope:
            root = self._module_scope.removesuffix(f".{self._module_path}")
        for path, member in found:
            full = joined(self._module_path, path)
            if isinstance(member, Module):
                member._module_path, member._module_scope = full, joined(root, full)
            elif member.name != full:
                member.name = full
        return found

    def _leaves(self) -> list[tuple[str, Node]]:
        """Every parameter and buffer, once, by the first of its names."""
        once: dict[int, tuple[str, Node]] = {}
        for path, member in self._members():
            if isinstance(member, Node):
                once.setdefault(id(member), (path, member))
        return list(once.values())

    def named_parameters(self) -> list[tuple[str, Any]]:
        """Every parameter with its name; one that is reached in several ways by the first."""
        return [(name, leaf) for name, leaf in self._leaves() if leaf.requires_grad]

    def parameters(self) -> list[Any]:
        """Every parameter, once, in the order in which the attributes were made."""
        return [parameter for _, parameter in self.named_parameters()]

    def named_buffers(self) -> list[tuple[str, Any]]:
        """Every buffer with its name: state that is not trained, such as a running mean."""
        return [(name, leaf) for name, leaf in self._leaves() if not leaf.requires_grad]

    def buffers(self) -> list[Any]:
        """Every buffer, once."""
        return [buffer for _, buffer in self.named_buffers()]

    def named_modules(self) -> list[tuple[str, Module]]:
        """This module under the name ``""``, and every one inside; each once."""
        once: dict[int, tuple[str, Module]] = {}
        for path, member in self._members():
            if isinstance(member, Module):
                once.setdefault(id(member), (path, member))
        return list(once.values())

    def modules(self) -> list[Module]:
        """This module and every one inside, once."""
        return [module for _, module in self.named_modules()]

    # -- mode and gradients ---------------------------------------------------------------------

    def train(self, mode: bool = True) -> Self:
        """Set `training` here and in every module inside; gives the module itself."""
        for module in self.modules():
            module.training = bool(mode)
        return self

    def eval(self) -> Self:
        """`training` off, everywhere inside."""
        return self.train(False)

    def zero_grad(self) -> None:
        """Forget the gradient of every parameter: `.grad` is None again."""
        for parameter in self.parameters():
            parameter.grad = None

    # -- state ----------------------------------------------------------------------------------

    def state_dict(self) -> dict[str, Array]:
        """A copy of every parameter and buffer as an array, by name.

        One that is reached in several ways is there under each of its names.

        >>> from autograd_bp import nn
        >>> nn.Linear(2, 1, init=nn.init.zeros).state_dict()
        {'weight': array([[0.],
               [0.]]), 'bias': array([0.])}
        """
        return {name: np.array(leaf._value) for name, leaf in self._named_state().items()}

    def _named_state(self) -> dict[str, Node]:
        state: dict[str, Node] = {}
        for name, leaf in self._members():
            if isinstance(leaf, Node) and state.setdefault(name, leaf) is not leaf:
                raise ValueError(
                    f"{type(self).__name__} has two parameters with the name {name!r}: keys of "
                    "dicts of modules must not have the name of another path"
                )
        return state

    def load_state_dict(self, state: Mapping[str, Any], strict: bool = True) -> None:
        """Set parameters and buffers to the arrays of a state, each in the dtype it has.

        Parameters
        ----------
        state
            Arrays (or Tensors) by name, as from `state_dict`.
        strict
            Whether names that are missing or that nobody knows are an error; else they are left
            alone. A wrong shape always is one.

        Raises
        ------
        ValueError
            If the state does not fit. The message lists everything that differs, and nothing is
            changed.
        """
        if not isinstance(state, Mapping):
            raise TypeError(
                f"load_state_dict takes a dict of arrays by name, not {type(state).__name__}"
            )
        own = self._named_state()
        arrays: dict[str, Array] = {}
        problems = []
        if strict:
            absent = [name for name in own if name not in state]
            problems += [f"missing: {name} {_shape(own[name])}" for name in absent]
            problems += [f"unexpected: {name}" for name in state if name not in own]
        for name, leaf in own.items():
            if name not in state:
                continue
            given = state[name]
            try:
                array = np.asarray(given._value if isinstance(given, Node) else given)
            except ValueError:
                array = np.asarray(None)
            if array.dtype.kind not in "biuf":
                problems.append(f"not an array of real numbers: {name} {array.dtype}")
            elif array.shape != np.shape(leaf._value):
                problems.append(f"shape: {name} is {_shape(leaf)}, the state has {array.shape}")
            elif _counts(leaf) and not (np.isfinite(array) & (array == np.trunc(array))).all():
                problems.append(f"not whole numbers: {name}")
            else:
                arrays[name] = array
        if problems:
            hint = " With strict=False missing and unexpected names are passed over."
            raise ValueError(
                f"this state is not one of {type(self).__name__}:\n  "
                + "\n  ".join(problems)
                + f"\nNothing was loaded.{hint if strict else ''}"
            )
        for name, array in arrays.items():
            leaf = own[name]
            assert isinstance(leaf, Tensor | Value)
            leaf.data = array.item() if isinstance(leaf, Value) else array

    def astype(self, dtype: DTypeLike) -> Self:
        """Turn every parameter and buffer of floats into another dtype; gives the module itself.

        The Tensors stay the same objects, so an optimiser keeps knowing them; their gradients are
        forgotten.
        """
        target = np.dtype(dtype)
        if target.kind != "f":
            raise TypeError(f"parameters are floats: there is no astype({target})")
        for _, leaf in self._leaves():
            if isinstance(leaf, Tensor) and leaf.dtype.kind == "f":
                leaf.__init__(leaf._value.astype(target), leaf.name, leaf.requires_grad)  # type: ignore[misc]
        return self

    # -- how it looks ---------------------------------------------------------------------------

    def summary(self) -> Summary:
        """A table of the modules inside, their parameters, and what they gave when last called.

        >>> from autograd_bp import nn
        >>> net = nn.Sequential(nn.Linear(784, 50), nn.ReLU(), nn.Linear(50, 10))
        >>> _ = net(np.zeros((100, 784)))
        >>> net.summary()
        module      parameters                    count   output
        Sequential                                39,760  (100, 10)
          0 Linear  weight (784, 50), bias (50,)  39,250  (100, 50)
          1 ReLU                                  0       (100, 50)
          2 Linear  weight (50, 10), bias (10,)   510     (100, 10)
        """
        table = Summary()
        for path, module in self.named_modules():
            own = [
                (name, _shape(leaf))
                for name, leaf in _direct(module._children())
                if isinstance(leaf, Node) and leaf.rule is None
            ]
            count = sum(int(np.size(leaf._value)) for leaf in module.parameters())
            table.add(path, type(module).__name__, own, count, module._output_shapes)
        return table

    def extra_repr(self) -> str:
        """What `repr` writes between the parentheses of a module with nothing inside."""
        return ""

    @reprlib.recursive_repr()
    def __repr__(self) -> str:
        inner = [
            (name, repr(part) if isinstance(part, Module) else part.__name__)
            for name, part in _direct(self._children())
            if isinstance(part, Module | FunctionType)
        ]
        if not inner:
            return f"{type(self).__name__}({self.extra_repr()})"
        lines = [f"({name}): {part}".replace("\n", "\n  ") for name, part in inner]
        return "\n  ".join([f"{type(self).__name__}(", *lines]) + "\n)"


def _collect(
    part: Any, path: str, above: tuple[int, ...], found: list[tuple[str, Module | Node]]
) -> None:
    """Add modules and leaves below `part`, each path to them once; nothing goes in circles."""
    if isinstance(part, Node):
        if part.rule is None:
            found.append((path, part))
        return
    if isinstance(part, Module):
        found.append((path, part))
        inner: Iterable[tuple[Any, Any]] = part._children()
    elif isinstance(part, list | tuple):
        inner = enumerate(part)
    else:
        inner = part.items()
    above = (*above, id(part))
    for name, element in inner:
        if isinstance(element, _HOLDERS) and id(element) not in above:
            _collect(element, f"{path}.{name}" if path else str(name), above, found)


_HOLDERS = (Node, Module, list, tuple, dict)


def _direct(children: Any) -> Iterator[tuple[str, Any]]:
    """Attributes, with lists, tuples and dicts opened."""
    for name, part in children:
        if isinstance(part, list | tuple):
            yield from _direct((f"{name}.{i}", element) for i, element in enumerate(part))
        elif isinstance(part, dict):
            yield from _direct((f"{name}.{key}", element) for key, element in part.items())
        else:
            yield name, part


def joined(path: str, name: str) -> str:
    """A path and a name below it."""
    return f"{path}.{name}" if path and name else path or name


def _counts(leaf: Node) -> bool:
    """Whether a leaf holds integers."""
    return isinstance(leaf, Tensor) and leaf.dtype.kind != "f"


def _shape(leaf: Node) -> tuple[int, ...]:
    return np.shape(leaf._value)
