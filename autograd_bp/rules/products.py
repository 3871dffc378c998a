"""Products: linear in each operand."""

from __future__ import annotations

from autograd_bp.rules.rule import add_to_sheet, general

add_to_sheet(
    general(
        "matmul(x, y)",
        "matmul(x, y)",
        vjp=["matmul_left(g, x, y)", "matmul_right(g, x, y)"],
        jvp=["matmul(t, y)", "matmul(x, t)"],
        guarded_vjp=["matmul_left_guarded(g, x, y)", "matmul_right_guarded(g, x, y)"],
        guarded_jvp=["chain_matmul(t, y)", "matmul_tangent_right_guarded(x, t)"],
        symbol="@",
    ),
    # `x @ y` in which a zero of x stays zero whatever it meets: x is a cotangent.
    general(
        "chain_matmul(x, y)",
        "chain_matmul(x, y)",
        vjp=["matmul_left_guarded(g, x, y)", "matmul_right_both(g, x, y)"],
        jvp=["chain_matmul(t, y)", "chain_matmul_both(x, t)"],
        symbol="@",
    ),
    # The same where both are.
    general(
        "chain_matmul_both(x, y)",
        "chain_matmul_both(x, y)",
        vjp=["matmul_left_both(g, x, y)", "matmul_right_both(g, x, y)"],
        jvp=["chain_matmul_both(t, y)", "chain_matmul_both(x, t)"],
        symbol="@",
    ),
    general(
        "einsum(*xs; subscripts)",
        "einsum(xs, subscripts)",
        vjp=["einsum_adjoints(g, wanted, xs, subscripts)"],
        jvp=["einsum_pushforward(ts, xs, subscripts)"],
        guarded_vjp=["einsum_adjoints_guarded(g, wanted, xs, subscripts)"],
        guarded_jvp=["einsum_pushforward_guarded(ts, xs, subscripts)"],
    ),
    # The full convolution of two vectors.
    general(
        "convolve(x, y)",
        "convolve(x, y)",
        vjp=["convolve_adjoint(g, y, shape_of(x))", "convolve_adjoint(g, x, shape_of(y))"],
        jvp=["convolve(t, y)", "convolve(x, t)"],
        guarded_vjp=[
            "convolve_adjoint_guarded(g, y, shape_of(x))",
            "convolve_adjoint_guarded(g, x, shape_of(y))",
        ],
        guarded_jvp=["convolve_guarded(t, y)", "convolve_guarded(t, x)"],
    ),
)
