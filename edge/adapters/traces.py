"""Traces of requests, read from files as streams. A file is opened anew for each pass; memory does not grow with it.

csv     `time,key,size` in lines, perhaps with a heading; the key may contain commas, or stand in double quotes
oracle  libCacheSim's oracleGeneral: records of u32 time, u64 object, u32 size, i64 next access; little endian, 24 bytes
web12   big-endian u32 objects without sizes: each counts as one byte

A name that ends in .xz is decompressed. Whatever does not fit its format is a ConfigError with file and offset.
"""

import io
import lzma
import struct
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import IO, Final, Literal, get_args

from edge.core.key import Key
from edge.core.simulation import Use
from playnet.errors import ConfigError

Format = Literal["csv", "oracle", "web12"]
FORMATS: Final[tuple[Format, ...]] = get_args(Format)
_WORDS: Final[tuple[tuple[str, Format], ...]] = (("oraclegeneral", "oracle"), ("web12", "web12"), (".csv", "csv"))

_ORACLE: Final = struct.Struct("<IQIq")
_WEB12: Final = struct.Struct(">I")
_RECORDS: Final = 4096  # of a binary trace that are read at once
_BUFFER_BYTES: Final = 128 << 10
_LINE_BYTES: Final = 16 << 10  # twice the longest key of a node
_SIZE_DIGITS: Final = 18
_NEVER: Final = -1  # next access of an object that does not come back
_ZSTANDARD: Final = b"\x28\xb5\x2f\xfd"  # RFC 8878 §3.1.1

Progress = Callable[[int], None]
"""Told how many bytes of the file were read since it was last called."""


@dataclass(frozen=True, slots=True)
class Trace:
    """A file of requests. Iterating reads it from its start. `told` is called for every 128 KiB."""

    path: Path
    format: Format
    told: Progress = lambda _: None

    def __iter__(self) -> Iterator[Use]:
        reader = _READERS[self.format]
        try:
            with self.path.open("rb") as raw:
                _refuse_zstandard(raw, self.path)
                counted = io.BufferedReader(_Counted(raw, self.told), _BUFFER_BYTES)
                with lzma.LZMAFile(counted) if self.path.suffix == ".xz" else counted as file:
                    yield from reader(_Stream(self.path, file))
        except OSError as exc:
            raise ConfigError(f"{self.path}: cannot be read: {exc.strerror or exc}") from exc


def guessed_format(path: Path) -> Format:
    """By the file's name. ConfigError when it does not say."""
    name = path.name.lower()
    for word, found in _WORDS:
        if word in name:
            return found
    raise ConfigError(f"{path}: the name does not tell the format: expected --format {'|'.join(FORMATS)}")


class _Counted(io.RawIOBase):
    """A file that tells how much of it was read."""

    def __init__(self, raw: IO[bytes], told: Progress) -> None:
        self._raw, self._told = raw, told

    def readable(self) -> bool:
        return True

    def readinto(self, buffer: bytearray | memoryview) -> int:  # type: ignore[override]
        data = self._raw.read(len(buffer))
        buffer[: len(data)] = data
        self._told(len(data))
        return len(data)


@dataclass(slots=True)
class _Stream:
    """Decompressed bytes and how many of them were read, for messages."""

    path: Path
    file: IO[bytes]
    offset: int = 0

    def read(self, size: int) -> bytes:
        """Exactly `size` bytes, fewer only at the end."""
        return self._read(self.file.read, size)

    def line(self) -> bytes:
        """With its end; empty at the end of the file."""
        return self._read(self.file.readline, _LINE_BYTES)

    def _read(self, read: Callable[[int], bytes], size: int) -> bytes:
        try:
            data = read(size)
        except (lzma.LZMAError, EOFError) as exc:
            raise self.broken(self.offset, f"the compression is broken here or later: {exc}") from exc
        self.offset += len(data)
        return data

    def broken(self, offset: int, reason: str) -> ConfigError:
        """For people: where, and what was expected."""
        where = "offset" if self.path.suffix != ".xz" else "decompressed offset"
        return ConfigError(f"{self.path}: {where} {offset}: {reason}")


def _refuse_zstandard(raw: IO[bytes], path: Path) -> None:
    if path.suffix == ".zst" or raw.read(len(_ZSTANDARD)) == _ZSTANDARD:
        raise ConfigError(
            f"{path}: Zstandard needs Python 3.14 or later: decompress it first (zstd -d), or recompress with xz"
        )
    raw.seek(0)


def _csv(stream: _Stream) -> Iterator[Use]:
    start = 0
    while line := stream.line():
        fields = _fields(line) if len(line) < _LINE_BYTES else None
        if fields is None:
            if line.strip() and not (start == 0 and _is_heading(line)):
                shown = line.strip()[:60].decode("utf-8", "backslashreplace")
                raise stream.broken(start, f"expected TIME,KEY,SIZE with a size in whole bytes, found {shown!r}")
        else:
            yield fields
        start = stream.offset


def _fields(line: bytes) -> Use | None:
    """Key and size of a line. None when it has another shape."""
    time, _, rest = line.partition(b",")
    key, comma, size = rest.rpartition(b",")
    key, size = key.strip(), size.strip()
    if not comma or not key or not size.isdigit() or len(size) > _SIZE_DIGITS or not _is_number(time):
        return None
    if len(key) >= 2 and key[:1] == key[-1:] == b'"':
        key = key[1:-1].replace(b'""', b'"')
    return Key(key.decode("utf-8", "surrogateescape")), int(size)


def _is_number(text: bytes) -> bool:
    try:
        float(text)
    except ValueError:
        return False
    return True


def _is_heading(line: bytes) -> bool:
    fields = line.split(b",")
    return len(fields) == 3 and not any(_is_number(field) for field in fields)


def _oracle(stream: _Stream) -> Iterator[Use]:
    for start, block in _blocks(stream, _ORACLE):
        for index, (_, number, size_bytes, following) in enumerate(_ORACLE.iter_unpack(block)):
            if following < _NEVER:
                offset = start + index * _ORACLE.size
                raise stream.broken(offset, f"not an oracleGeneral record: next access {following}")
            yield Key(str(number)), size_bytes


def _web12(stream: _Stream) -> Iterator[Use]:
    for _, block in _blocks(stream, _WEB12):
        for (number,) in _WEB12.iter_unpack(block):
            yield Key(str(number)), 1


def _blocks(stream: _Stream, record: struct.Struct) -> Iterator[tuple[int, bytes]]:
    """Whole records, many at once, each block with its offset."""
    while block := stream.read(record.size * _RECORDS):
        start = stream.offset - len(block)
        if rest := len(block) % record.size:
            raise stream.broken(
                stream.offset - rest, f"the file ends within a record: {rest} of {record.size} bytes are there"
            )
        yield start, block


_READERS: Final[dict[Format, Callable[[_Stream], Iterator[Use]]]] = {"csv": _csv, "oracle": _oracle, "web12": _web12}
