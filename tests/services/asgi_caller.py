"""Requests to an ASGI application in this process, without a socket and without a server."""

from __future__ import annotations

import asyncio
from types import TracebackType
from typing import Any, Self

import httpx


class AsgiCaller:
    """A plain blocking client. The application's start and stop are not run: hand it a store of your own."""

    def __init__(self, app: Any, base_url: str = "http://testserver") -> None:
        self._runner = asyncio.Runner()
        self._client = httpx.AsyncClient(transport=httpx.ASGITransport(app=app), base_url=base_url)

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._runner.run(self._client.aclose())
        self._runner.close()

    def request(self, method: str, url: str, **options: Any) -> httpx.Response:
        return self._runner.run(self._client.request(method, url, **options))

    def get(self, url: str, **options: Any) -> httpx.Response:
        return self.request("GET", url, **options)

    def raw(self, url: str, **options: Any) -> tuple[httpx.Response, bytes]:
        """The answer with its body as it travelled, not decompressed."""

        async def read() -> tuple[httpx.Response, bytes]:
            async with self._client.stream("GET", url, **options) as answer:
                return answer, b"".join([part async for part in answer.aiter_raw()])

        return self._runner.run(read())
