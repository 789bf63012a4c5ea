"""The real application in this process, spoken to over HTTP without a socket."""

from __future__ import annotations

import asyncio
from typing import Any

import httpx
from fastapi import FastAPI


class AppClient:
    """Sends requests to an ASGI app and waits for the answers; a failure inside the app is a 500 here, as on the wire."""

    def __init__(self, app: FastAPI, base_url: str = "http://onemap.test") -> None:
        self.app = app
        self.base_url = base_url

    def request(self, method: str, url: str, **options: Any) -> httpx.Response:
        async def send() -> httpx.Response:
            transport = httpx.ASGITransport(self.app, raise_app_exceptions=False)
            async with httpx.AsyncClient(transport=transport, base_url=self.base_url) as client:
                return await client.request(method, url, **options)

        return asyncio.run(send())

    def get(self, url: str, **options: Any) -> httpx.Response:
        return self.request("GET", url, **options)

    def json(self, url: str, status: int = 200, **options: Any) -> Any:
        """The JSON answer of a GET that must have this status."""
        answer = self.get(url, **options)
        assert answer.status_code == status, answer.text
        return answer.json()

    def problem(self, method: str, url: str, status: int, **options: Any) -> dict[str, Any]:
        """The problem+json answer of a request that must fail with this status."""
        answer = self.request(method, url, **options)
        assert answer.status_code == status, answer.text
        assert answer.headers["content-type"] == "application/problem+json"
        body: dict[str, Any] = answer.json()
        assert body["status"] == status
        return body
