"""Pictures for the seek bar: how many tiles, how they lie on sheets, and their WebVTT index. Pure."""

from collections.abc import Iterator
from dataclasses import dataclass
from fractions import Fraction

from playnet.media.records import Storyboard

from .plan import VideoPlan

_SIDE = 10  # tiles across and down a full sheet
_MAX_TILES = 1000  # more would not be told apart on a seek bar
_LONG_SIDE = 160


@dataclass(frozen=True, slots=True)
class Tiling:
    """Every `every`-th key frame is a tile; sheets are filled row by row."""

    every: int
    columns: int
    rows: int
    tiles: int
    tile_width: int
    tile_height: int
    interval_s: Fraction

    @property
    def sheets(self) -> int:
        return -(-self.tiles // (self.columns * self.rows))

    def record(self) -> Storyboard:
        return Storyboard(
            columns=self.columns,
            rows=self.rows,
            tile_width=self.tile_width,
            tile_height=self.tile_height,
            interval_s=float(self.interval_s),
            sheets=self.sheets,
        )


def tiling(plan: VideoPlan, frames: int) -> Tiling:
    """The tiling of a timeline of which `frames` frames were encoded."""
    keys = -(-frames // plan.gop_frames)
    every = -(-keys // _MAX_TILES)
    tiles = -(-keys // every)
    rendition = plan.renditions[0]
    scale = Fraction(_LONG_SIDE, max(rendition.width, rendition.height))
    return Tiling(
        every=every,
        columns=min(_SIDE, tiles),
        rows=min(_SIDE, -(-tiles // _SIDE)),
        tiles=tiles,
        tile_width=max(2, 2 * round(rendition.width * scale / 2)),
        tile_height=max(2, 2 * round(rendition.height * scale / 2)),
        interval_s=every * plan.gop_frames / plan.fps,
    )


def webvtt(shape: Tiling, duration_s: Fraction) -> str:
    """Index of the sheets: each cue names a rectangle of one (W3C Media Fragments §4.2.2)."""
    return "WEBVTT\n\n" + "\n".join(_cues(shape, duration_s))


def _cues(shape: Tiling, duration_s: Fraction) -> Iterator[str]:
    on_sheet = shape.columns * shape.rows
    for tile in range(shape.tiles):
        sheet, place = divmod(tile, on_sheet)
        row, column = divmod(place, shape.columns)
        begin, end = tile * shape.interval_s, min((tile + 1) * shape.interval_s, duration_s)
        x, y = column * shape.tile_width, row * shape.tile_height
        yield f"{_time(begin)} --> {_time(end)}"
        yield f"sprite-{sheet + 1}.jpg#xywh={x},{y},{shape.tile_width},{shape.tile_height}\n"


def _time(seconds: Fraction) -> str:
    minutes, millis = divmod(round(seconds * 1000), 60_000)
    hours, minutes = divmod(minutes, 60)
    return f"{hours:02d}:{minutes:02d}:{millis // 1000:02d}.{millis % 1000:03d}"
