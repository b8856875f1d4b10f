"""Pages for people: the web app, for every path that is its own."""

from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from origin.adapters.presence import Presence
from origin.adapters.webapp import WebApp, WebFile
from origin.core.caching import body_etag
from origin.core.error_page import error_page
from origin.core.pages import page_headers
from playnet.errors import NotFound
from playnet.http.conditional import not_modified
from playnet.http.fields import Fields
from playnet.names import parse_asset_id


class Pages:
    """`/`, `/watch/<asset>` and the files that they load."""

    def __init__(self, web: WebApp, presence: Presence) -> None:
        self._web = web
        self._presence = presence

    async def home(self, request: Request) -> Response:
        """The app, on a page that needs no look at the database."""
        return _answer(request, self._web.page())

    async def watch(self, request: Request) -> Response:
        """The app on one asset. It looks the same for an unknown one and says so; the status tells machines."""
        asset = parse_asset_id(request.path_params["asset"])
        page = self._web.page()
        try:
            if asset is None:
                raise NotFound("no asset has such an id")
            await self._presence.require(asset)
        except NotFound:
            return _answer(request, page, status=404)
        return _answer(request, page)

    async def errors(self, _: Request) -> Response:
        """What the codes of problem documents mean."""
        page = error_page()
        return Response(page, 200, page_headers(body_etag(page.encode())))

    async def file(self, request: Request) -> Response:
        """A file of the build."""
        found = self._web.file(request.path_params["path"])
        if found is None:
            raise HTTPException(404, "there is no such page")
        return _answer(request, found)

    def routes(self) -> list[Route]:
        """Last in the app: `file` takes what nobody else does."""
        return [
            Route("/", self.home, include_in_schema=False),
            Route("/sign-in", self.home, include_in_schema=False),
            Route("/account", self.home, include_in_schema=False),
            Route("/docs/errors", self.errors, include_in_schema=False),
            Route("/watch/{asset}", self.watch, include_in_schema=False),
            Route("/{path:path}", self.file, include_in_schema=False),
        ]


def _answer(request: Request, file: WebFile, status: int = 200) -> Response:
    if status == 200 and not_modified(Fields.raw(request.scope["headers"]), Fields.of(file.headers.items())):
        return Response(None, 304, {key: value for key, value in file.headers.items() if key != "Content-Type"})
    return Response(file.body, status, file.headers)
