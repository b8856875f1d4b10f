"""`/v/…`: manifests and media, for edges and for players that come directly. Answers carry CORS, errors too."""

from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route
from starlette.types import Receive, Scope, Send

from origin.adapters.manifests import Manifest, Manifests
from origin.adapters.media import Media
from origin.core.caching import PREFLIGHT, absent_headers
from playnet.asgi.problems import answer
from playnet.errors import NotFound, PlayNetError
from playnet.http.conditional import not_modified
from playnet.http.fields import Fields
from playnet.names import AssetId, parse_asset_id, parse_manifest_key, parse_media_key


class Viewing:
    """One ASGI endpoint for everything below `/v/`."""

    def __init__(self, media: Media, manifests: Manifests) -> None:
        self._media = media
        self._manifests = manifests

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["method"] == "OPTIONS":
            await Response(None, 204, PREFLIGHT)(scope, receive, send)
            return
        started = False

        async def watched(message: object) -> None:
            nonlocal started
            started = True
            await send(message)  # type: ignore[arg-type]

        try:
            await self._answer(scope, receive, watched)
        except PlayNetError as error:
            if started:
                raise
            await _refusal(Request(scope), error)(scope, receive, send)

    async def _answer(self, scope: Scope, receive: Receive, send: Send) -> None:
        key = object_key(scope)
        if (media := parse_media_key(key)) is not None:
            await self._media.answer(media, scope, receive, send)
        elif (manifest := parse_manifest_key(key)) is not None:
            await _whole(Request(scope), await self._manifests.get(manifest))(scope, receive, send)
        else:
            raise NotFound("nothing has this name")

    def routes(self) -> list[Route]:
        """GET, HEAD and the preflight; others get 405."""
        return [Route("/v/{path:path}", self, methods=["GET", "HEAD", "OPTIONS"], include_in_schema=False)]


def object_key(scope: Scope) -> str:
    """The path as it was sent, without the first slash: none of our names needs an escape, so one that has any is not ours."""
    raw: bytes = scope.get("raw_path") or scope["path"].encode()
    return raw.decode("latin-1").removeprefix("/")


def _whole(request: Request, manifest: Manifest) -> Response:
    stored = Fields.of(manifest.headers.items())
    if not_modified(Fields.raw(request.scope["headers"]), stored):
        return Response(None, 304, {key: value for key, value in manifest.headers.items() if key != "Content-Type"})
    return Response(manifest.body, 200, manifest.headers)


def _refusal(request: Request, error: PlayNetError) -> Response:
    """A problem document that scripts of other origins can read; a 404 is kept for a moment, other errors never."""
    response = answer(request, error)
    fields = absent_headers(_asset_of(request)) if isinstance(error, NotFound) else absent_headers(None)
    if not isinstance(error, NotFound):
        del fields["Cache-Control"]
    response.headers.update(fields)
    return response


def _asset_of(request: Request) -> AssetId | None:
    return parse_asset_id(object_key(request.scope).removeprefix("v/").partition("/")[0])
