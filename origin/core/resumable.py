"""One resumable upload, as its row says. Pure."""

from dataclasses import dataclass
from datetime import datetime
from typing import Literal, assert_never

from playnet.errors import Conflict, InvalidInput
from playnet.names import AssetId

from .tus import Gone

State = Literal["open", "whole", "finished", "failed"]


@dataclass(frozen=True, slots=True, kw_only=True)
class Resumable:
    """Bytes are in parts up to `parts_bytes`; `tail_bytes` more stand in an object of their own until they fill a part.

    `asset`: None for a partial upload. `joins`: the partial ones that a final one consists of. `turn`: the request that may commit.
    """

    id: str
    asset: AssetId | None
    key: str
    handle: str
    length_bytes: int | None
    offset_bytes: int
    part_bytes: int
    tail_bytes: int
    tail_turn: int
    turn: int
    metadata: str
    file_name: str | None
    sha256: str | None
    joins: tuple[str, ...]
    state: State
    failure: str | None
    expires_at: datetime

    @property
    def parts_bytes(self) -> int:
        """Where the tail begins."""
        return self.offset_bytes - self.tail_bytes

    @property
    def is_partial(self) -> bool:
        """Whether it waits for a final upload that names it."""
        return self.asset is None

    @property
    def tail_key(self) -> str:
        """The object with the tail."""
        return tail_key(self.key, self.tail_turn)


def tail_key(key: str, turn: int) -> str:
    """Where the request with that turn stores its tail: a request that was overtaken cannot overwrite another's."""
    return f"{key}.tail-{turn}"


def may_append(upload: Resumable, *, offset: int, length: int | None, announced: int | None) -> None:
    """Raise Conflict, Gone or InvalidInput when a request with these fields brings nothing. tus 1.0.0, PATCH.

    `length`: told by this request; `announced`: its Content-Length.
    """
    match upload.state:
        case "open":
            pass
        case "whole" | "finished":
            raise Conflict("this upload is complete already")
        case "failed":
            raise Gone(upload.failure or "this upload was ended")
        case _:
            assert_never(upload.state)
    if length is not None and upload.length_bytes not in {None, length}:
        raise InvalidInput("Upload-Length cannot change")
    if offset != upload.offset_bytes:
        raise Conflict(f"{upload.offset_bytes} bytes are here: go on from there, not from {offset}")
    total = upload.length_bytes if upload.length_bytes is not None else length
    if total is not None and (announced or 0) > total - offset:
        raise InvalidInput(f"{announced} bytes are more than the {total - offset} that this upload lacks")
    if total is not None and total < offset:
        raise InvalidInput(f"{offset} bytes are here already: the upload cannot be {total} bytes long")
