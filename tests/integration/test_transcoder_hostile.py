"""Files made to do harm: refused with a sentence that a person understands, or contained; nothing else is touched."""

import re
import socket
import struct
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from playnet.errors import MediaRejected
from tests.integration.inputs import X264, decoded_frames, make, pictures, sound
from tests.integration.transcoding import ffmpeg

_JARGON = re.compile(r"0x|errno|Traceback|ffmpeg|ffprobe|codec parameters|stream #|moov", re.I)


@pytest.fixture
def outside(tmp_path: Path) -> Iterator[dict[str, str]]:
    """A server that must not be called and a file that must not be read."""
    secret = tmp_path / "secret.ts"
    ffmpeg(*pictures(seconds=1), *X264, str(secret))
    with socket.socket() as listener:
        listener.bind(("127.0.0.1", 0))
        listener.listen()
        listener.setblocking(False)
        yield {"url": f"http://127.0.0.1:{listener.getsockname()[1]}", "file": f"file://{secret}", "path": str(secret)}
        with pytest.raises(BlockingIOError):
            listener.accept()


_TEXTS = {
    "hls-to-http": "#EXTM3U\n#EXT-X-TARGETDURATION:9\n#EXTINF:9,\n{url}/1.ts\n#EXT-X-ENDLIST\n",
    "hls-to-a-file": "#EXTM3U\n#EXT-X-TARGETDURATION:9\n#EXTINF:9,\n{file}\n#EXT-X-ENDLIST\n",
    "hls-to-passwd": "#EXTM3U\n#EXT-X-TARGETDURATION:9\n#EXTINF:9,\nconcat:{url}/head|file:///etc/passwd\n#EXT-X-ENDLIST\n",
    "concat": "ffconcat version 1.0\nfile '{path}'\n",
    "dash": '<?xml version="1.0"?><MPD xmlns="urn:mpeg:dash:schema:mpd:2011" type="static" mediaPresentationDuration="PT9S">'
    '<Period><AdaptationSet mimeType="video/mp4"><Representation id="1" bandwidth="1"><BaseURL>{url}/a.mp4</BaseURL>'
    "</Representation></AdaptationSet></Period></MPD>",
    "sdp": "v=0\no=- 0 0 IN IP4 127.0.0.1\ns=x\nc=IN IP4 127.0.0.1\nt=0 0\nm=video 9 RTP/AVP 96\na=rtpmap:96 H264/90000\n",
    "svg": '<svg xmlns="http://www.w3.org/2000/svg" xmlns:xlink="http://www.w3.org/1999/xlink" width="99" height="99">'
    '<image xlink:href="{url}/a.png" width="9" height="9"/></svg>',
    "mvg": "push graphic-context\nviewbox 0 0 640 480\nimage over 0,0 0,0 '{url}/a.png'\npop graphic-context\n",
    "metadata": ";FFMETADATA1\ntitle=x\n",
    "subtitles": "1\n00:00:01,000 --> 00:00:02,000\n{url}\n",
}


@pytest.mark.parametrize("name", _TEXTS)
def test_texts_that_name_other_places_are_no_videos(name: str, outside: dict[str, str], tmp_path: Path) -> None:
    source = tmp_path / "innocent.mp4"
    source.write_text(_TEXTS[name].format(**outside))
    with pytest.raises(MediaRejected, match="not a video or audio file"):
        make(source, tmp_path)


def _box(kind: bytes, payload: bytes) -> bytes:
    return struct.pack(">I", len(payload) + 8) + kind + payload


def _nested(folder: Path) -> bytes:
    payload = b""
    for _ in range(20_000):
        payload = _box(b"moov", payload)
    return _box(b"ftyp", b"isom\0\0\0\0isom") + payload


def _many_tracks(folder: Path) -> bytes:
    """A short video whose sound is announced twenty thousand times."""
    ffmpeg(*sound(1), "-c:a", "aac", "-movflags", "+faststart", str(folder / "one.mp4"))
    data = (folder / "one.mp4").read_bytes()
    at = data.index(b"trak") - 4
    size = struct.unpack_from(">I", data, at)[0]
    moov = data.index(b"moov") - 4
    grown = struct.unpack_from(">I", data, moov)[0] + 19_999 * size
    track = data[at : at + size]
    return data[:moov] + struct.pack(">I", grown) + data[moov + 4 : at] + track * 20_000 + data[at + size :]


