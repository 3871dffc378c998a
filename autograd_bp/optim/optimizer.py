"""What all optimisers share: groups of parameters, settings, steps, and state to be saved."""

from __future__ import annotations

import difflib
from collections.abc import Iterable, Mapping
from typing import Any, ClassVar

import numpy as np
from numpy.typing import NDArray

from autograd_bp.errors import brief
from autograd_bp.optim.hyperparameters import Check, count, nonnegative
from autograd_bp.optim.slots import Parameter, Slot, TensorSlot, ValuesSlot
from autograd_bp.tensor import Tensor
from autograd_bp.value import Value

Array = NDArray[Any]


class ParamGroup(dict[str, Any]):
    """Parameters with settings of their own: ``params``, ``names``, and each setting by name.

    A setting that is changed is checked: ``optimizer.param_groups[0]["lr"] = 0.01``.
    """

    def __init__(self, checks: Mapping[str, Check], entries: Mapping[str, Any]) -> None:
        super().__init__()
        self._checks = checks
        self.update(entries)

    def __setitem__(self, name: str, value: Any) -> None:
        super().__setitem__(name, self.checked(name, value))

    def checked(self, name: str, value: Any) -> Any:
        """The value as it is kept."""
        check = self._checks.get(name)
        return value if check is None else check(name, value)

    def update(self, *args: Any, **kwargs: Any) -> None:
        """Set several; none is set if one is wrong."""
        new = {name: self.checked(name, value) for name, value in dict(*args, **kwargs).items()}
        super().update(new)


