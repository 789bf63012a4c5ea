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
_BLANK = re.compile(rb"[ \t\r\n,]*+")
_JUNK = re.compile(rb'"(?:[^"\\]++|\\.)*+"?|[^\s,{\]]++|[{]', re.DOTALL)
_HEAD_LIMIT = 64 << 20
_DEPTH_AT_ONCE = 5


def _object_pattern(depth: int) -> bytes:
    """A whole object with at most `depth` objects inside one another, in one go of the regular expression engine."""
    inner = b"|" + _object_pattern(depth - 1) if depth else b""
    return rb'\{(?:[^"{}]++|"(?:[^"\\]++|\\.)*+"' + inner + rb")*+\}"


_OBJECT = re.compile(_object_pattern(_DEPTH_AT_ONCE), re.DOTALL)


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
        buffer, place = self._head()
        head = buffer[:place]
        while True:
            for piece, end in iter_pieces(buffer, place):
                place = end
                if piece is not None:
                    yield piece
            buffer, place = buffer[place:], 0
            if buffer.startswith(b"]"):
                break
            buffer = self._grown(buffer)
        self.shell = head + buffer + b"".join(self._chunks)

    def _grown(self, buffer: bytes) -> bytes:
        """The buffer with at least as much again behind it, so that a huge object is not looked at once for every chunk."""
        parts, size = [buffer], 0
        while size <= len(buffer):
            chunk = next(self._chunks, None)
            if chunk is None:
                if size:
                    break
                raise self._cut_off(buffer)
            parts.append(chunk)
            size += len(chunk)
        return b"".join(parts)

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


def iter_pieces(buffer: bytes, place: int) -> Iterator[tuple[Piece | None, int]]:
    """Complete members of an array from `place` on, each with the place behind it, up to the array's bracket or what is incomplete."""
    while True:
        blank = _BLANK.match(buffer, place)
        assert blank is not None
        start = blank.end()
        yield None, start
        following = buffer[start : start + 1]
        if following in (b"", b"]"):
            return
        if following == b"{":
            end = object_end(buffer, start)
            if end is None:
                return
        else:
            junk = _JUNK.match(buffer, start)
            assert junk is not None
            end = junk.end()
            if end == len(buffer):
                return
        yield Piece(buffer[start:end], is_object=following == b"{"), end
        place = end


def object_end(buffer: bytes, start: int) -> int | None:
    """The place behind the object that begins at `start`; None where the buffer ends before it."""
    if found := _OBJECT.match(buffer, start):
        return found.end()
    depth = 0
    for token in _TOKEN.finditer(buffer, start):
        if token[0] == b"{":
            depth += 1
        elif token[0] == b"}":
            depth -= 1
            if depth == 0:
                return token.end()
        elif not token[1]:
            return None
    return None


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
