"""What an unfinished build has made so far: a folder beside the target, so that a killed build goes on where it stood.

`plan.json` says what is built; another plan begins anew. Every step leaves a document when it is done, written in one move; a step
without its document is done again. At the end `out` takes the target's place, and an old tileset stays in service until then.
"""

from __future__ import annotations

import shutil
from collections.abc import Callable, Generator, Mapping
from contextlib import closing
from pathlib import Path
from types import TracebackType
from typing import Any, Self, TypeVar

import orjson

from twin.errors import DuplicateSceneError
from twin.held import hold_folder
from twin.tasks.here import IN_THREAD
from twin.tasks.port import Alive, Tasks, Unit

T = TypeVar("T")


class Work:
    """The folder of a build, held by one process.

    Raises:
        AlreadyRunningError: if another process is building the same tileset.
        DuplicateSceneError: if the target is there and no tileset: it would be replaced.
    """

    def __init__(self, target: Path, plan: Mapping[str, Any]) -> None:
        if target.exists() and not (target / "tileset.json").is_file():
            raise DuplicateSceneError(
                "The target is there already and no tileset.",
                value=target.name,
                limit="a new folder, or a tileset to replace",
                remedy="Name another folder.",
            )
        self.target = target
        self.folder = target.with_name(target.name + ".work")
        self._lock = hold_folder(
            self.folder, "This scene is being built already.", value=target.name, remedy="Wait, or name another."
        )
        planned = orjson.dumps(plan, option=orjson.OPT_SORT_KEYS)
        if self._read("plan") != planned:
            self._clear()
            self._write("plan", planned)
        self.out.mkdir(exist_ok=True)
        self.bins.mkdir(exist_ok=True)

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._lock.close()

    @property
    def out(self) -> Path:
        return self.folder / "out"

    @property
    def bins(self) -> Path:
        return self.folder / "bins"

    @property
    def spool(self) -> Path:
        return self.folder / "spool"

    def done(self, step: str) -> Any:
        """The document that a step left; None where it is not done."""
        data = self._read(step)
        return None if data is None else orjson.loads(data)

    def finish_step(self, step: str, document: Any) -> None:
        self._write(step, orjson.dumps(document))

    def outcomes(
        self, tasks: Tasks, function: Callable[[T], Any], steps: Mapping[str, Unit[T]], alive: Alive
    ) -> Generator[Any, None, None]:
        """The documents of many steps, in their order: those that are done as they were left, the others worked out and kept.

        Args:
            tasks: Who works them out; a single step is done here.
            function: Makes the document of a step, of what JSON can say.
        """
        known = {step: self.done(step) for step in steps}
        missing = (unit for step, unit in steps.items() if known[step] is None)
        hands = tasks if len(steps) > 1 else IN_THREAD
        with closing(hands.map(function, missing, alive)) as made:
            for step in steps:
                if known[step] is None:
                    known[step] = next(made)
                    self.finish_step(step, known[step])
                yield known[step]

    def finish(self) -> None:
        """Put the tileset in its place and drop the folder."""
        old = self.folder / "old"
        if self.target.exists():
            self.target.rename(old)
        self.out.rename(self.target)
        shutil.rmtree(self.folder, ignore_errors=True)

    def _read(self, step: str) -> bytes | None:
        try:
            return (self.folder / f"{step}.json").read_bytes()
        except FileNotFoundError:
            return None

    def _write(self, step: str, data: bytes) -> None:
        part = self.folder / f"{step}.part"
        part.write_bytes(data)
        part.replace(self.folder / f"{step}.json")

    def _clear(self) -> None:
        for entry in self.folder.iterdir():
            if entry.name == "lock":
                continue
            if entry.is_dir():
                shutil.rmtree(entry)
            else:
                entry.unlink()
