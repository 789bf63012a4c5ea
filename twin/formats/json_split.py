"""Large JSON cut into its objects without parsing the whole: each feature becomes one short piece of text.

Only braces and strings are looked at, so that a feature that is broken inside (NaN, a wrong comma) breaks no other.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator
from dataclasses import dataclass

from twin.errors import UnreadableFileError

# A string (group 1 holds its closing quote, empty where the buffer ends inside the string) or a brace.
_TOKEN = re.compile(rb'"(?:[^"\\]++|\\.)*+("?)|[{}]', re.DOTALL)
_ARRAY_START = re.compile(rb"\s*:\s*\[")
_BLANK = b" \t\r\n,"
_HEAD_LIMIT = 64 << 20


@dataclass(frozen=True, slots=True)
class Piece:
    """A part of an array: an object, or text between objects that should not be there."""

    text: bytes
    is_object: bool = True


class ArraySplitter:
    """The objects of one array of the outermost object, one after the other; afterwards `shell` is the document without them.

    Args:
        chunks: The document as UTF-8, in chunks of any size.
        key: Name of the array ("features").
        name: Of the file, for messages.
    """

    def __init__(self, chunks: Iterable[bytes], key: str, name: str) -> None:
        self.shell = b""
        self._chunks = iter(chunks)
        self._key = b'"' + key.encode() + b'"'
        self._name = name

    def pieces(self) -> Iterator[Piece]:
        """The parts of the array in order.

        Raises:
            UnreadableFileError: if the document has no such array or ends before the array does.
        """
        buffer, begin = self._head()
        head, buffer = buffer[:begin], buffer[begin:]
        scan = _ArrayScan()
        while True:
            yield from scan.feed(buffer)
            if scan.ended:
                break
            chunk = next(self._chunks, None)
            if chunk is None:
                raise self._cut_off(scan.rest)
            buffer = scan.rest + chunk
        self.shell = head + scan.rest + b"".join(self._chunks)

    def _head(self) -> tuple[bytes, int]:
        """The document up to some place behind the array's opening bracket, and the place behind that bracket."""
        buffer = b""
        for chunk in self._chunks:
            buffer += chunk
            if (begin := find_array(buffer, self._key)) is not None:
                return buffer, begin
            if len(buffer) > _HEAD_LIMIT:
                break
        raise self._cut_off(buffer)

    def _cut_off(self, text: bytes) -> UnreadableFileError:
        return UnreadableFileError(
            f"This JSON document is cut off: its array {self._key.decode()} never ends.",
            value=f"{self._name}: …{text[-60:].decode('utf-8', 'replace')}",
            remedy="Write the file again and send all of it.",
        )


class _ArrayScan:
    """State of the walk through the array: what is left to look at, and how deep in braces it is."""

    def __init__(self) -> None:
        self.rest = b""
        self.ended = False
        self._depth = 0
        self._searched = 0

    def feed(self, buffer: bytes) -> list[Piece]:
        """Parts completed in `buffer`, which begins with the `rest` of the last call."""
        pieces: list[Piece] = []
        start = 0
        for token in _TOKEN.finditer(buffer, self._searched):
            text = token[0]
            is_string = text[:1] == b'"'
            if is_string and not token[1]:
                self._searched = token.start() - start
                break
            if self._depth == 0:
                gap = buffer[start : token.start()].strip(_BLANK)
                if b"]" in gap or text == b"}":
                    self.ended = True
                    break
                if gap:
                    pieces.append(Piece(gap, is_object=False))
                start = token.start()
                if is_string:
                    pieces.append(Piece(text, is_object=False))
                    start = token.end()
            if is_string:
                continue
            self._depth += 1 if text == b"{" else -1
            if self._depth == 0:
                pieces.append(Piece(buffer[start : token.end()]))
                start = token.end()
        else:
            self._searched = len(buffer) - start
        self.rest = buffer[start:]
        return pieces


def find_array(buffer: bytes, key: bytes) -> int | None:
    """The place behind the bracket of a member `key` of the outermost object that is an array; None where it is not in sight."""
    depth = 0
    for token in _TOKEN.finditer(buffer):
        if token[0] == b"{":
            depth += 1
        elif token[0] == b"}":
            depth -= 1
        elif depth == 1 and token[0] == key and (found := _ARRAY_START.match(buffer, token.end())):
            return found.end()
    return None


def split_texts(chunks: Iterable[bytes], separator: bytes) -> Iterator[bytes]:
    """The texts between separators (new lines, or the record separator of RFC 8142), blank ones left out."""
    rest = b""
    for chunk in chunks:
        *texts, rest = (rest + chunk).split(separator)
        for text in texts:
            if stripped := text.strip():
                yield stripped
    if stripped := rest.strip():
        yield stripped
