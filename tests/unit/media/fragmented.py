"""Builds fragmented MP4s byte by byte, so that readers are tested against the standard and not against ffmpeg."""

from dataclasses import dataclass


def box(kind: str, *parts: bytes) -> bytes:
    body = b"".join(parts)
    return (8 + len(body)).to_bytes(4, "big") + kind.encode() + body


def full(kind: str, version: int, flags: int, *parts: bytes) -> bytes:
    return box(kind, (version << 24 | flags).to_bytes(4, "big"), *parts)


def u32(*values: int) -> bytes:
    return b"".join(value.to_bytes(4, "big", signed=value < 0) for value in values)


def u16(*values: int) -> bytes:
    return b"".join(value.to_bytes(2, "big") for value in values)


AVC1 = box(
    "avc1", bytes(6), u16(1), bytes(16), u16(640, 360), u32(0x480000, 0x480000, 0), u16(1), bytes(32), u16(24, 0xFFFF),
    box("avcC", bytes([1, 0x64, 0x00, 0x1F, 0xFF])),
)  # fmt: skip


def mp4a(specific: bytes, channels: int = 2) -> bytes:
    """AAC with an AudioSpecificConfig of up to 100 bytes; descriptor sizes written in four groups, as encoders do."""

    def descriptor(tag: int, payload: bytes) -> bytes:
        return bytes([tag, 0x80, 0x80, 0x80, len(payload)]) + payload

    decoder = descriptor(4, bytes([0x40, 0x15]) + bytes(11) + descriptor(5, specific))
    esds = full("esds", 0, 0, descriptor(3, u16(1) + b"\0" + decoder + descriptor(6, b"\x02")))
    return box("mp4a", bytes(6), u16(1), bytes(8), u16(channels, 16, 0, 0), u32(48000 << 16), esds)


@dataclass(frozen=True)
class Track:
    """What the init file says."""

    entry: bytes = AVC1
    timescale: int = 12800
    edit: int | None = None
    default_duration: int = 512
    wide: bool = False  # 64-bit dates and edits


def init(track: Track) -> bytes:
    version, dates = (1, bytes(16)) if track.wide else (0, bytes(8))
    tkhd = full("tkhd", version, 7, dates, u32(1), bytes(60))
    mdhd = full("mdhd", version, 0, dates, u32(track.timescale), bytes(8))
    stsd = full("stsd", 0, 0, u32(1), track.entry)
    edts = b""
    if track.edit is not None:
        row = (bytes(8) + track.edit.to_bytes(8, "big")) if track.wide else u32(0, track.edit)
        edts = box("edts", full("elst", version, 0, u32(1), row, u32(0x10000)))
    trak = box("trak", tkhd, edts, box("mdia", mdhd, box("minf", box("stbl", stsd))))
    mvex = box("mvex", full("trex", 0, 0, u32(1, 1, track.default_duration, 0, 0x10000)))
    return box("ftyp", b"cmfc", u32(0)) + box("moov", full("mvhd", 0, 0, bytes(96)), trak, mvex)


def fragment(
    decode: int, durations: list[int] | None, *, samples: int = 1, first_offset: int | None = None, payload: int = 10
) -> bytes:
    """One `moof` and its `mdat`; without durations the run relies on the defaults of the init file."""
    flags = 0x1 | 0x4 | (0x100 if durations is not None else 0) | (0x800 if first_offset is not None else 0)
    rows = b"".join(
        (u32(durations[number]) if durations is not None else b"")
        + (u32(first_offset if number == 0 else 0) if first_offset is not None else b"")
        for number in range(samples)
    )
    trun = full("trun", 1, flags, u32(samples, 0, 0x2000000), rows)
    tfdt = full("tfdt", 1, 0, decode.to_bytes(8, "big"))
    traf = box("traf", full("tfhd", 0, 0x20000, u32(1)), tfdt, trun)
    return box("moof", full("mfhd", 0, 0, u32(1)), traf) + box("mdat", bytes(payload))
