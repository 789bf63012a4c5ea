"""HEAD wherever there is GET: the same answer without its body. Source: RFC 9110, 9.3.2."""

from __future__ import annotations

import anyio
from starlette.types import ASGIApp, Message, Receive, Scope, Send


class HeadRequests:
    """ASGI middleware that asks the application for the GET and sends only the headers on.

    A body that comes in parts is not waited for: the answer ends with the headers and the application's work is called off,
    as it is when a client goes away. A stream without end would hold the connection for ever.
    """

    def __init__(self, app: ASGIApp) -> None:
        self.app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http" or scope["method"] != "HEAD":
            await self.app(scope, receive, send)
            return
        with anyio.CancelScope() as work:

            async def without_body(message: Message) -> None:
                if message["type"] != "http.response.body":
                    await send(message)
                elif not work.cancel_called:
                    await send({"type": "http.response.body", "body": b"", "more_body": False})
                    if message.get("more_body", False):
                        work.cancel()

            await self.app({**scope, "method": "GET"}, receive, without_body)
