"""Hypothesis strategies for presentations as encoders make them."""

from hypothesis import strategies as st

from playnet.media.records import AudioTrack, Presentation, TextTrack, VideoTrack

RATES = [(25, 1), (30000, 1001), (24, 1), (60, 1), (25, 2)]


@st.composite
def _timeline(draw: st.DrawFn, timescale: int) -> tuple[tuple[int, ...], tuple[int, ...]]:
    usual = timescale * draw(st.integers(2, 8))
    count = draw(st.integers(1, 40))
    jitter = st.integers(-timescale // 4, timescale // 4)
    ticks = [usual + draw(jitter) for _ in range(count - 1)] + [draw(st.integers(1, usual))]
    sizes = draw(st.lists(st.integers(1, 10**7), min_size=count, max_size=count))
    return tuple(ticks), tuple(sizes)


@st.composite
def video_tracks(draw: st.DrawFn, name: str = "360p") -> VideoTrack:
    timescale = draw(st.sampled_from([12800, 15360, 24000, 30000, 90000]))
    ticks, sizes = draw(_timeline(timescale))
    num, den = draw(st.sampled_from(RATES))
    return VideoTrack(
        name=name, codec="avc1.64001F", timescale=timescale, segment_ticks=ticks, segment_bytes=sizes,
        first_ticks=draw(st.sampled_from([0, timescale])), width=2 * draw(st.integers(8, 2000)),
        height=2 * draw(st.integers(8, 2000)), fps_num=num, fps_den=den,
    )  # fmt: skip


@st.composite
def audio_tracks(draw: st.DrawFn, name: str = "audio") -> AudioTrack:
    ticks, sizes = draw(_timeline(48000))
    return AudioTrack(
        name=name, codec="mp4a.40.2", timescale=48000, segment_ticks=ticks, segment_bytes=sizes, sample_rate=48000,
        channels=draw(st.sampled_from([2, 6])), label=name, role=draw(st.sampled_from(["main", "commentary"])),
        language=draw(st.sampled_from([None, "en", "deu", 'e"n\r\n#x<&'])),
    )  # fmt: skip


@st.composite
def presentations(draw: st.DrawFn) -> Presentation:
    names = draw(st.sampled_from([(), ("144p",), ("144p", "360p", "720p")]))
    video = [draw(video_tracks(name)) for name in names]
    least = 0 if video else 1
    audio = [draw(audio_tracks("audio" if n == 0 else f"audio-{n}")) for n in range(draw(st.integers(least, 2)))]
    texts = [
        TextTrack(name=f"text-{n}", label=f"{n}<&", language=draw(st.sampled_from([None, "en"])), size_bytes=80, cues=1)
        for n in range(draw(st.integers(0, 2)))
    ]
    return Presentation(tracks=(*video, *audio), texts=tuple(texts))
