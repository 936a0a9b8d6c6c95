"""The demo's result as an SVG picture, which loads nothing: no fonts, no style sheets, no scripts."""

from __future__ import annotations

import io
from typing import TYPE_CHECKING

from rich.console import Console

if TYPE_CHECKING:
    from collections.abc import Iterable
    from pathlib import Path

    from rich.console import RenderableType

_WIDTH = 104  # columns: what the result's table needs
_ID = "demo"  # prefix of the picture's class names; rich's own would differ from run to run

# rich's own template with fonts of the reader's machine in place of font files from the internet
_FORMAT = """\
<svg class="rich-terminal" viewBox="0 0 {width} {height}" xmlns="http://www.w3.org/2000/svg">
<style>
.{unique_id}-matrix {{
    font-family: ui-monospace, SFMono-Regular, Menlo, Consolas, "Liberation Mono", "DejaVu Sans Mono", monospace;
    font-size: {char_height}px;
    line-height: {line_height}px;
}}
.{unique_id}-title {{ font-size: 18px; font-weight: bold; font-family: arial, sans-serif; }}
{styles}
</style>
<defs>
<clipPath id="{unique_id}-clip-terminal">
<rect x="0" y="0" width="{terminal_width}" height="{terminal_height}" />
</clipPath>
{lines}
</defs>
{chrome}
<g transform="translate({terminal_x}, {terminal_y})" clip-path="url(#{unique_id}-clip-terminal)">
{backgrounds}
<g class="{unique_id}-matrix">
{matrix}
</g>
</g>
</svg>
"""


def save(shown: Iterable[RenderableType], title: str, path: Path) -> None:
    """Write what a terminal would show of these, one below the other, to an SVG file."""
    console = Console(record=True, file=io.StringIO(), width=_WIDTH, force_terminal=True, color_system="truecolor")
    for item in shown:
        console.print(item, highlight=False)
    svg = console.export_svg(title=title, code_format=_FORMAT, unique_id=_ID)
    text = "\n".join(line.strip() for line in svg.splitlines() if line.strip())
    path.write_text(f"{text}\n", encoding="utf-8")
