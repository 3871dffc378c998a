"""Reductions and the operations along an axis that go with them."""

from __future__ import annotations

from autograd_bp.rules.rule import add_to_sheet, general, linear, reduction

add_to_sheet(
    linear(
        "sum(x; axis, keepdims)",
        "sum(x, axis, keepdims)",
        adjoint=["spread(g, shape_of(x), axis, keepdims)"],
        symbol="Σ",
    ),
    linear(
        "spread(x; shape, axis, keepdims)",
        "spread(x, shape, axis, keepdims)",
        adjoint=["sum(g, axis, keepdims)"],
    ),
    linear(
        "mean(x; axis, keepdims)",
        "mean(x, axis, keepdims)",
        adjoint=["spread(g / count(x, axis), shape_of(x), axis, keepdims)"],
    ),
    reduction("prod(x; axis, keepdims)", "prod(x, axis, keepdims)", d="exclusive_product(x, axis)"),
    reduction(
        "max(x; axis, keepdims)", "max(x, axis, keepdims)", d="tie_share(x, out, axis, keepdims)"
    ),
    reduction(
        "min(x; axis, keepdims)", "min(x, axis, keepdims)", d="tie_share(x, out, axis, keepdims)"
    ),
    reduction(
        "var(x; axis, ddof, keepdims)",
        "var(x, axis, ddof, keepdims)",
        d="centred(x, axis) * (2 / degrees_of_freedom(count(x, axis), ddof))",
    ),
    reduction(
        "std(x; axis, ddof, keepdims)",
        "std(x, axis, ddof, keepdims)",
        d="n = spread(out, shape_of(x), axis, keepdims); "
        "centred(x, axis) / n / degrees_of_freedom(count(x, axis), ddof) if n != 0 else 0",
    ),
    reduction(
        "norm2(x; axis, keepdims)",
        "norm2(x, axis, keepdims)",
        d="n = spread(out, shape_of(x), axis, keepdims); x / n if n != 0 else 0",
        symbol="norm",
    ),
    reduction(
        "norm_p(x; p, axis, keepdims)",
        "norm_p(x, p, axis, keepdims)",
        d="n = spread(out, shape_of(x), axis, keepdims); "
        "sign(x) * (abs(x) / n) ** (p - 1) if n != 0 and x != 0 else 0",
        symbol="norm",
    ),
    reduction("logsumexp(x; axis, keepdims)", "logsumexp(x, axis, keepdims)", d="softmax(x, axis)"),
)

add_to_sheet(
    general(
        "softmax(x; axis)",
        "softmax(x, axis)",
        vjp=["softmax_product(g, out, axis)"],
        jvp=["softmax_product(t, out, axis)"],
        guarded_vjp=["softmax_product_guarded(g, out, axis)"],
        guarded_jvp=["softmax_product_guarded(t, out, axis)"],
    ),
    general(
        "log_softmax(x; axis)",
        "log_softmax(x, axis)",
        vjp=["log_softmax_pullback(g, x, axis)"],
        jvp=["log_softmax_pushforward(t, x, axis)"],
        guarded_vjp=["log_softmax_pullback_guarded(g, x, axis)"],
        guarded_jvp=["log_softmax_pushforward_guarded(t, x, axis)"],
    ),
    linear(
        "cumsum(x; axis)", "cumsum(x, axis)", adjoint=["flip(cumsum(flip(g, axis), axis), axis)"]
    ),
    general(
        "cumprod(x; axis)",
        "cumprod(x, axis)",
        vjp=["exclusive_cumprod(x, axis) * reverse_recurrence(x, g, axis)"],
        jvp=["linear_recurrence(x, t * exclusive_cumprod(x, axis), axis)"],
        guarded_vjp=["chain(reverse_recurrence(x, g, axis), exclusive_cumprod(x, axis))"],
        guarded_jvp=["linear_recurrence(x, chain(t, exclusive_cumprod(x, axis)), axis)"],
    ),
    # s_i = b_i + a_i s_{i-1}: what the derivatives of cumprod are made of, and its own too.
    general(
        "linear_recurrence(a, b; axis)",
        "linear_recurrence(a, b, axis)",
        vjp=[
            "reverse_recurrence(a, g, axis) * previous(out, axis)",
            "reverse_recurrence(a, g, axis)",
        ],
        jvp=[
            "linear_recurrence(a, t * previous(out, axis), axis)",
            "linear_recurrence(a, t, axis)",
        ],
        # b, and so out, may itself be a cotangent.
        guarded_vjp=[
            "chain_both(reverse_recurrence(a, g, axis), previous(out, axis))",
            "reverse_recurrence(a, g, axis)",
        ],
        guarded_jvp=[
            "linear_recurrence(a, chain_both(t, previous(out, axis)), axis)",
            "linear_recurrence(a, t, axis)",
        ],
    ),
)
