"""`/api/v1/uploads`: resumable uploads by tus 1.0.0, for any client that speaks it."""

from datetime import datetime
from email.utils import format_datetime

from fastapi import APIRouter, Response, Security
from starlette.requests import Request

from origin.adapters.assets import Assets
from origin.adapters.upload.resumable import NewUpload, Piece, Resumables
from origin.core import tus
from origin.core.resumable import Resumable
from playnet.asgi.bodies import announced_bytes, has_body
from playnet.errors import InvalidInput, NotFound, Unavailable

from .assets import known, problems
from .authorisation import caller_of, documented_token

PREFIX = "/api/v1/uploads"
ASSET_FIELD = "PlayNet-Asset"  # which asset an upload belongs to: the protocol has no body for it

_PUBLISHER = [Security(documented_token)]
_ID_CHARS = 32


def writing(uploads: Resumables, assets: Assets, *, max_bytes: int) -> APIRouter:
    """What publishers call."""
    router = APIRouter(prefix=PREFIX, tags=["uploads"])

    @router.post(
        "", status_code=201, dependencies=_PUBLISHER, responses=problems(400, 401, 403, 404, 409, 412, 413, 503, 507)
    )
    async def begin_upload(request: Request) -> Response:
        """Begin a resumable upload (tus creation, creation-with-upload, concatenation).

        `Upload-Metadata` may have `filename`, `title`, `sha256` (of the whole file) and `asset` (an asset that waits for
        its source; without it one is created). The answer names the upload in `Location` and the asset in `PlayNet-Asset`.
        """
        headers = request.headers
        tus.check_version(headers.get("tus-resumable"))
        concat = tus.read_concat(headers.get("upload-concat"), prefix=f"{PREFIX}/")
        joins = concat.parts if isinstance(concat, tus.Joined) else ()
        field = headers.get("upload-metadata", "")
        length = None if joins else tus.read_length(headers.get("upload-length"), headers.get("upload-defer-length"))
        told, caller = tus.read_metadata(field), caller_of(request)
        if "asset" in told:
            await assets.require_editor(known(told["asset"]), caller)
        new = NewUpload(
            length_bytes=length,
            field=field,
            told=told,
            owner=caller.account,
            is_partial=isinstance(concat, tus.Partial),
            joins=joins,
        )
        brings_bytes = _brings_bytes(request)
        created = await uploads.create(new)
        if brings_bytes:
            created = await uploads.receive(created.id, _piece(request, 0))
        answer = Response(status_code=201, headers=_fields(created))
        answer.headers["Location"] = f"{PREFIX}/{created.id}"
        return answer

    @router.patch(
        "/{upload}",
        status_code=204,
        dependencies=_PUBLISHER,
        responses=problems(400, 401, 404, 408, 409, 410, 412, 413, 503, 507),
    )
    async def continue_upload(upload: str, request: Request) -> Response:
        """Send bytes from `Upload-Offset` on. What came is kept, however the request ends."""
        tus.check_version(request.headers.get("tus-resumable"))
        if request.headers.get("content-type") != tus.MEDIA_TYPE:
            raise tus.NotOffsetStream(f"expected the header `Content-Type: {tus.MEDIA_TYPE}`")
        offset = tus.read_number("Upload-Offset", request.headers.get("upload-offset"))
        received = await uploads.receive(_known(upload), _piece(request, offset))
        return Response(status_code=204, headers=_fields(received))

    @router.head("/{upload}", dependencies=_PUBLISHER, responses=problems(404, 410, 412, 423))
    async def show_upload(upload: str, request: Request) -> Response:
        """How many bytes are durable."""
        tus.check_version(request.headers.get("tus-resumable"))
        try:
            found = await uploads.show(_known(upload))
        except Unavailable as exc:
            raise tus.Locked("how far this upload came cannot be told just now") from exc
        fields = {**_fields(found), "Cache-Control": "no-store"}
        if found.metadata:
            fields["Upload-Metadata"] = found.metadata
        return Response(status_code=200, headers=fields)

    @router.delete(
        "/{upload}", status_code=204, dependencies=_PUBLISHER, responses=problems(401, 404, 409, 410, 412, 503)
    )
    async def end_upload(upload: str, request: Request) -> Response:
        """End an upload that is not wanted any more; its bytes are removed."""
        tus.check_version(request.headers.get("tus-resumable"))
        await uploads.drop(_known(upload))
        return Response(status_code=204, headers={"Tus-Resumable": tus.VERSION})

    @router.options("", status_code=204)
    async def describe_uploads() -> Response:
        """What of the protocol is spoken here."""
        return Response(
            status_code=204,
            headers={
                "Tus-Resumable": tus.VERSION,
                "Tus-Version": tus.VERSION,
                "Tus-Extension": ",".join(tus.EXTENSIONS),
                "Tus-Checksum-Algorithm": ",".join(tus.CHECKSUMS),
                "Tus-Max-Size": str(max_bytes),
            },
        )

    return router


def takes_bytes(method: str, path: str) -> bool:
    """Whether such a request has a body that `Resumables` bounds itself."""
    return method in {"POST", "PATCH"} and (path == PREFIX or path.startswith(f"{PREFIX}/"))


def _brings_bytes(request: Request) -> bool:
    """Whether a creation comes with the first bytes. NotOffsetStream when they are something else."""
    if not has_body(request.scope):
        return False
    if request.headers.get("content-type") != tus.MEDIA_TYPE:
        raise tus.NotOffsetStream(f"expected the header `Content-Type: {tus.MEDIA_TYPE}`, or no body")
    return True


def _piece(request: Request, offset: int) -> Piece:
    headers = request.headers
    if headers.get("content-encoding", "identity").lower() != "identity":
        raise InvalidInput("send the bytes without Content-Encoding")
    length = headers.get("upload-length")
    return Piece(
        offset=offset,
        chunks=request.stream(),
        announced_bytes=announced_bytes(request.scope) if "content-length" in headers else None,
        length_bytes=tus.read_number("Upload-Length", length) if length is not None else None,
        checksum=tus.read_checksum(headers.get("upload-checksum")),
    )


def _known(upload: str) -> str:
    if len(upload) != _ID_CHARS or not set(upload) <= set("0123456789abcdef"):
        raise NotFound("there is no such upload")
    return upload


def _fields(upload: Resumable) -> dict[str, str]:
    """The state of an upload as the protocol tells it."""
    fields = {"Tus-Resumable": tus.VERSION, "Upload-Expires": _http_date(upload.expires_at)}
    if upload.length_bytes is None:
        fields["Upload-Defer-Length"] = "1"
    else:
        fields["Upload-Length"] = str(upload.length_bytes)
    if upload.joins:
        fields["Upload-Concat"] = "final;" + " ".join(f"{PREFIX}/{part}" for part in upload.joins)
    elif upload.is_partial:
        fields["Upload-Concat"] = "partial"
    if not upload.joins or upload.state == "finished":  # of a final one only once it is put together
        fields["Upload-Offset"] = str(upload.offset_bytes)
    if upload.asset is not None:
        fields[ASSET_FIELD] = upload.asset
    return fields


def _http_date(when: datetime) -> str:
    return format_datetime(when, usegmt=True)
