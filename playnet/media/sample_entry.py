"""What a sample description says: RFC 6381 codec string, picture size, channels. Pure.

ISO/IEC 14496-12 §12.1.3 and §12.2.3 (sample entries), 14496-15 §5.3.3 (avcC), 14496-1 §7.2.6 (descriptors in esds),
14496-3 §1.6.2 (AudioSpecificConfig).
"""

from dataclasses import dataclass

from playnet.errors import MediaRejected

from .boxes import Box, Fields

_VISUAL_FIELDS = 78  # fixed part of a visual sample entry before its boxes
_AUDIO_FIELDS = 28
_CHANNELS_OF_CONFIGURATION = {1: 1, 2: 2, 3: 3, 4: 4, 5: 5, 6: 6, 7: 8, 11: 7, 12: 8, 14: 8}
_MPEG4_AUDIO = 0x40
_ES, _DECODER_CONFIG, _DECODER_SPECIFIC = 3, 4, 5


@dataclass(frozen=True, slots=True)
class Visual:
    """A video sample entry; sizes in coded pixels."""

    codec: str
    width: int
    height: int


@dataclass(frozen=True, slots=True)
class Audible:
    """An audio sample entry."""

    codec: str
    channels: int
    sample_rate: int


def read(entry: Box) -> Visual | Audible:
    """Describe the first sample entry of a track. MediaRejected for codecs that we do not publish."""
    match entry.type:
        case "avc1" | "avc3":
            return _visual(entry)
        case "mp4a":
            return _audible(entry)
    raise MediaRejected(f"sample entry {entry.type!r} is not published here")


def _visual(entry: Box) -> Visual:
    fields = entry.fields()
    fields.skip(24)
    width, height = fields.uint(2), fields.uint(2)
    config = _boxed(entry, _VISUAL_FIELDS, "avcC").fields()
    config.skip(1)
    return Visual(f"{entry.type}.{bytes(config.bytes(3)).hex().upper()}", width, height)


def _audible(entry: Box) -> Audible:
    fields = entry.fields()
    fields.skip(16)
    channels = fields.uint(2)
    fields.skip(6)
    sample_rate = fields.uint(4) >> 16
    esds = _boxed(entry, _AUDIO_FIELDS, "esds").fields()
    esds.full()
    object_type, configured = _audio_specific(esds)
    return Audible(f"mp4a.40.{object_type}", configured or channels, sample_rate)


def _boxed(entry: Box, skip: int, kind: str) -> Box:
    found = next((box for box in entry.children(skip=skip) if box.type == kind), None)
    if found is None:
        raise MediaRejected(f"sample entry {entry.type!r} has no {kind!r}")
    return found


def _audio_specific(esds: Fields) -> tuple[int, int]:
    """Audio object type and channel count (0 when the configuration does not name one)."""
    es = _descriptor(esds, _ES)
    es.skip(2)
    flags = es.uint(1)
    es.skip(2 if flags & 0x80 else 0)
    es.skip(es.uint(1) if flags & 0x40 else 0)
    es.skip(2 if flags & 0x20 else 0)
    decoder = _descriptor(es, _DECODER_CONFIG)
    if decoder.uint(1) != _MPEG4_AUDIO:
        raise MediaRejected("the audio is not MPEG-4 audio")
    decoder.skip(12)
    specific = _descriptor(decoder, _DECODER_SPECIFIC)
    bits = int.from_bytes(specific.bytes(min(specific.left, 8)).tobytes().ljust(8, b"\0"), "big")
    return _object_type_and_channels(bits)


def _object_type_and_channels(bits: int) -> tuple[int, int]:
    at = 64

    def take(count: int) -> int:
        nonlocal at
        at -= count
        return bits >> at & (1 << count) - 1

    object_type = take(5)
    if object_type == 31:
        object_type = 32 + take(6)
    if take(4) == 15:
        take(24)
    return object_type, _CHANNELS_OF_CONFIGURATION.get(take(4), 0)


def _descriptor(fields: Fields, tag: int) -> Fields:
    """The next descriptor's payload; its size is 1 to 4 groups of seven bits."""
    if fields.uint(1) != tag:
        raise MediaRejected(f"descriptor {tag} is missing in 'esds'")
    size = 0
    for _ in range(4):
        byte = fields.uint(1)
        size = size << 7 | byte & 0x7F
        if byte < 0x80:
            break
    return Fields(fields.bytes(size), "esds")
