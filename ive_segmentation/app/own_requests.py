"""What other sites make the browser ask of the page, and what would fetch from other sites, is refused."""

from __future__ import annotations

from urllib.parse import urlsplit

from starlette.datastructures import Headers
from starlette.responses import PlainTextResponse
from starlette.types import ASGIApp, Receive, Scope, Send


class OwnRequests:
    """Lets through what the page itself asks, what is typed into the browser, and what programs ask.

    Gradio takes uploads from every site that the browser shows, and serves `file=https://…` as if it were the
    page's own: with its scripts. Browsers say of each request from what kind of site it comes
    (Sec-Fetch-Site, https://www.w3.org/TR/fetch-metadata); programs such as `gradio_client` say nothing.
    """

    def __init__(self, app: ASGIApp) -> None:
        self._app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer a request with 403, or hand it on."""
        if scope["type"] in {"http", "websocket"} and _is_foreign(scope):
            await PlainTextResponse("Only this page may ask that.", 403)(scope, receive, send)
        else:
            await self._app(scope, receive, send)


def _is_foreign(scope: Scope) -> bool:
    headers = Headers(scope=scope)
    site, origin = headers.get("sec-fetch-site", "none"), headers.get("origin")
    # A link may lead to the page, but nobody may frame it: what a frame asks is its own.
    is_link = scope["path"] in {"", "/"} and headers.get("sec-fetch-dest") == "document"
    return (
        "://" in scope["path"]
        or (site not in {"none", "same-origin"} and not is_link)
        # Browsers that do not say the kind of site say the site.
        or (origin is not None and urlsplit(origin).netloc != headers.get("host"))
    )
