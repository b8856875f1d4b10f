"""Whose fault it is that ffmpeg or ffprobe ended badly, told from the end of its log. Pure."""

import re

from playnet.errors import MediaRejected, PlayNetError, StorageFull, ToolFailed

_NO_SPACE = re.compile(r"No space left on device|Disk quota exceeded")
_NO_DECODER = re.compile(
    r"[Dd]ecoder .*not found|no decoder (could be )?found|Unknown decoder|Decoding requested, but no decoder"
)
_BROKEN = re.compile(
    r"Invalid data found when processing input|matches no streams|could not find codec parameters", re.I
)


def blame(failed: ToolFailed) -> PlayNetError:
    """The error to act on: StorageFull, MediaRejected with a reason for the publisher, or `failed` itself.

    Only an orderly end (a positive status) says something about the source; a killed child may do better next time.
    """
    log, status = str(failed.context.get("log") or ""), failed.context.get("status")
    if _NO_SPACE.search(log):
        return StorageFull("the work disk filled up while encoding")
    if not isinstance(status, int) or status <= 0:
        return failed
    if _NO_DECODER.search(log):
        return MediaRejected("The video or audio in this file uses a format that PlayNet cannot decode.")
    if _BROKEN.search(log):
        return MediaRejected("The file is damaged: its contents cannot be decoded.")
    return failed


def crashed(failed: ToolFailed) -> bool:
    """Whether the tool was killed or ended for taking too long: that tells nothing about what it was made to do."""
    status = failed.context.get("status", 0)
    return not isinstance(status, int) or status < 0
