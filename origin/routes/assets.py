"""`/api/v1/assets`: create, upload, list, show, delete."""

from typing import Annotated, Any

from fastapi import APIRouter, Query, Response, Security
from starlette.requests import Request

from origin.adapters.assets import Assets, absent
from origin.adapters.playback import Visibilities
from origin.adapters.presence import Presence
from origin.adapters.sweeper import Sweeper
from origin.adapters.upload.body import Announced
from origin.adapters.upload.streamed import Uploads
from origin.core.digests import wanted_sha256
from origin.core.paging import DEFAULT_LIMIT, MAX_LIMIT, read_cursor
from origin.core.representation import AssetPage, AssetView, NewAsset, Problem, represent, represent_page
from origin.core.titles import clean_file_name, clean_title
from playnet.asgi.bodies import announced_bytes
from playnet.asgi.problems import MEDIA_TYPE
from playnet.errors import InvalidInput
from playnet.names import AssetId, parse_asset_id

from .authorisation import documented_token

_WRITES = [Security(documented_token)]
_SOURCE_BODY = {
    "requestBody": {
        "required": True,
        "description": "The file's bytes, as they are. `Content-Digest: sha-256=:…:` (RFC 9530) is checked when sent.",
        "content": {"application/octet-stream": {"schema": {"type": "string", "format": "binary"}}},
    }
}


def problems(*statuses: int) -> dict[int | str, dict[str, Any]]:
    """OpenAPI entries for errors."""
    content = {MEDIA_TYPE: {"schema": {"$ref": "#/components/schemas/Problem"}}}
    return {status: {"model": Problem, "content": content} for status in statuses}


def reading(assets: Assets, public_url: str) -> APIRouter:
    """What everybody may call."""
    router = APIRouter(prefix="/api/v1/assets", tags=["assets"])

    @router.get("", responses=problems(400, 503))
    async def list_assets(
        limit: Annotated[int, Query(ge=1, le=MAX_LIMIT)] = DEFAULT_LIMIT,
        cursor: Annotated[str | None, Query(description="`next` of the page before.")] = None,
    ) -> AssetPage:
        """List assets, newest first."""
        found, more = await assets.page(read_cursor(cursor) if cursor else None, limit)
        return represent_page(found, public_url, more=more)

    @router.get("/{asset_id}", responses=problems(404, 503))
    async def show_asset(asset_id: str) -> AssetView:
        """Show one asset, with progress while it is uploaded and processed."""
        return represent(await assets.show(known(asset_id)), public_url)

    return router


def writing(
    assets: Assets, uploads: Uploads, presence: Presence, sweeper: Sweeper, visibilities: Visibilities, public_url: str
) -> APIRouter:
    """What needs the token."""
    router = APIRouter(prefix="/api/v1/assets", tags=["assets"], dependencies=_WRITES)

    @router.post("", status_code=201, responses=problems(400, 401, 413, 503))
    async def create_asset(new: NewAsset, response: Response) -> AssetView:
        """Create an asset that waits for its source."""
        view = represent(await assets.create(clean_title(new.title)), public_url)
        if new.visibility != "public":
            await visibilities.begin(known(view.id), new.visibility)
        response.headers["Location"] = f"/api/v1/assets/{view.id}"
        return view

    @router.put(
        "/{asset_id}/source",
        responses=problems(400, 401, 404, 408, 409, 413, 503, 507),
        openapi_extra=_SOURCE_BODY,
    )
    async def upload_source(
        asset_id: str,
        request: Request,
        name: Annotated[str | None, Query(description="The file's name, only ever shown.")] = None,
    ) -> AssetView:
        """Upload the source in one stream. The answer means: stored durably, processing queued."""
        asset = await uploads.receive(known(asset_id), request.stream(), announced(request, name))
        return represent(asset, public_url)

    @router.delete("/{asset_id}", status_code=204, responses=problems(401, 404, 503))
    async def delete_asset(asset_id: str) -> None:
        """Delete an asset: gone at once, its objects and cached copies within moments."""
        asset = known(asset_id)
        await assets.delete(asset)
        presence.forget(asset)
        sweeper.wake.set()

    return router


def known(text: str) -> AssetId:
    """A well-formed asset id. NotFound otherwise: nothing can have another name."""
    asset = parse_asset_id(text)
    if asset is None:
        raise absent(repr(text[:40]))
    return asset


def announced(request: Request, name: str | None) -> Announced:
    """What the head says about the body. InvalidInput for encodings and partial bodies, which would be stored as such."""
    headers = request.headers
    if headers.get("content-encoding", "identity").lower() != "identity":
        raise InvalidInput("send the file without Content-Encoding")
    if "content-range" in headers:
        raise InvalidInput("send the whole file: Content-Range has no meaning here (RFC 9110 §14.4)")
    return Announced(
        file_name=clean_file_name(name),
        size_bytes=announced_bytes(request.scope) if "content-length" in headers else None,
        sha256=wanted_sha256(headers.get("content-digest"), headers.get("repr-digest")),
    )
