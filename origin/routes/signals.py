"""Beats, resume, history, watch later, likes, most replayed."""

import time
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Annotated, Any, Final

import asyncpg
from fastapi import APIRouter, Query, Response, Security
from pydantic import ValidationError
from starlette.requests import Request
from starlette.responses import Response as PlainResponse
from starlette.routing import Route

from origin.adapters.assets import read_asset, read_standing
from origin.adapters.signals.intake import Intake
from origin.adapters.signals.ledger import Arrival
from origin.adapters.signals.library import Library
from origin.adapters.signals.paces import OF_ADDRESS, OF_VIEWER, Paces
from origin.adapters.signals.places import Places, told
from origin.adapters.signals.reactions import Reactions
from origin.core.accounts.addresses import bucket
from origin.core.paging import DEFAULT_LIMIT, MAX_LIMIT, Cursor, read_cursor, write_cursor
from origin.core.representation import represent
from origin.core.signals.beats import EpochMs
from origin.core.signals.bots import is_program
from origin.core.signals.representation import (
    MAX_REPORT_BYTES,
    History,
    Kept,
    MostReplayed,
    NewPlace,
    NewReaction,
    PlaceView,
    Reaction,
    ReactionView,
    Report,
    Watched,
    WatchLater,
    represent_bins,
)
from origin.core.signals.resume import Mark, Trail, is_finished, place, start_ms
from origin.core.visibility import is_sealed, may_see
from playnet.asgi.problems import MEDIA_TYPE
from playnet.errors import InvalidInput, TooLarge
from playnet.names import AssetId

from .assets import known, problems
from .authorisation import address_of, caller_of, documented_token
from .sight import DOCUMENTED, Sight
from .viewers import Viewers, Who, mark

BEATS_PATH: Final = "/api/v1/beats"
_PROBLEMS: Final = {
    400: "Bad Request",
    403: "Forbidden",
    413: "Content Too Large",
    429: "Too Many Requests",
    503: "Unavailable",
}
BEATS_OPERATION: Final[dict[str, Any]] = {
    "tags": ["signals"],
    "summary": "Take Beats",
    "description": "Report playback: up to 200 beats, in any order, also those that were reported before. 200 means durable.",
    "operationId": "take_beats_api_v1_beats_post",
    "requestBody": {
        "required": True,
        "description": "JSON; `text/plain` too, as pages send it with `navigator.sendBeacon`.",
        "content": {
            media: {"schema": {"$ref": "#/components/schemas/Report"}} for media in ("application/json", "text/plain")
        },
    },
    "responses": {
        "200": {
            "description": "Successful Response",
            "content": {"application/json": {"schema": {"$ref": "#/components/schemas/Receipt"}}},
        },
        **{
            str(status): {
                "description": words,
                "content": {MEDIA_TYPE: {"schema": {"$ref": "#/components/schemas/Problem"}}},
            }
            for status, words in _PROBLEMS.items()
        },
    },
}
_MOST_REPLAYED_S: Final = 60

Limit = Annotated[int, Query(ge=1, le=MAX_LIMIT)]
After = Annotated[str | None, Query(description="`next` of the page before.")]


@dataclass(frozen=True, slots=True, kw_only=True)
class Desk:
    """What these routes work with."""

    intake: Intake
    places: Places
    reactions: Reactions
    library: Library
    paces: Paces
    viewers: Viewers
    sight: Sight
    public_url: str

    async def viewer(self, request: Request, response: Response) -> Who:
        """The viewer; what their device had before they signed in is theirs from now on."""
        who = self.viewers.of(request)
        mark(response, who)
        if who.account is not None and who.device is not None:
            await self.places.adopt(who.device, who.account)
        return who


def beating(desk: Desk) -> Route:
    """What players send. A plain route: FastAPI's own would cost a third more for each beat, and do nothing for it."""

    async def take_beats(request: Request) -> PlainResponse:
        who = desk.viewers.of(request)
        desk.paces.require(f"address {bucket(address_of(request))}", OF_ADDRESS)
        desk.paces.require(who.viewer, OF_VIEWER)
        report = await _read_report(request)
        bot = is_program(request.headers.get("user-agent")) and caller_of(request).account is None
        receipt = await desk.intake.take(report, Arrival(viewer=who.viewer, bot=bot, beats=()))
        response = PlainResponse(receipt.model_dump_json(), media_type="application/json")
        mark(response, who)
        return response

    return Route(BEATS_PATH, take_beats, methods=["POST"])