class Optimizer:
    """The base of the optimisers; subclasses say how one array is updated.

    Attributes
    ----------
    param_groups
        One dict per group: its ``params``, their ``names`` (None where not given) and settings.
    """

    checks: ClassVar[Mapping[str, Check]] = {"lr": nonnegative}
    """The settings, and what each may be."""

    def __init__(self, params: Any, **defaults: Any) -> None:
        self._defaults = {name: self.checks[name](name, value) for name, value in defaults.items()}
        self.param_groups: list[ParamGroup] = []
        self._slots: list[list[TensorSlot | ValuesSlot]] = []
        for group in _as_groups(params):
            self.add_param_group(group)

    def add_param_group(self, group: Mapping[str, Any]) -> None:
        """Add parameters, with settings that differ from the optimiser's.

        Parameters
        ----------
        group
            ``{"params": ..., "lr": 0.01}``: parameters as for the optimiser, and any settings.

        Raises
        ------
        ValueError
            If there are no parameters, one is in a group already, or is not a leaf, or a setting
            is out of range.
        TypeError
            If something is no parameter.
        """
        if "params" not in group:
            raise ValueError(f"a parameter group needs 'params', and it has {list(group)}")
        named = checked_parameters(group["params"])
        seen = {
            id(p): name
            for g in self.param_groups
            for name, p in zip(g["names"], g["params"], strict=True)
        }
        for name, parameter in named:
            if id(parameter) in seen:
                raise ValueError(f"{_called(name, parameter)} is given twice")
            seen[id(parameter)] = name
        settings = {name: value for name, value in group.items() if name not in ("params", "names")}
        for name in settings:
            if name not in self.checks and name != "initial_lr":
                close = difflib.get_close_matches(name, self.checks, n=1)
                raise ValueError(
                    f"{type(self).__name__} has no setting {name!r}: "
                    + (f"did you mean {close[0]!r}?" if close else f"it has {list(self.checks)}")
                )
        made = ParamGroup(self.checks, {**self._defaults, **settings})
        self._check_group(made)
        dict.update(made, params=[p for _, p in named], names=[name for name, _ in named])
        self.param_groups.append(made)
        self._slots.append(_slots_of(made["params"]))

    def _check_group(self, group: Mapping[str, Any]) -> None:
        """ValueError if settings do not go together."""

    def _update(
        self,
        group: Mapping[str, Any],
        slot: Slot,
        gradient: Array,
        weights: Array,
        step: Array,
        new: Array,
    ) -> None:
        """Write the new weights to `new`, which may be `weights` itself.

        `step` is an array to compute in; it may be `new`, but not `weights`. The gradient is left
        as it is. `slot.steps` counts this update.
        """
        raise NotImplementedError

    def step(self) -> None:
        """Update every parameter that has a gradient.

        Raises
        ------
        ValueError, TypeError
            If a gradient is not an array of its parameter's shape; then nothing is changed.
        """
        ready: list[tuple[ParamGroup, TensorSlot | ValuesSlot, Array | None]] = []
        for group, slots in zip(self.param_groups, self._slots, strict=True):
            for slot in slots:
                if type(slot) is ValuesSlot and len(parts := slot.split()) > 1:
                    i = slots.index(slot)
                    slots[i : i + 1] = parts
                    ready += [(group, part, part.gradient()) for part in parts]
                else:
                    ready.append((group, slot, slot.gradient()))
        for group, slot, gradient in ready:
            if gradient is not None:
                slot.steps += 1
                weights, new = slot.weights()
                step = slot.scratch(weights) if new is weights else new
                self._update(group, slot, gradient, weights, step, new)
                slot.finish(new)

    def zero_grad(self) -> None:
        """Forget the gradients: every parameter's `.grad` is None."""
        for group in self.param_groups:
            for parameter in group["params"]:
                parameter.grad = None

    def state_dict(self) -> dict[str, Any]:
        """Settings and state as nested dicts and lists, for `ab.save`; arrays are copies.

        ``{"param_groups": [{"lr": ..., "names": [...]}, ...], "state": [{"steps": ...}, ...]}``,
        the state by parameter, in order.
        """
        kept = {
            id(parameter): {"steps": slot.steps, "buffers": buffers}
            for slots in self._slots
            for slot in slots
            for parameter, buffers in slot.by_parameter()
        }
        return {
            "param_groups": [
                {name: entry for name, entry in group.items() if name != "params"}
                for group in self.param_groups
            ],
            "state": [kept[id(p)] for group in self.param_groups for p in group["params"]],
        }

    def load_state_dict(self, state: Mapping[str, Any]) -> None:
        """Take over settings and state of an optimiser with the same parameters.

        Raises
        ------
        ValueError
            If the state is not of such an optimiser, saying where it differs; then nothing is
            changed.
        """
        groups, states = _parts(state)
        if len(groups) != len(self.param_groups):
            raise ValueError(
                f"the state has {len(groups)} parameter groups, and the optimiser "
                f"{len(self.param_groups)}"
            )
        settings = []
        for k, (old, new) in enumerate(zip(self.param_groups, groups, strict=True)):
            if list(new.get("names", ())) != old["names"]:
                raise ValueError(
                    f"the parameters of group {k} differ: the state has "
                    f"{_listed(new.get('names', ()))}, and the optimiser {_listed(old['names'])}"
                )
            missing = self.checks.keys() - new.keys()
            strange = new.keys() - self.checks.keys() - {"names", "initial_lr"}
            if missing or strange:
                raise ValueError(
                    f"the state is not of {type(self).__name__}: in group {k} the settings "
                    f"{sorted(missing)} are missing and {sorted(strange)} are not its"
                )
            checked = {name: old.checked(name, v) for name, v in new.items() if name != "names"}
            self._check_group(checked)
            settings.append(checked)
        parameters = [p for group in self.param_groups for p in group["params"]]
        if len(states) != len(parameters):
            raise ValueError(
                f"the state is for {len(states)} parameters, and the optimiser has "
                f"{len(parameters)}"
            )
        kept = {
            id(parameter): _entry(entry, parameter)
            for entry, parameter in zip(states, parameters, strict=True)
        }
        for group, checked in zip(self.param_groups, settings, strict=True):
            group.update(checked)
        self._slots = [_slots_of(group["params"], kept) for group in self.param_groups]

    def __repr__(self) -> str:
        groups = "; ".join(
            ", ".join(
                [f"{len(group['params'])} parameters"]
                + [f"{name}={group[name]!r}" for name in self.checks]
            )
            for group in self.param_groups
        )
        return f"{type(self).__name__}({groups})"


def _as_groups(params: Any) -> list[Mapping[str, Any]]:
    """The groups that the first argument of an optimiser means."""
    if isinstance(params, Tensor | Value):
        raise TypeError(f"an optimiser takes several parameters: write [{params.name or 'x'}]")
    if isinstance(params, Mapping) or not isinstance(params, Iterable):
        hint = ": pass its .parameters()" if hasattr(params, "parameters") else ""
        raise TypeError(
            f"an optimiser takes an iterable of parameters or of groups, not "
            f"{type(params).__name__}{hint}"
        )
    given = list(params)
    if not given:
        raise ValueError("an optimiser needs at least one parameter, and it was given none")
    if all(isinstance(group, Mapping) for group in given):
        return given
    return [{"params": given}]


