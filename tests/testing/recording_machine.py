"""A machine that records, mutates, runs backward, frees and records again, against a naive model.

Beside every node lives a `naive.Made` with copies of all numbers. What the engine keeps must be
what the model keeps: values, gradients, graphs as they were recorded, and nothing else alive.
"""

from __future__ import annotations

import copy
import gc
import weakref
from collections.abc import Callable
from typing import Any

import numpy as np
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, precondition, rule

import autograd_bp as ab
from tests.testing import naive
from tests.testing.naive import Made
from tests.testing.recording_model import (
    BINARY,
    REDUCING,
    SMOOTH,
    UNARY,
    Array,
    Entry,
    assert_close,
    check_second_derivative,
    fit,
    ramp,
)

number = st.integers(-2000, 2000).map(lambda n: n / 1000)
shape = st.sampled_from([(3,), (2, 3), (), (1, 3), (2, 1)])
which = st.integers(0, 11)
MOST = 12


class Recording(RuleBasedStateMachine):
    """Nodes, and what happens to them."""

    def __init__(self) -> None:
        super().__init__()
        self.entries: list[Entry] = []
        self.born: list[tuple[weakref.ref[Any], Made]] = []
        self.turn = 0
        # Arrays of the user's: those given to the engine, and those it handed out.
        self.given: list[Array] = []
        self.lent: list[tuple[Array, Entry]] = []
        gc.disable()

    def teardown(self) -> None:
        self.entries.clear()
        gc.enable()

    # -- leaves -------------------------------------------------------------------------------

    @initialize()
    def start(self) -> None:
        self.add(ab.Tensor([0.25, -1.5, 0.75]), Made([0.25, -1.5, 0.75]), True)
        self.add(ab.Value(-0.75), Made(-0.75), True)
        self.add(ab.Value(0.5), Made(0.5), True)

    def add(self, node: Any, made: Made, requires_grad: bool) -> None:
        while len(self.entries) >= MOST:
            self.forget(self.entries[0])
        self.entries.append(Entry(node, made, requires_grad))
        self.born.append((weakref.ref(node), made))

    def give(self, array: Array) -> None:
        """Remember an array that the engine was given; the last few are changed some day."""
        self.given = [*self.given[-7:], array]

    def entry(self, index: int) -> Entry:
        """The last one for 0, so that failures shrink to what was just made."""
        return self.entries[-1 - index % len(self.entries)]

    @rule(x=number)
    def make_value(self, x: float) -> None:
        self.add(ab.Value(x), Made(x), True)

    @rule(shape=shape, x=number, step=number, requires_grad=st.sampled_from([True, True, False]))
    def make_tensor(
        self, shape: tuple[int, ...], x: float, step: float, requires_grad: bool
    ) -> None:
        source = ramp(shape, x, step)
        self.give(source)
        self.add(ab.Tensor(source, requires_grad=requires_grad), Made(source), requires_grad)

    # -- operations -----------------------------------------------------------------------------

    def record(
        self, compute: Callable[[], Any], name: str, operands: list[Any], **settings: Any
    ) -> None:
        """A node of the engine's, and of the model's."""
        node = compute()
        mades = [x.made if isinstance(x, Entry) else x for x in operands]
        made = naive.apply(name, *mades, **settings)
        needed = any(isinstance(x, Entry) and x.requires_grad for x in operands)
        # Without anything to differentiate by, a result is a leaf.
        self.add(node, made if needed else Made(made.value), needed)

    @rule(name=st.sampled_from([*UNARY]), i=which)
    def apply_unary(self, name: str, i: int) -> None:
        x = self.entry(i)
        name = name if np.max(np.abs(x.made.value)) < 10 else "sin"
        self.record(lambda: UNARY[name](x.node), name, [x])

    @rule(name=st.sampled_from([*BINARY]), i=which, j=which)
    def apply_binary(self, name: str, i: int, j: int) -> None:
        x, y = self.entry(i), self.entry(j)
        if not fit(x.made.value, y.made.value):
            y = x
        name = "sub" if max(np.max(np.abs(e.made.value)) for e in (x, y)) > 10 else name
        self.record(lambda: BINARY[name](x.node, y.node), name, [x, y])

    @rule(
        name=st.sampled_from([*BINARY]),
        i=which,
        shape=shape,
        x=number,
        reflected=st.booleans(),
        read_only=st.booleans(),
    )
    def apply_to_constant(
        self,
        name: str,
        i: int,
        shape: tuple[int, ...],
        x: float,
        reflected: bool,
        read_only: bool,
    ) -> None:
        """The constant is an array of the user's, who may change it later."""
        entry = self.entry(i)
        constant = ramp(shape if fit(entry.made.value, np.zeros(shape)) else (), x, 0.5)
        self.give(constant)
        given = constant
        if read_only:  # a view that cannot be written to, of an array that can
            given = constant.view()
            given.flags.writeable = False
        pair = [given, entry] if reflected else [entry, given]
        self.record(lambda: BINARY[name](*(getattr(p, "node", p) for p in pair)), name, pair)

    @rule(name=st.sampled_from([*REDUCING]), i=which, axis=st.sampled_from([None, 0, -1]))
    def reduce(self, name: str, i: int, axis: int | None) -> None:
        x = self.entry(i)
        axis = axis if x.made.value.ndim else None
        settings = {"axis": axis, "keepdims": axis is not None}
        self.record(lambda: REDUCING[name](x.node, **settings), name, [x], **settings)

    @rule(i=which, index=st.lists(st.integers(-3, 2), min_size=3, max_size=3))
    def index(self, i: int, index: list[int]) -> None:
        x = self.entry(i)
        if x.is_value or x.made.value.shape[-1:] != (3,):
            return
        places = np.array(index)
        self.give(places)
        self.record(lambda: x.node[..., places], "getitem", [x], index=(..., np.array(index)))

    @rule(i=which, j=which)
    def stack(self, i: int, j: int) -> None:
        x, y = self.entry(i), self.entry(j)
        if x.made.value.shape == y.made.value.shape and x.made.value.ndim < 2:
            self.record(lambda: ab.stack([x.node, y.node]), "stack", [x, y], axis=0)

    @rule(i=which, j=which)
    def choose(self, i: int, j: int) -> None:
        x, y = self.entry(i), self.entry(j)
        if not fit(x.made.value, y.made.value):
            return
        condition = np.greater(x.made.value, y.made.value)
        self.record(lambda: ab.where(x.node > y.node, x.node, y.node), "where", [condition, x, y])

    @rule(i=which, j=which)
    def apply_without_recording(self, i: int, j: int) -> None:
        x, y = self.entry(i), self.entry(j)
        if not fit(x.made.value, y.made.value):
            y = x
        with ab.no_grad():
            node = x.node + y.node
        self.add(node, Made(x.made.value + y.made.value), False)

    # -- mutation -------------------------------------------------------------------------------

    @rule(i=which, x=number, how=st.sampled_from(["set", "elements", "in place"]))
    def change_leaf(self, i: int, x: float, how: str) -> None:
        leaves = [e for e in self.entries if e.is_leaf]
        if not leaves:
            return
        entry = leaves[-1 - i % len(leaves)]
        node, made = entry.node, entry.made
        new = ramp(made.value.shape, x, 0.25)
        if entry.is_value:
            node.data = x
        elif how == "set":
            node.data = new
            self.give(new)
            self.lent = [pair for pair in self.lent if pair[1] is not entry]
        elif how == "elements":
            node.data[...] = new
        else:
            node.data -= made.value - new
            new = made.value - (made.value - new)
        made.value = np.array(x if entry.is_value else new)

    @rule(i=which)
    def borrow(self, i: int) -> None:
        leaves = [e for e in self.entries if e.is_leaf and not e.is_value]
        if leaves:
            entry = leaves[-1 - i % len(leaves)]
            self.lent.append((entry.node.data, entry))

    @precondition(lambda self: self.lent)
    @rule(i=which, x=number)
    def change_what_was_lent(self, i: int, x: float) -> None:
        array, entry = self.lent[i % len(self.lent)]
        array[...] = ramp(array.shape, x, -0.5)
        entry.made.value = array.copy()

    @precondition(lambda self: self.given)
    @rule()
    def change_what_was_given(self) -> None:
        for array in self.given:
            array[...] = 2 if array.dtype.kind == "i" else 1e3
        self.given.clear()

    # -- derivatives ------------------------------------------------------------------------------

    @rule(i=which, x=number, retain=st.booleans(), times=st.sampled_from([1, 2]))
    def run_backward(self, i: int, x: float, retain: bool, times: int) -> None:
        entry = self.entry(i)
        if not entry.requires_grad:
            return
        for _ in range(times):
            cotangent = ramp(entry.made.value.shape, x, 0.5)
            if entry.is_value:
                entry.node.backward(x)
            else:
                self.give(cotangent)
                entry.node.backward(cotangent, retain_grads=retain)
            self.expect_gradients(entry, cotangent.copy(), retain)

    def expect_gradients(self, output: Entry, cotangent: Array, retain: bool) -> None:
        reached = set(naive.reached(output.made))
        known = [e for e in self.entries if e.requires_grad and e.made in reached]
        wanted = naive.derivative(output.made, [e.made for e in known], cotangent)
        for entry, gradient in zip(known, wanted, strict=True):
            if entry.is_leaf:
                entry.grad = gradient + (0 if entry.grad is None else entry.grad)
                entry.calls += 1
            elif retain or entry.is_value:
                entry.grad = gradient

    @rule(i=which, j=which, k=which)
    def take_gradients(self, i: int, j: int, k: int) -> None:
        """These leave every `.grad` alone; zeros for what the output does not depend on."""
        output, *wanted = self.entry(i), self.entry(j), self.entry(k)
        if not all(e.requires_grad for e in (output, *wanted)):
            return
        cotangent = ramp(output.made.value.shape, 0.75, 0.5)
        given = 0.75 if output.is_value else cotangent
        found = ab.gradients(output.node, [e.node for e in wanted], cotangent=given)
        right = naive.derivative(output.made, [e.made for e in wanted], cotangent)
        for got, want in zip(found, right, strict=True):
            assert_close(got, want)

    @rule(i=which)
    def forget_gradient(self, i: int) -> None:
        entry = self.entry(i)
        entry.node.zero_grad()
        entry.grad, entry.calls = None, 0

    @rule(i=which)
    def change_gradient_in_place(self, i: int) -> None:
        entry = self.entry(i)
        if isinstance(entry.node.grad, np.ndarray):
            entry.node.grad *= 2.0
            entry.grad = 2.0 * entry.grad

    # -- copies, and the end of nodes -----------------------------------------------------------

    @rule(i=which)
    def detach(self, i: int) -> None:
        entry = self.entry(i)
        self.add(entry.node.detach(), Made(entry.made.value), False)

    @rule(i=which)
    def copy_node(self, i: int) -> None:
        entry = self.entry(i)
        self.add(copy.copy(entry.node), Made(entry.made.value), entry.requires_grad)

    @rule(i=which)
    def copy_graph(self, i: int) -> None:
        """The copy, and the copies of the leaves it depends on, live a life of their own."""
        entry = self.entry(i)
        nodes: dict[int, Any] = {}
        mades: dict[int, Any] = {}
        node, made = copy.deepcopy(entry.node, nodes), copy.deepcopy(entry.made, mades)
        twins = [
            (e, nodes[id(e.node)], mades[id(e.made)])
            for e in self.entries
            if e.is_leaf and id(e.node) in nodes and e is not entry
        ][:2]
        del nodes
        for original, leaf, model in [*twins, (entry, node, made)]:
            self.add(leaf, model, original.requires_grad)
            self.entries[-1].grad = copy.copy(original.grad)

    def forget(self, entry: Entry) -> None:
        self.entries.remove(entry)
        self.lent = [pair for pair in self.lent if pair[1] is not entry]

    @precondition(lambda self: len(self.entries) > 2)
    @rule(i=which)
    def delete(self, i: int) -> None:
        self.forget(self.entry(i))

    @rule(i=which)
    def refuse(self, i: int) -> None:
        """What cannot be done changes nothing."""
        entry = self.entry(i)
        attempts: list[Callable[[], Any]] = []
        if not entry.is_leaf:
            attempts.append(lambda: setattr(entry.node, "data", 1.0))
        if not entry.requires_grad:
            attempts.append(lambda: entry.node.backward())
        if not entry.is_value:
            attempts.append(lambda: entry.node.__setitem__((0,) * 9, 1.0))
            attempts.append(lambda: entry.node.backward(np.ones((5, 5))))
        for attempt in attempts:
            try:
                attempt()
            except (IndexError, TypeError, ValueError):
                continue
            raise AssertionError("that should have been refused")

    # -- what always holds ----------------------------------------------------------------------

    @invariant()
    def values_are_those_of_the_model(self) -> None:
        for entry in self.entries:
            value = ab.graph.value(entry.node)
            assert np.shape(value) == entry.made.value.shape
            assert_close(value, entry.made.value)
            assert entry.node.requires_grad == entry.requires_grad

    @invariant()
    def graphs_give_the_derivatives_they_were_recorded_for(self) -> None:
        """One graph after every step, in turn."""
        self.turn += 1
        results = [e for e in self.entries if e.requires_grad and not e.is_leaf]
        if not results:
            return
        output = results[self.turn % len(results)]
        reached = naive.reached(output.made)
        leaves = [e for e in self.entries if e.requires_grad and e.is_leaf and e.made in reached]
        cotangent = ramp(output.made.value.shape, 0.75, 0.5)
        given = 0.75 if output.is_value else cotangent
        found = ab.gradients(output.node, [e.node for e in leaves], cotangent=given)
        right = naive.derivative(output.made, [e.made for e in leaves], cotangent)
        for got, want in zip(found, right, strict=True):
            assert_close(got, want)
        if leaves and {made.name for made in reached} <= {None, *SMOOTH}:
            leaf = leaves[self.turn // len(results) % len(leaves)]
            check_second_derivative(output, leaf, cotangent)

    @invariant()
    def gradients_are_those_of_the_model(self) -> None:
        for entry in self.entries:
            grad = entry.node.grad
            assert (grad is None) == (entry.grad is None), (entry, grad)
            if grad is not None:
                assert_close(grad, entry.grad)
                assert np.shape(grad) == entry.made.value.shape
            if entry.is_leaf:
                assert ab.graph.accumulated_calls(entry.node) == entry.calls

    @invariant()
    def gradients_share_no_memory(self) -> None:
        grads = [e.node.grad for e in self.entries if isinstance(e.node.grad, np.ndarray)]
        others = [a for a, _ in self.lent] + self.given
        others += [ab.graph.value(e.node) for e in self.entries if not e.is_value]
        for k, grad in enumerate(grads):
            assert not any(np.may_share_memory(grad, other) for other in grads[:k] + others)

    @invariant()
    def nodes_live_as_long_as_something_needs_them(self) -> None:
        """Freed at once, by counting references alone: the collector is off."""
        needed = set(naive.reached(*(entry.made for entry in self.entries)))
        for ref, made in self.born:
            assert (ref() is not None) == (made in needed), (ref(), made.name)
        self.born = [pair for pair in self.born if pair[0]() is not None]