def resuming(desk: Desk) -> APIRouter:
    """Where to go on, and what was watched. By device for those who have not signed in."""
    router = APIRouter(prefix="/api/v1", tags=["signals"])

    @router.get("/resume/{asset_id}", responses=problems(404, 503), openapi_extra=DOCUMENTED)
    async def show_place(asset_id: str, request: Request, response: Response) -> PlaceView:
        """Where to go on with an asset, wherever it was watched."""
        asset, who = known(asset_id), await desk.viewer(request, response)
        await desk.sight.require(request, asset)
        return _place(asset, *await desk.places.find((who.viewer, asset)))

    @router.put("/resume/{asset_id}", responses=problems(400, 403, 404, 413, 429, 503), openapi_extra=DOCUMENTED)
    async def set_place(asset_id: str, new: NewPlace, request: Request, response: Response) -> PlaceView:
        """Say where one is, from a player that sends no beats."""
        asset, who = known(asset_id), await desk.viewer(request, response)
        desk.paces.require(who.viewer, OF_VIEWER)
        await desk.sight.require(request, asset)
        choices = {name: getattr(new, name) or "" for name in ("rendition", "audio", "captions")}
        now = EpochMs(round(time.time() * 1000))
        moved = told(who.viewer, now, round(new.position_s * 1000), ended=new.ended, **choices)
        return _place(asset, *await desk.places.move((who.viewer, asset), moved))

    @router.get("/continue-watching", responses=problems(400, 503))
    async def continue_watching(
        request: Request, response: Response, limit: Limit = DEFAULT_LIMIT, cursor: After = None
    ) -> History:
        """List what was begun and not finished, the latest first."""
        who = await desk.viewer(request, response)
        return _history(desk, request, *await desk.library.unfinished(who.viewer, _after(cursor), limit))

    @router.get("/history", responses=problems(400, 503))
    async def list_history(
        request: Request, response: Response, limit: Limit = DEFAULT_LIMIT, cursor: After = None
    ) -> History:
        """List what was watched, the latest first."""
        who = await desk.viewer(request, response)
        return _history(desk, request, *await desk.library.history(who.viewer, _after(cursor), limit))

    @router.delete("/history", status_code=204, responses=problems(403, 503))
    async def clear_history(request: Request, response: Response) -> None:
        """Forget all that was watched, and where."""
        who = await desk.viewer(request, response)
        await desk.places.clear(who.viewer)

    @router.delete("/history/{asset_id}", status_code=204, responses=problems(403, 404, 503))
    async def forget_asset(asset_id: str, request: Request, response: Response) -> None:
        """Forget one asset of the history."""
        asset, who = known(asset_id), await desk.viewer(request, response)
        await desk.places.forget(who.viewer, asset)

    return router


def reacting(desk: Desk) -> APIRouter:
    """Likes, and what everybody may know."""
    router = APIRouter(prefix="/api/v1/assets", tags=["signals"])
    own = [Security(documented_token)]

    @router.get("/{asset_id}/most-replayed", responses=problems(404, 503), openapi_extra=DOCUMENTED)
    async def most_replayed(asset_id: str, request: Request, response: Response) -> MostReplayed:
        """Show how often each part of an asset was played."""
        asset = known(asset_id)
        standing = await desk.sight.require(request, asset)
        bins = await desk.library.most_replayed(asset)
        kept = "no-store" if is_sealed(standing.visibility) else f"public, max-age={_MOST_REPLAYED_S}"
        response.headers["Cache-Control"] = kept
        return MostReplayed(asset=asset, bins=represent_bins(bins))

    @router.get("/{asset_id}/reaction", responses=problems(404, 503), openapi_extra=DOCUMENTED)
    async def show_reaction(asset_id: str, request: Request, response: Response) -> ReactionView:
        """Show one's own reaction, and how many there are."""
        response.headers["Cache-Control"] = "no-store"
        asset = known(asset_id)
        await desk.sight.require(request, asset)
        return await desk.reactions.show(asset, caller_of(request).account)

    @router.put(
        "/{asset_id}/reaction",
        responses=problems(400, 401, 403, 404, 413, 503),
        openapi_extra=DOCUMENTED,
        dependencies=own,
    )
    async def react(asset_id: str, new: NewReaction, request: Request) -> ReactionView:
        """Like or dislike an asset. Once or many times: the same."""
        asset = known(asset_id)
        await desk.sight.require(request, asset)
        return await desk.reactions.react(asset, caller_of(request).own_account(), new.reaction)

    @router.delete("/{asset_id}/reaction", responses=problems(401, 403, 404, 503), dependencies=own)
    async def withdraw_reaction(asset_id: str, request: Request) -> ReactionView:
        """Neither like nor dislike it any more."""
        asset = known(asset_id)
        await desk.sight.require(request, asset)
        return await desk.reactions.react(asset, caller_of(request).own_account(), Reaction.NONE)

    return router


