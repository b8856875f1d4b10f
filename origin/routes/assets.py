"""`/api/v1/assets`: create, upload, list, show, delete."""

from datetime import UTC, datetime
from typing import Annotated, Any, Final

from fastapi import APIRouter, Header, Query, Response, Security
from starlette.requests import Request

from origin.adapters.assets import Assets, Listing, absent
from origin.adapters.catalogue import Catalogue
from origin.adapters.playback import Signing
from origin.adapters.sweeper import Sweeper
from origin.adapters.upload.body import Announced
from origin.adapters.upload.streamed import Uploads
from origin.core.accounts.callers import AUTOMATION
from origin.core.assets import Asset
from origin.core.digests import wanted_sha256
from origin.core.entity_tags import version_tag, wanted_version
from origin.core.forms import AssetEdit, NewAsset
from origin.core.idempotency import read_attempt
from origin.core.listing import Wanted
from origin.core.paging import Page, read_cursor
from origin.core.representation import AssetPage, AssetView, Problem, represent, represent_page
from origin.core.titles import clean_file_name
from playnet.asgi.bodies import announced_bytes
from playnet.asgi.problems import MEDIA_TYPE
from playnet.errors import InvalidInput, NotFound
from playnet.names import AssetId, parse_asset_id

from .authorisation import (
    actor_of,
    address_of,
    caller_of,
    documented_token,
    identified,
    require_administrator,
    told_apart,
)
from .pagination import NEXT, paged

TAG = {"ETag": {"description": "Give it as `If-Match` with an edit.", "schema": {"type": "string"}}}
IdempotencyKey = Annotated[
    str | None,
    Header(description="Any text of yours, unique for what is asked: a repeated request makes no second one."),
]
ANY_EDITOR: Final = AUTOMATION  # reads back what the caller was just allowed to write

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


def reading(assets: Assets, signing: Signing, public_url: str) -> APIRouter:
    """What everybody may call. Who is known sees more."""
    router = APIRouter(prefix="/api/v1/assets", tags=["assets"])

    @router.get("", responses={200: {"headers": NEXT, "model": AssetPage}, **problems(400, 401, 403, 503)})
    async def list_assets(request: Request, wanted: Annotated[Wanted, Query()]) -> Response:
        """List what is public, newest first; with `mine` what is one's own, whatever its visibility."""
        listing = Listing(
            after=read_cursor(wanted.cursor) if wanted.cursor is not None else None,
            limit=wanted.limit,
            labels=wanted.labels(),
        )
        page = represent_page(await _page(request, wanted, listing), public_url)
        return paged(request, page)

    async def _page(request: Request, wanted: Wanted, listing: Listing) -> Page:
        if not (wanted.mine or wanted.all or wanted.deleted):
            return await assets.public(listing)
        caller = identified(request)
        if wanted.all:
            require_administrator(caller)
            return await assets.every(listing, deleted=wanted.deleted)
        return await assets.owned(caller.own_account(), listing, deleted=wanted.deleted)

    @router.get("/{asset_id}", responses={200: {"headers": TAG}, **problems(404, 503)})
    async def show_asset(
        asset_id: str,
        request: Request,
        response: Response,
        playback_token: Annotated[str | None, Header(description="Shows a private video to who may play it.")] = None,
    ) -> AssetView:
        """Show one asset, with progress while it is uploaded and processed."""
        wanted, caller = known(asset_id), caller_of(request)
        if playback_token is not None and signing.admits(playback_token, wanted, address_of(request)):
            caller = ANY_EDITOR
        try:
            asset = await assets.show(wanted, caller)
        except NotFound:
            told_apart(request)
            raise
        return tagged(asset, response, public_url)

    return router


def writing(assets: Assets, catalogue: Catalogue, uploads: Uploads, sweeper: Sweeper, public_url: str) -> APIRouter:
    """What publishers call."""
    router = APIRouter(prefix="/api/v1/assets", tags=["assets"], dependencies=_WRITES)

    @router.post("", status_code=201, responses={201: {"headers": TAG}, **problems(400, 401, 403, 413, 422, 503)})
    async def create_asset(
        new: NewAsset, request: Request, response: Response, idempotency_key: IdempotencyKey = None
    ) -> AssetView:
        """Create an asset that waits for its source. With `Idempotency-Key`, repeating it makes no second one."""
        caller = caller_of(request)
        attempt = read_attempt(idempotency_key, caller, new.model_dump())
        asset = await catalogue.create(new.metadata(datetime.now(UTC)), caller, attempt)
        response.headers["Location"] = f"/api/v1/assets/{asset}"
        return tagged(await assets.show(asset, ANY_EDITOR), response, public_url)

    @router.patch(
        "/{asset_id}", responses={200: {"headers": TAG}, **problems(400, 401, 403, 404, 412, 413, 428, 503)}
    )  # fmt: skip
    async def edit_asset(
        asset_id: str,
        edit: AssetEdit,
        request: Request,
        response: Response,
        if_match: Annotated[str | None, Header(description="The `ETag` that was read, or `*`.")] = None,
    ) -> AssetView:
        """Change what is said about an asset, and who may see it.

        When that changes who may play it, the answer takes three seconds and means: no edge goes by what was before.
        """
        asset = known(asset_id)
        edited = await catalogue.edit(asset, edit, actor_of(request), wanted_version(if_match))
        if edited.resealed:
            await catalogue.settle([asset])
        return tagged(await assets.show(asset, ANY_EDITOR), response, public_url)

    @router.put(
        "/{asset_id}/source",
        responses=problems(400, 401, 403, 404, 408, 409, 413, 503, 507),
        openapi_extra=_SOURCE_BODY,
    )
    async def upload_source(
        asset_id: str,
        request: Request,
        name: Annotated[str | None, Query(description="The file's name, only ever shown.")] = None,
    ) -> AssetView:
        """Upload the source in one stream. The answer means: stored durably, processing queued."""
        asset = known(asset_id)
        await assets.require_editor(asset, caller_of(request))
        return represent(await uploads.receive(asset, request.stream(), announced(request, name)), public_url)

    @router.delete("/{asset_id}", status_code=204, responses=problems(400, 401, 403, 404, 503))
    async def delete_asset(
        asset_id: str,
        request: Request,
        for_good: Annotated[bool, Query(description="Also what could be restored.")] = False,
    ) -> None:
        """Delete an asset: gone for everybody at once. It can be restored for a time (`origin.restore_within`)."""
        await catalogue.delete(known(asset_id), caller_of(request), for_good=for_good)
        sweeper.wake.set()

    @router.post("/{asset_id}/restore", responses={200: {"headers": TAG}, **problems(401, 403, 404, 503)})
    async def restore_asset(asset_id: str, request: Request, response: Response) -> AssetView:
        """Take a deletion back. What was being processed is processed again."""
        asset = known(asset_id)
        await catalogue.restore(asset, caller_of(request))
        return tagged(await assets.show(asset, ANY_EDITOR), response, public_url)

    return router


def tagged(asset: Asset, response: Response, public_url: str) -> AssetView:
    """One asset with the tag that an edit names."""
    response.headers["ETag"] = version_tag(asset.version)
    return represent(asset, public_url)


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
