"""A page around an SVG: no script, nothing loaded from anywhere."""

from viz.text import escape_xml
from viz.theme import Theme


def page(svg: str, title: str, theme: Theme) -> str:
    """A complete HTML document that shows `svg`."""
    return f"""<!doctype html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<meta http-equiv="Content-Security-Policy" content="default-src 'none'; style-src 'unsafe-inline'">
<title>{escape_xml(title)}</title>
<style>
body {{ margin: 0; padding: 1rem; background: {theme.background}; }}
svg {{ display: block; margin: 0 auto; }}
</style>
</head>
<body>
{svg}</body>
</html>
"""
