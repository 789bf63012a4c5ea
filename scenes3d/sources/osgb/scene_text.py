"""The text of a scene (`.osg`) as a tree of blocks: lines of words, blocks below, and the numbers of arrays.

Nothing is known here of what blocks mean. A block that stands in several places stands in the text once; `Use` names it again.

Source: OpenSceneGraph 3.6, src/osgPlugins/osg (deprecated dot-osg wrappers); there is no other document of the format.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass, field

import numpy as np

from twin.ellipsoid import Floats

DEEPEST = 200
_WORDS = re.compile(r'"([^"]*)"|(\S+)')
_NUMBERS = re.compile(r"[\s\d.eE+\-naif]*\}")


@dataclass(eq=False)
class Block:
    """A thing of the scene.

    Attributes:
        name: Its class or property: `PagedLOD`, `VertexArray`.
        words: What stands behind the name.
        lines: Its lines, in words; a line `Use X` stands as the block X in `below`.
        below: Blocks in it, in order; one that is used again is the same object.
        numbers: float64 (n,), all numbers in it, where it holds nothing else.
    """

    name: str
    words: tuple[str, ...] = ()
    lines: list[tuple[str, ...]] = field(default_factory=list)
    below: list[Block] = field(default_factory=list)
    numbers: Floats | None = None

    def said(self, key: str) -> tuple[str, ...]:
        """The words behind the first line that begins with `key`; none where there is no such line."""
        return next((line[1:] for line in self.lines if line[0] == key), ())

    def first(self, name: str) -> Block | None:
        """The first block of this name directly below."""
        return next((block for block in self.below if block.name == name), None)

    def walk(self) -> Iterator[Block]:
        """This block and all below, each once, in the order of the text."""
        seen: set[int] = set()
        waiting = [self]
        while waiting:
            block = waiting.pop()
            if id(block) not in seen:
                seen.add(id(block))
                yield block
                waiting += reversed(block.below)


def parse_scene(text: str) -> Block:
    """All of a text, below a block without a name.

    Raises:
        ValueError: if it is no such text, or is cut off.
    """
    root = Block("")
    stack = [root]
    named: dict[str, Block] = {}
    at, pending = 0, ""
    while at < len(text):
        end = text.find("\n", at)
        end = len(text) if end < 0 else end
        line = text[at:end].strip()
        at = end + 1
        if line == "}":
            if len(stack) == 1:
                raise ValueError("a block ends that never began")
            stack.pop()
        elif line.endswith("{"):
            block = _opened(line[:-1].strip() or pending)
            stack[-1].below.append(block)
            numbers = _NUMBERS.match(text, at)
            if numbers is not None:
                block.numbers = _numbers(text[at : numbers.end() - 1])
                at = numbers.end()
            else:
                stack.append(block)
                if len(stack) > DEEPEST:
                    raise ValueError(f"blocks are nested more than {DEEPEST} deep")
        elif line:
            key, *rest = _words(line)
            if key == "Use" and rest and rest[0] in named:
                stack[-1].below.append(named[rest[0]])
            elif key == "UniqueID" and rest:
                named[rest[0]] = stack[-1]
            else:
                stack[-1].lines.append((key, *rest))
        pending = line
    if len(stack) > 1:
        raise ValueError(f"the block {stack[-1].name} does not end")
    return root


def _opened(line: str) -> Block:
    name, *words = _words(line) or [""]
    return Block(name, tuple(words))


def _words(line: str) -> list[str]:
    return [quoted or plain for quoted, plain in _WORDS.findall(line)]


def _numbers(text: str) -> Floats:
    return np.array(text.split(), dtype=np.float64)
