"""Operations that move elements and add them up: linear, in pairs of adjoints."""

from __future__ import annotations

from autograd_bp.rules.rule import add_to_sheet, general, linear

add_to_sheet(
    # Broadcasting and its adjoint.
    linear("broadcast_to(x; shape)", "broadcast_to(x, shape)", adjoint=["sum_to(g, shape_of(x))"]),
    linear("sum_to(x; shape)", "sum_to(x, shape)", adjoint=["broadcast_to(g, shape_of(x))"]),
    # Indexing of every kind, and adding up at an index.
    linear(
        "getitem(x; index)",
        "getitem(x, index)",
        adjoint=["scatter(g, index, shape_of(x))"],
        symbol="[ ]",
    ),
    linear("scatter(x; index, shape)", "scatter(x, index, shape)", adjoint=["getitem(g, index)"]),
    # x with v written at an index.
    general(
        "index_set(x, v; index)",
        "index_set(x, v, index)",
        vjp=[
            "index_set(g, 0.0, index)",
            "where(winners(shape_of(x), index), getitem(g, index), 0.0)",
        ],
        jvp=[
            "index_set(t, 0.0, index)",
            "index_set(broadcast_to(0.0, shape_of(x)), t, index)",
        ],
        symbol="[ ] =",
    ),
    # Reordering: the adjoint is the inverse.
    linear("reshape(x; shape)", "reshape(x, shape)", adjoint=["reshape(g, shape_of(x))"]),
    linear(
        "transpose(x; axes)",
        "transpose(x, axes)",
        adjoint=["transpose(g, inverse_permutation(axes))"],
    ),
    linear("flip(x; axis)", "flip(x, axis)", adjoint=["flip(g, axis)"]),
    linear(
        "roll(x; shift, axis)", "roll(x, shift, axis)", adjoint=["roll(g, negated(shift), axis)"]
    ),
    # A change of dtype; the engine gives an adjoint its parent's dtype.
    linear("astype(x; dtype)", "astype(x, dtype)", adjoint=["g"]),
    # Joining: `xs` are all operands.
    general(
        "concatenate(*xs; axis)",
        "concatenate(xs, axis)",
        vjp=["blocks(g, xs, axis)"],
        jvp=["concatenate(filled(xs, ts), axis)"],
        symbol="concat",
    ),
    general(
        "stack(*xs; axis)",
        "stack(xs, axis)",
        vjp=["slots(g, xs, axis)"],
        jvp=["stack(filled(xs, ts), axis)"],
    ),
    # A border of a constant: affine.
    general(
        "pad(x; width, value)",
        "pad(x, width, value)",
        vjp=["getitem(g, inner_block(x, width))"],
        jvp=["pad(t, width, 0.0)"],
    ),
)
