"""The hits as a picture: a panel for each size and number of connections, a bar for each contender. Renders SVG text."""

from collections.abc import Sequence
from html import escape
from itertools import groupby
from typing import Final

from .report import Table

_WIDTH, _LABEL, _BAR, _GAP = 460, 130, 15, 5  # of a panel, its names, one bar, the space below it
_VALUE: Final = 62  # room for a figure right of the longest bar
_TOP: Final = 44
_COLOURS: Final = {"PlayNet": "#c2410c", "nginx": "#15803d", "Varnish": "#1d4ed8", "Traffic": "#7c3aed"}
_STYLE: Final = (
    "text{font:12px system-ui,sans-serif;fill:#1f2328}.h{font-weight:600}.s{font-size:11px;fill:#57606a}"
    "line{stroke:#1f2328;stroke-width:1.5}"
)


def render(tables: Sequence[Table]) -> str:
    """A row of panels for each size; the bar is the median, the tick the minimum. Each panel has its own scale."""
    rows = [list(group) for _, group in groupby(tables, key=lambda table: table.size_bytes)]
    height = max((_panel_height(table) for table in tables), default=0)
    columns = max((len(row) for row in rows), default=0)
    parts = [
        f'<g transform="translate({column * (_WIDTH + 24) + 12},{number * height + _TOP})">{_panel(table)}</g>'
        for number, row in enumerate(rows)
        for column, table in enumerate(row)
    ]
    width, total = columns * (_WIDTH + 24), len(rows) * height + _TOP
    title = (
        '<text class="h" x="12" y="20">CPU µs of all server processes per hit</text>'
        '<text class="s" x="12" y="36">bar: median of the rounds, tick: minimum; shorter is better</text>'
    )
    return (
        f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {width} {total}" width="{width}" height="{total}">'
        f'<style>{_STYLE}</style><rect width="100%" height="100%" fill="#fff"/>{title}{"".join(parts)}</svg>\n'
    )


def _panel_height(table: Table) -> int:
    return 36 + len(table.rows) * (_BAR + _GAP) + 16


def _panel(table: Table) -> str:
    longest = max(row.median for row in table.rows.values()) or 1
    scale = (_WIDTH - _LABEL - _VALUE) / longest
    parts = [f'<text class="h" x="0" y="22">{escape(table.title)}</text>']
    for number, (name, row) in enumerate(table.rows.items()):
        y = 32 + number * (_BAR + _GAP)
        width, tick = row.median * scale, _LABEL + row.least * scale
        parts.append(
            f'<text x="{_LABEL - 6}" y="{y + 12}" text-anchor="end">{escape(name)}</text>'
            f'<rect x="{_LABEL}" y="{y}" width="{width:.1f}" height="{_BAR}" fill="{_colour(name)}" fill-opacity=".75"/>'
            f'<line x1="{tick:.1f}" x2="{tick:.1f}" y1="{y}" y2="{y + _BAR}"/>'
            f'<text x="{_LABEL + width + 5:.1f}" y="{y + 12}">{row.median:,.0f}</text>'
        )
    return "".join(parts)


def _colour(name: str) -> str:
    return next((colour for start, colour in _COLOURS.items() if name.startswith(start)), "#57606a")