def keeping(desk: Desk) -> APIRouter:
    """Watch later."""
    router = APIRouter(prefix="/api/v1/watch-later", tags=["signals"], dependencies=[Security(documented_token)])

    @router.get("", responses=problems(400, 401, 403, 503))
    async def list_watch_later(request: Request, limit: Limit = DEFAULT_LIMIT, cursor: After = None) -> WatchLater:
        """List what is kept for later, the newest first."""
        account = caller_of(request).own_account()
        rows, more = await desk.library.kept(account, _after(cursor), limit)
        items = [
            Kept(asset=represent(read_asset(row), desk.public_url), added_at=row["added_at"])
            for row in rows
            if _may_see(row, request)
        ]
        return WatchLater(items=items, next=_next(rows, "added_at", more=more))

    @router.put("/{asset_id}", status_code=204, responses=problems(401, 403, 404, 409, 503))
    async def keep_for_later(asset_id: str, request: Request) -> None:
        """Keep an asset for later. Once or many times: the same."""
        asset = known(asset_id)
        await desk.sight.require(request, asset)
        await desk.library.keep(caller_of(request).own_account(), asset)

    @router.delete("/{asset_id}", status_code=204, responses=problems(401, 403, 404, 503))
    async def drop_from_later(asset_id: str, request: Request) -> None:
        """Keep it no longer."""
        await desk.library.drop(caller_of(request).own_account(), known(asset_id))

    return router


async def _read_report(request: Request) -> Report:
    """InvalidInput names the first mistake's place; TooLarge."""
    body = await request.body()
    if len(body) > MAX_REPORT_BYTES:
        raise TooLarge(f"expected a report of at most {MAX_REPORT_BYTES} bytes: send the beats in several")
    try:
        return Report.model_validate_json(body)
    except ValidationError as exc:
        first = exc.errors(include_url=False, include_input=False)[0]
        where = ".".join(str(part)[:80] for part in ("body", *first["loc"]))
        raise InvalidInput(f"{where}: {first['msg'][:300]}") from exc


def _place(asset: AssetId, trail: Trail, duration_ms: int) -> PlaceView:
    here = place(trail)
    if here is None:
        here, at = Mark(acted_at=EpochMs(0), at=EpochMs(0), session="", sequence=0, position_ms=0), None
    else:
        at = datetime.fromtimestamp(here.at / 1000, UTC)
    return PlaceView(
        asset=asset,
        position_s=here.position_ms / 1000,
        start_s=start_ms(here, duration_ms) / 1000,
        finished=is_finished(here, duration_ms),
        at=at,
        rendition=here.rendition or None,
        audio=here.audio or None,
        captions=here.captions or None,
    )


def _history(desk: Desk, request: Request, rows: list[asyncpg.Record], more: bool) -> History:
    items = [
        Watched(
            asset=represent(read_asset(row), desk.public_url),
            position_s=row["position_ms"] / 1000,
            finished=row["finished"],
            watched_at=row["watched_at"],
        )
        for row in rows
        if _may_see(row, request)
    ]
    return History(items=items, next=_next(rows, "watched_at", more=more))


def _may_see(row: asyncpg.Record, request: Request) -> bool:
    """A list has no playback token: private videos stand in those of their editors only."""
    return may_see(read_standing(row), caller_of(request))


def _after(cursor: str | None) -> Cursor | None:
    return read_cursor(cursor) if cursor else None


def _next(rows: list[asyncpg.Record], when: str, *, more: bool) -> str | None:
    return write_cursor(Cursor(rows[-1][when], AssetId(rows[-1]["id"]))) if rows and more else None
