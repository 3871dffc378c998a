"""Graphviz in its sandbox: on time, in parallel, and still there after it failed."""

import os
import subprocess
import sys
import textwrap
import time
from concurrent.futures import ThreadPoolExecutor

import pytest

import viz
from autograd_bp import Value
from viz.render import GRAPHVIZ

SMALL = "digraph { a -> b }"
# Sharing is what costs Graphviz time: this takes it many seconds.
TANGLE = (
    "digraph {" + "".join(f"{i} -> {i * i % 211}\n{i} -> {i * 7 % 199}\n" for i in range(900)) + "}"
)


def tangle(size):
    values = [Value(float(number % 7)) for number in range(5)]
    for number in range(size):
        values.append(values[-1 - number % 5] * values[-1 - number % 11 % len(values)])
    return values[-1]


def test_a_layout_that_takes_too_long_is_stopped_and_the_next_one_works():
    start = time.perf_counter()
    with pytest.raises(viz.RenderTimeout, match=r"longer than 0\.2 s"):
        GRAPHVIZ.render(TANGLE, "json0", deadline=0.2)
    assert time.perf_counter() - start < 5
    assert '"a"' in GRAPHVIZ.render(SMALL, "json0", deadline=5)


def test_a_layout_out_of_stack_is_refused_and_the_next_one_works():
    nested = "".join(f"subgraph cluster_{number} {{" for number in range(5_000))
    deep = "digraph {" + nested + "a" + "}" * 5_001
    with pytest.raises(viz.GraphTooLarge, match="ran out of stack"):
        GRAPHVIZ.render(deep, "json0", deadline=20)
    assert '"a"' in GRAPHVIZ.render(SMALL, "json0", deadline=5)


def test_a_diagram_past_its_deadline_says_what_to_do_and_still_has_its_dot():
    late = viz.draw(tangle(200), deadline=0.001)
    with pytest.raises(viz.RenderTimeout, match=r"boxes and [\d,]+ arrows.*deadline.*\.dot"):
        _ = late.svg
    assert late.dot.startswith("digraph")
    assert viz.draw(tangle(3)).svg.startswith("<svg")


def test_the_errors_have_one_base():
    assert issubclass(viz.RenderTimeout, viz.DrawError)
    assert issubclass(viz.GraphTooLarge, viz.DrawError)


def test_a_graph_too_deep_for_graphviz_is_folded_and_the_picture_says_so():
    x = Value(1.0)
    for _ in range(4000):
        x = -x
    picture = viz.draw(x, limit=100_000)
    assert len(picture.picture.nodes) == 4001
    assert "the full picture is too large to lay out" in picture.svg
    assert "folded: 4,001 nodes in" in picture.svg
    assert viz.draw(-Value(1.0)).svg.startswith("<svg")


def test_an_error_leaves_graphviz_working():
    for _ in range(3):
        with pytest.raises(viz.DrawError, match="Graphviz failed"):
            GRAPHVIZ.render("digraph { a -> ", "json0", deadline=5)
        assert '"a"' in GRAPHVIZ.render(SMALL, "json0", deadline=5)


def test_only_formats_that_are_known_to_work_are_asked_for():
    with pytest.raises(ValueError, match="png"):
        GRAPHVIZ.render(SMALL, "png", deadline=5)


def test_eight_threads_draw_at_once_what_one_draws():
    graphs = [tangle(size) for size in range(10, 50)]
    alone = [viz.draw(graph).svg for graph in graphs]
    with ThreadPoolExecutor(8) as pool:
        together = list(pool.map(lambda graph: viz.draw(graph).svg, graphs))
    assert together == alone


def test_a_timeout_in_one_thread_does_not_touch_the_others():
    graphs = [tangle(200) if number % 3 == 0 else tangle(number) for number in range(24)]

    def drawn(graph):
        try:
            return viz.draw(graph, deadline=0.002 if graph is graphs[0] else 20).svg
        except viz.RenderTimeout:
            return None

    with ThreadPoolExecutor(8) as pool:
        found = list(pool.map(drawn, [graphs[0], *graphs[1:]] * 2))
    assert [svg is None for svg in found] == [True, *[False] * 23] * 2


def script(body):
    environment = {**os.environ, "PYTHONHASHSEED": "random"}
    done = subprocess.run(
        [sys.executable, "-c", textwrap.dedent(body)],
        capture_output=True,
        text=True,
        env=environment,
        timeout=120,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    return done.stdout


def test_two_processes_write_the_same_bytes():
    body = """
        import hashlib, sys
        import numpy as np
        import autograd_bp as ab, viz
        junk = [object() for _ in range(int(np.random.default_rng().integers(1, 50_000)))]
        x = ab.Value(2.0, name="苹果")
        y = 1.0 / (1.0 + ab.exp(x * -1.0)) + x * 3.0 + 2.0 * x
        W = ab.Tensor(np.arange(6.0).reshape(3, 2), name="W")
        h = x
        for step in range(500):
            h = ab.tanh(h * y) if step % 2 else ab.scope("s")(lambda h: h + 1.0)(h)
        pictures = [viz.draw(y), viz.draw(ab.sum(np.ones((4, 3)) @ W + 1.0), style="nodes")]
        pictures += [viz.draw(h, limit=100), viz.backward_graph(y), viz.diff(y, y + x)]
        pictures += [viz.scalars(np.ones((4, 3)) @ W, (0, 1)), viz.draw(y, flow="size")]
        for picture in pictures:
            written = picture.svg + picture.dot + picture.html() + picture.json + picture.text
            print(hashlib.sha256(written.encode()).hexdigest())
    """
    assert script(body) == script(body)


@pytest.mark.skipif(not hasattr(os, "fork"), reason="needs fork")
def test_a_forked_child_can_draw_even_while_its_parent_draws():
    script("""
        import os, threading
        import autograd_bp as ab, viz
        x = ab.Value(2.0, name="x")
        expected = viz.draw(x * x).svg
        busy = [threading.Thread(target=lambda: [viz.draw(x * x + x).svg for _ in range(40)])
                for _ in range(4)]
        for thread in busy:
            thread.start()
        for _ in range(5):
            child = os.fork()
            if child == 0:
                os._exit(0 if viz.draw(x * x).svg == expected else 1)
            assert os.waitpid(child, 0)[1] == 0
        for thread in busy:
            thread.join()
    """)


@pytest.mark.parametrize("scale", [0, -1, float("nan"), float("inf")])
def test_a_png_needs_a_positive_scale(scale):
    with pytest.raises(ValueError, match="scale"):
        viz.draw(Value(1.0)).png(scale=scale)


def test_a_png_too_large_for_memory_is_refused():
    with pytest.raises(viz.GraphTooLarge, match="pixels"):
        viz.draw(Value(1.0)).png(scale=1000)
