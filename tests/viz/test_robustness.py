"""Random graphs with random labels, from many threads: each is drawn or refused, in time."""

import random
import sys
import time
import xml.etree.ElementTree as ET
from concurrent.futures import ThreadPoolExecutor

import numpy as np
import pytest

import autograd_bp as ab
import viz
from autograd_bp import Tensor, Value

DEADLINE = 4.0
# Besides the layout there is the trace and the SVG, and all that while others compute.
GRACE = 20.0
UNARY = [ab.tanh, ab.exp, ab.log, ab.sqrt, ab.abs, ab.relu, lambda x: -x, lambda x: x]
BINARY = [
    lambda x, y: x + y,
    lambda x, y: x * y,
    lambda x, y: x / y,
    lambda x, y: x - y,
    ab.maximum,
    lambda x, _: x,
]


def label(rng):
    kind = rng.randrange(6)
    if kind == 0:
        return None
    if kind == 1:
        return "".join(chr(rng.randrange(sys.maxunicode + 1)) for _ in range(rng.randrange(30)))
    if kind == 2:
        return "".join(rng.choice("<>&\"\\'{}|[];\n\r\t\x00\x1b%$#") for _ in range(20))
    if kind == 3:
        return rng.choice(["苹果", "a" * 500, "\u202eright", "é" * 40, "👩‍👩‍👧", "\ud800", " "])
    return f"x{rng.randrange(99)}"


def number(rng):
    return rng.choice([0.0, 1.0, -1.5, 1e300, 1e-300, float("inf"), float("nan"), rng.gauss(0, 1)])


def leaf(rng):
    wanted = rng.random() < 0.8
    if rng.random() < 0.6:
        return Value(number(rng), name=label(rng), requires_grad=wanted)
    shape = tuple(rng.choice([1, 2, 3]) for _ in range(rng.randrange(3)))
    data = np.reshape([number(rng) for _ in range(int(np.prod(shape)))], shape)
    return Tensor(data, name=label(rng), requires_grad=wanted)


def scoped(rng, function):
    name = label(rng)
    return ab.scope(name)(function) if name and rng.random() < 0.3 else function


def graph(seed):
    rng = random.Random(seed)
    nodes = [leaf(rng) for _ in range(rng.randrange(1, 6))]
    with np.errstate(all="ignore"):
        for _ in range(int(2 ** rng.uniform(0, 7.5))):
            if rng.random() < 0.1:
                nodes.append(leaf(rng))
                continue
            first, second = (nodes[-1 - rng.randrange(min(len(nodes), 8))] for _ in "ab")
            try:
                if rng.random() < 0.4:
                    node = scoped(rng, rng.choice(UNARY))(first)
                else:
                    node = scoped(rng, rng.choice(BINARY))(first, second)
            except ValueError:  # shapes that do not go together
                continue
            node.name = label(rng)
            nodes.append(node)
    return nodes[-1] if rng.random() < 0.8 else nodes[-3:]


def draw(seed):
    """What comes of a graph: the kind of outcome, and the seconds that it took."""
    rng = random.Random(-1 - seed)
    output = graph(seed)
    start = time.monotonic()
    try:
        picture = viz.draw(
            output,
            style=rng.choice(["textbook", "nodes"]),
            direction=rng.choice(["LR", "TB"]),
            algebra=rng.random() < 0.3,
            flow=rng.choice([None, None, "size", "gain"]),
            open=rng.choice([None, None, 0, 1, lambda path: len(path[-1]) % 2]),
            nonfinite=rng.random() < 0.2,
            title=label(rng),
            theme=rng.choice(["light", "dark", "colour-blind", "print"]),
            deadline=DEADLINE,
            limit=rng.choice([5, 60, 1000]),
        )
        ET.fromstring(picture.svg)
        assert viz.from_json(picture.json).nodes
        assert picture.text
        outcome = "drawn"
    except viz.DrawError:
        outcome = "refused"
    return outcome, time.monotonic() - start


def all_end_well(seeds):
    with ThreadPoolExecutor(8) as pool:
        found = list(pool.map(draw, seeds))
    assert all(seconds < DEADLINE + GRACE for _, seconds in found)
    drawn = sum(outcome == "drawn" for outcome, _ in found)
    assert drawn >= 0.95 * len(found)


@pytest.mark.filterwarnings("ignore::RuntimeWarning")
def test_a_hundred_random_graphs_are_drawn_or_refused_by_eight_threads():
    all_end_well(range(100))


@pytest.mark.slow
@pytest.mark.filterwarnings("ignore::RuntimeWarning")
def test_ten_thousand_random_graphs_are_drawn_or_refused_by_eight_threads():
    all_end_well(range(10_000))
