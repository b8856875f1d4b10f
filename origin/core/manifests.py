"""Which text answers which manifest name. Pure."""

from playnet.media import dash, hls
from playnet.media.records import Presentation
from playnet.names import ManifestKey, Revision


def render(key: ManifestKey, presentation: Presentation, revision: Revision) -> bytes | None:
    """The manifest's bytes, or None when the revision has no such rendition. `revision`: the presentation's own.

    Asset-level manifests point into the revision's folder, so that everything behind them is immutable.
    """
    base = "" if key.revision is not None else f"{revision}/"
    match key.file:
        case "master.m3u8":
            return hls.multivariant(presentation, base=base).encode()
        case "manifest.mpd":
            return dash.mpd(presentation, base=base).encode()
        case _:
            found = (track for track in presentation.tracks if track.name == key.folder)
            track = next(found, None)
            if track is not None:
                return hls.media_playlist(track).encode()
            text = next((text for text in presentation.texts if text.name == key.folder), None)
            return hls.text_playlist(text, presentation.duration_s).encode() if text else None
