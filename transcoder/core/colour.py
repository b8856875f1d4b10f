"""How the colours of a source become those that every screen shows: BT.709, limited range, 8 bit 4:2:0. Pure.

Rec. ITU-R BT.709, BT.601, BT.2100 (PQ, HLG), BT.2408 §2 (203 nits are white), ISO/IEC 23091-2 (the names).
What a file does not say is assumed as players assume it: BT.601 up to 576 lines, BT.709 above.
"""

from collections.abc import Iterator
from typing import Any, Literal

from pydantic import Field

from playnet.errors import MediaRejected

from .record import Record
from .source import Look

Step = tuple[str, dict[str, Any]]
"""A filter of ffmpeg and its options."""

WHITE_NITS = 203
_PEAK_NITS = 1000  # what most gradings and displays are made for, where the file does not say
_LEAST_PEAK_NITS, _MOST_PEAK_NITS = 400, 4000
_HDR = {"smpte2084": "PQ", "arib-std-b67": "HLG"}
_SD_LINES, _SD_COLUMNS = 576, 1024
_SWSCALE = {  # the matrices that `scale` knows, by ffprobe's name
    "bt709": "bt709", "smpte170m": "smpte170m", "bt470bg": "bt470", "fcc": "fcc", "smpte240m": "smpte240m",
    "bt2020nc": "bt2020", "bt2020c": "bt2020",
}  # fmt: skip
_ZIMG_MATRIX = {**{name: name for name in ("bt709", "smpte170m", "bt470bg", "smpte240m")}, "fcc": "fcc"} | {
    "bt2020nc": "2020_ncl", "bt2020c": "2020_cl", "gbr": "gbr", "rgb": "gbr",
}  # fmt: skip
_WIDE = frozenset({"bt2020", "smpte431", "smpte432"})
_ZIMG_TRANSFER = frozenset(
    {"bt709", "smpte170m", "smpte240m", "bt470m", "bt470bg", "linear", "iec61966-2-1", "iec61966-2-4"}
) | {"bt2020-10", "bt2020-12", *_HDR}
_TAGS: Step = (
    "setparams", {"range": "tv", "color_primaries": "bt709", "color_trc": "bt709", "colorspace": "bt709"},
)  # fmt: skip


class Colour(Record):
    """What is done. `how`: `keep` (the matrix at most), `convert` (a wider gamut into BT.709) or `tone-map` (HDR to SDR).

    Names are those of the filter that reads them: `scale` for `keep`, `zscale` for the others.
    """

    how: Literal["keep", "convert", "tone-map"]
    matrix: str
    primaries: str = "bt709"
    transfer: str = "bt709"
    peak: float = Field(_PEAK_NITS / WHITE_NITS, gt=1, description="Of the light, in units of white.")


def colour(look: Look, width: int, height: int) -> Colour:
    """Decide. MediaRejected for what could only be shown in wrong colours."""
    if look.dolby_vision is not None and look.dolby_vision[0] == 5:
        raise MediaRejected(
            "This is Dolby Vision of profile 5, whose colours PlayNet cannot convert. "
            "Export the video as HDR10, HLG or SDR (or as Dolby Vision of profile 8) and upload it again."
        )
    matrix = look.matrix or _assumed(look, width, height)
    if look.transfer not in _HDR and look.primaries not in _WIDE:
        return Colour(how="keep", matrix=_SWSCALE.get(matrix, "bt709"))
    peak_nits = min(max(look.peak_nits or _PEAK_NITS, _LEAST_PEAK_NITS), _MOST_PEAK_NITS)
    return Colour(
        how="tone-map" if look.transfer in _HDR else "convert",
        matrix=_ZIMG_MATRIX.get(matrix, "bt709"),
        primaries=look.primaries if look.primaries in _WIDE else "bt2020",
        transfer=look.transfer if look.transfer in _ZIMG_TRANSFER else "bt709",
        peak=round(peak_nits / WHITE_NITS, 3),
    )


def told(look: Look, chosen: Colour) -> str | None:
    """What a publisher has to know of it; None for nothing."""
    if chosen.how == "tone-map":
        kind = "Dolby Vision" if look.dolby_vision else _HDR[look.transfer]
        return f"The picture is HDR ({kind}). It is shown in SDR, its highlights compressed."
    return None


def shared(chosen: Colour, width: int, height: int) -> Iterator[Step]:
    """The steps before renditions part, at the size of the largest: light is computed once, and never on more pixels
    than are shown."""
    if chosen.how == "keep":
        return
    size = {"w": width, "h": height, "f": "bicubic"}
    read = {"min": chosen.matrix, "pin": chosen.primaries, "tin": chosen.transfer}
    shown = {"p": "bt709", "t": "bt709", "m": "bt709", "r": "tv"}
    if chosen.how == "convert":
        yield "zscale", {**size, **read, **shown}
    else:
        yield "zscale", {**size, **read, "t": "linear", "npl": WHITE_NITS}
        yield "format", {"pix_fmts": "gbrpf32le"}
        yield "zscale", {"p": "bt709"}
        yield "tonemap", {"tonemap": "mobius", "param": 0.5, "desat": 0, "peak": chosen.peak}
        yield "zscale", {**shown, "dither": "ordered"}
    yield "format", {"pix_fmts": "yuv420p"}


def of_rendition(chosen: Colour, width: int, height: int) -> Iterator[Step]:
    """The steps of one rendition."""
    matrix = chosen.matrix if chosen.how == "keep" else "bt709"
    yield "scale", {"w": width, "h": height, "in_color_matrix": matrix, "out_color_matrix": "bt709", "out_range": "tv"}
    yield "setsar", {"sar": 1}
    yield "format", {"pix_fmts": "yuv420p"}
    yield _TAGS


def _assumed(look: Look, width: int, height: int) -> str:
    if look.transfer in _HDR or look.primaries == "bt2020":
        return "bt2020nc"
    return "smpte170m" if height <= _SD_LINES and width <= _SD_COLUMNS else "bt709"
