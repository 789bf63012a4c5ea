"""Text that a person reads, in Chinese and English side by side."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class LocalText:
    """One text in both languages of the house.

    Either side may be empty; `pick` then falls back to the other, so a reader never meets a blank title.
    """

    zh: str = ""
    en: str = ""

    def pick(self, language: str) -> str:
        """The text in `language` ("zh" or "en"), or in the other one when that side is empty."""
        first, second = (self.zh, self.en) if language.startswith("zh") else (self.en, self.zh)
        return first or second

    def to_dict(self) -> dict[str, str]:
        return {"zh": self.zh, "en": self.en}

    @classmethod
    def parse(cls, value: object) -> LocalText:
        """`{"zh": …, "en": …}`, or a plain string that serves both languages, as a text."""
        if isinstance(value, LocalText):
            return value
        if isinstance(value, Mapping):
            return cls(zh=str(value.get("zh") or ""), en=str(value.get("en") or ""))
        text = "" if value is None else str(value)
        return cls(zh=text, en=text)