def _huge_frame(folder: Path) -> bytes:
    """A picture that says 65535x65535 in its own header, in a container that says so as well."""
    ffmpeg(*pictures("64x64", seconds=1), "-c:v", "mjpeg", str(folder / "one.avi"))
    data = bytearray((folder / "one.avi").read_bytes())
    at = 0
    while (at := data.find(b"\xff\xc0\x00\x11\x08", at)) >= 0:
        data[at + 5 : at + 9] = b"\xff\xff\xff\xff"
        at += 9
    header = data.index(b"strf") + 8
    struct.pack_into("<ii", data, header + 4, 65535, 65535)
    return bytes(data)


def _hidden_huge_frame(folder: Path) -> bytes:
    """The same, but only from the second picture on: the probe sees nothing of it."""
    ffmpeg(*pictures("64x64", seconds=2), "-c:v", "mjpeg", str(folder / "one.avi"))
    data = bytearray((folder / "one.avi").read_bytes())
    at = data.find(b"\xff\xc0\x00\x11\x08", len(data) // 2)
    while at >= 0:
        data[at + 5 : at + 9] = b"\xff\xff\xff\xff"
        at = data.find(b"\xff\xc0\x00\x11\x08", at + 9)
    return bytes(data)


def _endless(folder: Path) -> bytes:
    """Twenty-five pictures, each an hour and a half after the one before."""
    ffmpeg(*pictures(seconds=1), "-vf", "setpts=N*5400/TB", "-fps_mode", "vfr", *X264, str(folder / "one.mkv"))
    return (folder / "one.mkv").read_bytes()


def _noise(folder: Path) -> bytes:
    return bytes((byte * 167 + byte // 251) % 256 for byte in range(200_000))


def _cut(folder: Path) -> bytes:
    """The index stood at the end, and the end is missing."""
    ffmpeg(*pictures(), *X264, str(folder / "one.mp4"))
    data = (folder / "one.mp4").read_bytes()
    return data[: len(data) // 2]


@pytest.mark.parametrize(
    ("build", "reason"),
    [
        pytest.param(_nested, "not a video or audio file", id="boxes-in-boxes"),
        pytest.param(_many_tracks, "too many streams", id="twenty-thousand-tracks"),
        pytest.param(_huge_frame, "The size of the picture cannot be found|too large: 65535x65535", id="65535x65535"),
        pytest.param(_endless, "runs for more than a day", id="endless"),
        pytest.param(_noise, "not a video or audio file", id="noise"),
        pytest.param(_cut, "not a video or audio file", id="cut-off"),
        pytest.param(lambda _: b"", "The file is empty", id="empty"),
    ],
)  # fmt: skip
def test_what_cannot_be_played_is_refused_in_plain_words(
    build: Callable[[Path], bytes], reason: str, tmp_path: Path
) -> None:
    source = tmp_path / "source.mp4"
    source.write_bytes(build(tmp_path))
    with pytest.raises(MediaRejected, match=reason) as refused:
        make(source, tmp_path)
    assert not _JARGON.search(str(refused.value))


def test_a_picture_that_grows_on_the_way_is_left_out(tmp_path: Path) -> None:
    """Fifty small pictures; the second half says it is 65535 wide. What is small is shown, the loss is told."""
    source = tmp_path / "source.avi"
    source.write_bytes(_hidden_huge_frame(tmp_path))
    made = make(source, tmp_path)
    (video,) = made.renditions("video")
    assert 20 <= decoded_frames(made.whole(video["name"])) <= 50
    assert any("damaged" in note for note in made.report["notes"])


def test_hours_of_nothing_in_a_small_file_are_contained(tmp_path: Path) -> None:
    """One picture that lasts for twenty hours: a slide, not a bomb, unless every frame of it were made."""
    source = tmp_path / "source.mkv"
    ffmpeg(*pictures(seconds=0.08), "-vf", "setpts=N*72000/TB", "-fps_mode", "vfr", *X264, str(source))
    with pytest.raises(MediaRejected, match="Nearly all pictures"):
        make(source, tmp_path)


def test_a_damaged_middle_plays_and_is_told(tmp_path: Path) -> None:
    source = tmp_path / "source.mp4"
    ffmpeg(*pictures(seconds=8), *sound(8), *X264, "-c:a", "aac", "-movflags", "+faststart", str(source))
    data = bytearray(source.read_bytes())
    third = len(data) // 3
    data[third : 2 * third] = bytes(byte % 251 for byte in range(third))
    source.write_bytes(data)
    made = make(source, tmp_path)
    (video,) = made.renditions("video")
    assert video["frames"] == 200
    assert decoded_frames(made.whole(video["name"])) == 200
    assert any(re.search(r"\d+ of its \d+ pictures could not be decoded", note) for note in made.report["notes"])
