"""Files that outlive the request that brought them: kept in the data folder until the job that reads them is over."""

from __future__ import annotations

import shutil
import time
import uuid
from collections.abc import Mapping
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Any, TextIO

from python_multipart.multipart import parse_options_header
from starlette.requests import Request

from api.errors import MalformedBodyError
from api.upload_form import UploadForm
from api.uploads import limited, parse_object
from twin.disk import require_space, told_when_full
from twin.errors import AlreadyRunningError
from twin.held import hold_folder

_FORGOTTEN_S = 3600.0


@dataclass(frozen=True)
class Kept:
    """A form whose file lies on disk.

    Attributes:
        fields: The other parts by name.
        file: Under the name that its sender gave it.
    """

    folder: Path
    fields: Mapping[str, bytes]
    file: Path
    _hold: TextIO

    def document(self, part: str) -> dict[str, Any]:
        """A part as JSON. Raises MalformedBodyError."""
        if part not in self.fields:
            raise MalformedBodyError(
                f"The form has no part '{part}'.", remedy="Add it as JSON, beside the part 'file'."
            )
        return parse_object(self.fields[part])

    def drop(self) -> None:
        """Remove the file."""
        shutil.rmtree(self.folder, ignore_errors=True)
        self._hold.close()


@dataclass(frozen=True)
class UploadShelf:
    """Uploads below one folder, each in a folder of its own that the process holds; what a killed server left is swept out."""

    root: Path

    async def receive(self, request: Request, limit_bytes: int) -> Kept:
        """The form in the body of a request, written as it arrives.

        Raises:
            TooLargeError: as soon as the body passes the limit, or the disk has no room for it.
            MalformedBodyError: if the form is broken, or has no file.
        """
        self._sweep()
        announced = request.headers.get("content-length", "")
        require_space(self.root, int(announced) if announced.isdigit() and len(announced) < 16 else 0, "the upload")
        boundary = parse_options_header(request.headers.get("content-type", ""))[1].get(b"boundary")
        if not boundary:
            raise MalformedBodyError(
                "The multipart body has no boundary.", remedy="Let the HTTP client set the header."
            )
        folder = self.root / uuid.uuid4().hex
        hold = hold_folder(folder, "This upload is in use.", value=folder.name, remedy="Send it again.")
        try:
            form = UploadForm(folder)
            with told_when_full("the upload"):
                await form.read(limited(request, limit_bytes), boundary)
            if form.upload is None:
                raise MalformedBodyError("No file came along.", remedy="Send it in the part 'file' of the form.")
            # In a folder of its own: no name of a sender can meet ours.
            named = folder / "file" / (form.upload.name if form.upload.name.strip(".") else "upload")
            named.parent.mkdir()
            form.upload.path.rename(named)
        except BaseException:
            shutil.rmtree(folder, ignore_errors=True)
            hold.close()
            raise
        return Kept(folder, {name: bytes(value) for name, value in form.fields.items()}, named, hold)

    def _sweep(self) -> None:
        for folder in self.root.iterdir() if self.root.is_dir() else ():
            with suppress(AlreadyRunningError, OSError):
                if time.time() - folder.stat().st_mtime > _FORGOTTEN_S:
                    hold_folder(folder, "", value="", remedy="").close()
                    shutil.rmtree(folder)
