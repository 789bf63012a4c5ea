"""The spatial core: what is where, since when, in which CRS. Knows no web framework.

For notebooks: `twin.connect(url)` opens a running One Map (see `twin/client.py`); it is loaded when first asked for.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from twin.client import Town, connect

__all__ = ["Town", "connect"]


def __getattr__(name: str) -> Any:
    if name in __all__:
        from twin import client

        return getattr(client, name)
    raise AttributeError(f"module 'twin' has no attribute '{name}'")


def __dir__() -> list[str]:
    return [*globals(), *__all__]