def checked_parameters(params: Any) -> list[tuple[str | None, Parameter]]:
    """Parameters with their names; TypeError or ValueError for what cannot be updated."""
    if isinstance(params, Tensor | Value):
        params = [params]
    if not isinstance(params, Iterable) or isinstance(params, str | Mapping):
        raise TypeError(f"'params' of a group must be parameters, not {type(params).__name__}")
    named: list[tuple[str | None, Parameter]] = []
    for k, given in enumerate(params):
        name, parameter = None, given
        if isinstance(given, tuple) and len(given) == 2 and isinstance(given[0], str):
            name, parameter = given
        if not isinstance(parameter, Tensor | Value):
            raise TypeError(
                f"parameter {k} is a {type(parameter).__name__}: an optimiser updates Tensors and "
                "Values, alone or as (name, parameter)"
            )
        if parameter.rule is not None:
            raise ValueError(
                f"{_called(name, parameter)} is the result of {parameter.rule.name}: an optimiser "
                "updates leaves, the parameters it was computed from"
            )
        named.append((name, parameter))
    if not named:
        raise ValueError("a parameter group needs at least one parameter, and it was given none")
    return named


def _called(name: str | None, parameter: Parameter) -> str:
    return f"the parameter {brief(parameter) if name is None else repr(name)}"


def _listed(names: Any) -> str:
    known = [name for name in names if name is not None]
    return f"{len(names)} ({', '.join(map(repr, known))})" if known else f"{len(names)} unnamed"


def _slots_of(
    parameters: list[Parameter], kept: Mapping[int, tuple[int, dict[str, Array]]] | None = None
) -> list[TensorSlot | ValuesSlot]:
    """A slot for each Tensor; one for all Values with the same history of updates."""
    slots: list[TensorSlot | ValuesSlot] = []
    bundles: dict[Any, list[Value]] = {}
    for parameter in parameters:
        steps, buffers = (0, {}) if kept is None else kept[id(parameter)]
        if isinstance(parameter, Tensor):
            slots.append(TensorSlot(parameter, steps, buffers))
        else:
            bundles.setdefault((steps, *sorted(buffers)), []).append(parameter)
    for (steps, *names), values in bundles.items():
        found = {} if kept is None else {id(value): kept[id(value)][1] for value in values}
        stacked = {n: np.array([found[id(v)][n] for v in values], float) for n in names}
        slots.append(ValuesSlot(values, steps, stacked))
    return slots


def _parts(state: Any) -> tuple[list[Mapping[str, Any]], list[Mapping[str, Any]]]:
    """The groups and the states by parameter of what `state_dict` gave."""
    if isinstance(state, Mapping) and state.keys() == {"param_groups", "state"}:
        groups, states = state["param_groups"], state["state"]
        if all(
            isinstance(part, list) and all(isinstance(entry, Mapping) for entry in part)
            for part in (groups, states)
        ):
            return groups, states
    raise ValueError(
        "this is no state of an optimiser: it must be a dict of 'param_groups' and 'state', as "
        "state_dict() gives"
    )


def _entry(entry: Mapping[str, Any], parameter: Parameter) -> tuple[int, dict[str, Array]]:
    """The steps and buffers of a parameter, checked and copied."""
    if entry.keys() != {"steps", "buffers"} or not isinstance(entry["buffers"], Mapping):
        raise ValueError(f"the state of a parameter must hold steps and buffers, not {list(entry)}")
    like = np.asarray(parameter._value)
    buffers = {}
    for name, array in entry["buffers"].items():
        array = np.asarray(array)
        if array.shape != like.shape or array.dtype != like.dtype:
            raise ValueError(
                f"{name} of {_called(None, parameter)} is {array.dtype} of shape {array.shape} in "
                f"the state, and should be {like.dtype} of shape {like.shape}"
            )
        buffers[name] = array.copy()
    return count("steps", entry["steps"], least=0), buffers
