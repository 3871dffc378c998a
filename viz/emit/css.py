"""The style sheet of a figure. Every selector starts with the figure's id, so that inside a page it
touches nothing else."""

from viz.scene import FONTS, Scene
from viz.theme import Theme

# Helvetica's metrics are those the text is measured by; Arial and Liberation Sans share them.
_SANS = 'Helvetica,Arial,"Liberation Sans","Noto Sans","DejaVu Sans",sans-serif'
_CJK = (
    '"Noto Sans CJK SC","Source Han Sans SC","PingFang SC","Microsoft YaHei","Hiragino Sans",'
    f'"Noto Sans CJK JP","WenQuanYi Micro Hei",{_SANS}'
)
_SYMBOLS = (
    '"DejaVu Sans","Segoe UI","Segoe UI Symbol","Lucida Grande","Arial Unicode MS",'
    f'"Noto Sans","Noto Sans Math",{_SANS}'
)


def style_sheet(figure: str, theme: Theme, scene: Scene) -> str:
    """CSS for the figure with the id `figure`, as much of it as `scene` needs."""
    rules = {
        "text": f"font-family:{_SANS};text-anchor:middle;white-space:pre;fill:{theme.text}",
        ".cjk": f"font-family:{_CJK}",
        ".symbols": f"font-family:{_SYMBOLS}",
        ".background": f"fill:{theme.background}",
        "path": "fill:none;stroke-linecap:butt",
        "path.forward": f"stroke:{theme.value};stroke-width:1.3",
        "polygon.forward": f"fill:{theme.value}",
        ".constant-use .forward": f"stroke:{theme.line}",
        ".constant-use polygon.forward": f"fill:{theme.line};stroke:none",
        "path.back": "stroke-width:3",
        "path.gradient": f"stroke:{theme.gradient}",
        "polygon.gradient": f"fill:{theme.gradient}",
        "path.zero": f"stroke:{theme.zero};stroke-width:2",
        "polygon.zero": f"fill:{theme.zero}",
        "path.alarm": f"stroke:{theme.alarm}",
        "polygon.alarm": f"fill:{theme.alarm}",
        ".ellipse": f"fill:{theme.operation};stroke:{theme.operation_line};stroke-width:1.3",
        ".bar": f"fill:{theme.operation_line}",
        ".leaf .dot,.leaf .box": f"fill:{theme.leaf};stroke:{theme.leaf_line};stroke-width:1.3",
        ".result .box": f"fill:{theme.background};stroke:{theme.line};stroke-width:1.3",
        ".detached .dot,.detached .box": (
            f"fill:{theme.background};stroke:{theme.line};stroke-width:1.3;stroke-dasharray:4 3"
        ),
        ".output .box": f"fill:{theme.output};stroke:{theme.output_line};stroke-width:1.3",
        ".plain": "fill:none",
        "text.value": f"fill:{theme.value}",
        "text.gradient,text.zero": f"fill:{theme.gradient}",
        "text.alarm": f"fill:{theme.alarm}",
        ".constant text,text.note,text.formula,text.unnamed,text.blocked,text.legend": (
            f"fill:{theme.muted}"
        ),
    }
    if scene.frames:
        rules["rect.frame"] = f"fill:{theme.muted};fill-opacity:0.06;stroke:{theme.line};"
        rules["rect.frame"] += "stroke-dasharray:2 2"
        rules["text.frame"] = f"fill:{theme.muted};text-anchor:start"
    if any(box.shape == "stack" for box in scene.boxes):
        rules[".stack"] = f"fill:{theme.operation};stroke:{theme.operation_line};stroke-width:1.3"
    if any("unreachable" in box.classes for box in scene.boxes):
        rules[".unreachable .box"] = f"stroke:{theme.muted};stroke-dasharray:1 3"
    if any("accumulated" in box.classes for box in scene.boxes):
        rules[".accumulated .box"] = f"stroke:{theme.gradient};stroke-width:3"
    if any("marked" in box.classes for box in scene.boxes):
        rules[".marked .box,.marked .ellipse"] = f"stroke:{theme.alarm};stroke-width:4"
    rules |= _comparison(scene, theme)
    if any("gradient-use" in link.classes for link in scene.links):
        rules[".gradient-use path.forward"] = f"stroke:{theme.gradient};stroke-width:3"
        rules[".gradient-use polygon.forward"] = f"fill:{theme.gradient};stroke:none"
    if scene.scale is not None:
        ramp = theme.sizes if scene.scale.ramp == "size" else theme.gains
        for shade, colour in enumerate(ramp):
            rules[f"path.back.shade{shade}"] = (
                f"stroke:{colour};stroke-width:{shade_width(shade):g}"
            )
            rules[f"polygon.back.shade{shade},rect.shade{shade}"] = f"fill:{colour}"
    for role, font in FONTS.items():
        weight = ";font-weight:bold" if font.bold else ""
        slant = ";font-style:italic" if font.italic else ""
        rules[f"text.{role}"] = (
            f"{rules.get(f'text.{role}', '')};font-size:{font.size:g}px{weight}{slant}".lstrip(";")
        )
    return "".join(
        ",".join(f"#{figure} {part}" for part in selector.split(",")) + f"{{{declarations}}}"
        for selector, declarations in rules.items()
    )


def _comparison(scene: Scene, theme: Theme) -> dict[str, str]:
    """How what differs between two runs stands out, if anything does."""
    classes = {name for box in scene.boxes for name in box.classes.split()}
    classes |= {name for link in scene.links for name in link.classes.split()}
    rules = {}
    if "changed" in classes:
        rules[".changed .box,.changed .ellipse"] = f"stroke:{theme.alarm};stroke-width:2.5"
    if "added" in classes:
        rules[".added .box,.added .ellipse"] = (
            f"fill:{theme.output};stroke:{theme.output_line};stroke-width:3"
        )
    if "removed" in classes:
        rules[".removed .box,.removed .ellipse"] = (
            f"fill:{theme.background};stroke:{theme.muted};stroke-dasharray:2 3"
        )
        rules[".removed path"] = f"stroke:{theme.line};stroke-dasharray:2 3"
        rules[".removed text"] = f"fill:{theme.muted}"
    return rules


def shade_width(shade: int) -> float:
    """How wide an arrow of this shade is, in pixels."""
    return 1.4 + 0.6 * shade
