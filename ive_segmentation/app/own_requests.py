"""Refuse what other sites make the browser ask of the page, and whatever would fetch from other sites."""

from __future__ import annotations

from urllib.parse import urlsplit

from starlette.datastructures import Headers, MutableHeaders
from starlette.responses import PlainTextResponse
from starlette.types import ASGIApp, Message, Receive, Scope, Send

FRAMES = "frame-ancestors 'self' http://127.0.0.1:* http://localhost:* vscode-webview: vscode-file:"
"""Who may show the page within a page: the notebook, in Jupyter on this machine or in VS Code."""


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

        async def answer(message: Message) -> None:
            if message["type"] == "http.response.start":
                MutableHeaders(scope=message)["Content-Security-Policy"] = FRAMES
            await send(message)

        if scope["type"] in {"http", "websocket"} and _is_foreign(scope):
            await PlainTextResponse("Only this page may ask that.", 403)(scope, receive, send)
        else:
            await self._app(scope, receive, answer)


def _is_foreign(scope: Scope) -> bool:
    headers = Headers(scope=scope)
    site, origin = headers.get("sec-fetch-site", "none"), headers.get("origin")
    is_link_to_the_page = scope["path"] in {"", "/"}
    return (
        "://" in scope["path"]
        or (site not in {"none", "same-origin"} and not is_link_to_the_page)
        # Browsers that do not say the kind of site say the site.
        or (origin is not None and urlsplit(origin).netloc != headers.get("host"))
    )
