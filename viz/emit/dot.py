"""A scene as DOT, for a system Graphviz and for reading.

This is not what the SVG is laid out from (see `viz.layout`). Each link is one edge that carries
both directions: an edge back of its own would be a cycle, on which `dot` spends minutes.
"""

from collections.abc import Sequence

from viz.scene import Box, Line, Link, Scale, Scene
from viz.text import escape_dot, one_line
from viz.theme import Theme

_POINTS_PER_INCH = 72


def dot(scene: Scene, theme: Theme) -> str:
    """The picture as a DOT digraph."""
    common = 'fontname="Helvetica"'
    graph = f'rankdir={scene.direction} ordering=in bgcolor="{theme.background}" {common}'
    if scene.title:
        graph += f" label={escape_dot(one_line(scene.title))} labelloc=t"
    out = [
        "digraph autograd_bp {",
        f"  graph [{graph}]",
        f'  node [{common} fontsize=13 style=filled color="{theme.line}"]',
        f'  edge [{common} fontsize=12 color="{theme.value}" fontcolor="{theme.text}"]',
    ]
    tags = [box.tag for box in scene.boxes]
    out += [f"  {box.tag} [{_box(box, theme)}]" for box in scene.boxes]
    out += _frames(scene, theme)
    out += [
        f"  {tags[link.tail]} -> {tags[link.head]} [{_link(link, theme, scene.scale)}]"
        for link in scene.links
    ]
    return "\n".join((*out, "}")) + "\n"


def _frames(scene: Scene, theme: Theme) -> list[str]:
    """Frames as clusters, one inside another."""
    out: list[str] = []
    waiting: list[int | None] = []
    waiting += [at for at, frame in enumerate(scene.frames) if frame.parent is None][::-1]
    while waiting:
        number = waiting.pop()
        if number is None:
            out.append("  }")
            continue
        label = escape_dot(scene.frames[number].label.text)
        out.append(f"  subgraph cluster_{number} {{")
        out.append(f'    graph [label={label} style=dashed color="{theme.line}"]')
        out += [f"    {box.tag}" for box in scene.boxes if box.frame == number]
        waiting.append(None)
        waiting += [at for at, frame in enumerate(scene.frames) if frame.parent == number][::-1]
    return out


def _box(box: Box, theme: Theme) -> str:
    fill, border = {
        "leaf": (theme.leaf, theme.leaf_line),
        "output": (theme.output, theme.output_line),
        "operation": (theme.operation, theme.operation_line),
        "fork": (theme.operation_line, theme.operation_line),
    }.get(box.classes.split()[0], (theme.background, theme.line))
    attributes = [
        f'id="{box.tag}" class="{box.classes}"',
        f"label={_label(box.lines)} tooltip={escape_dot(box.tooltip, tooltip=True)}",
        f'fillcolor="{fill}" color="{border}" fontcolor="{theme.text}"',
    ]
    drawn = {"ellipse": "ellipse", "dot": "circle", "plain": "plain"}.get(box.shape, "box")
    attributes.append(f"shape={drawn}")
    if not box.lines:
        width, height = box.width / _POINTS_PER_INCH, box.height / _POINTS_PER_INCH
        attributes.append(f"width={width:.3f} height={height:.3f} fixedsize=true")
    if box.shape == "box":
        dashed = ",dashed" if box.classes == "detached" else ""
        dashed = ",dotted" if "unreachable" in box.classes else dashed
        attributes.append(f'style="filled,rounded{dashed}"')
    if "accumulated" in box.classes or box.shape == "stack":
        attributes.append("peripheries=2")
    return " ".join(attributes)


def _link(link: Link, theme: Theme, scale: Scale | None) -> str:
    tooltip = escape_dot(link.tooltip, tooltip=True)
    attributes = [f'id="{link.tag}" class="{link.classes}" tooltip={tooltip}']
    if link.above or link.below:
        attributes.append(f"label={_label((*link.above, *link.below))}")
    if link.back is not None:
        back = {"zero": theme.zero, "alarm": theme.alarm}.get(link.back, theme.gradient)
        if scale is not None and link.shade is not None:
            back = (theme.sizes if scale.ramp == "size" else theme.gains)[link.shade]
        attributes.append(f'dir=both color="{theme.value}:{back}"')
    return " ".join(attributes)


def _label(lines: Sequence[Line]) -> str:
    return escape_dot("\n".join(each.text for each in lines))
