"""The pictures in a request's body, in memory and nowhere else, refused as soon as they are too much."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncGenerator, AsyncIterator
from contextlib import asynccontextmanager
from typing import NamedTuple

from starlette.datastructures import UploadFile
from starlette.formparsers import MultiPartException, MultiPartParser
from starlette.requests import Request

from emoscope.dashboard.api.problems import ProblemError
from emoscope.dashboard.api.settings import ApiSettings

_HOW_TO = "Send a picture as the body with its type, such as image/jpeg, or several as files of multipart/form-data."


class Upload(NamedTuple):
    """One picture as it came.

    Attributes:
        name: File name; made up where none came along.
        data: Content of the file.
    """

    name: str
    data: bytes


class Bodies:
    """Reads bodies within the limits of one process.

    Args:
        settings: Gives the limits.
    """

    def __init__(self, settings: ApiSettings) -> None:
        self._settings = settings
        self._held = 0

    @asynccontextmanager
    async def uploads(self, request: Request) -> AsyncIterator[list[Upload]]:
        """Read a request's pictures; while they are in use they count among the bytes held.

        Raises:
            ProblemError: The body is empty, too large, too slow, of a wrong type or broken, or there is no room now.
            ClientDisconnect: The client went away.
        """
        kind = request.headers.get("content-type", "").partition(";")[0].strip().lower()
        if request.headers.get("content-encoding", "identity") != "identity":
            raise ProblemError(415, "Bodies with a Content-Encoding are not read.", "Send the picture as it is.")
        if not (kind.startswith("image/") or kind in ("application/octet-stream", "multipart/form-data")):
            raise ProblemError(415, f"The body is {kind or 'of no stated type'}, which holds no pictures.", _HOW_TO)
        count = _Count()
        try:
            yield await self._read(request, kind, count)
        finally:
            self._held -= count.value

    async def _read(self, request: Request, kind: str, count: _Count) -> list[Upload]:
        stream = self._stream(request, count)
        try:
            async with asyncio.timeout(self._settings.body_seconds):
                if kind == "multipart/form-data":
                    return await self._form(request, stream)
                return [Upload("image", b"".join([chunk async for chunk in stream]))]
        except TimeoutError as error:
            limit = f"{self._settings.body_seconds} s"
            raise ProblemError(
                408, f"The body did not arrive within {limit}.", "Send less, or over a faster line."
            ) from error

    async def _stream(self, request: Request, count: _Count) -> AsyncGenerator[bytes, None]:
        declared = request.headers.get("content-length", "")
        if declared.isdigit() and int(declared) > self._settings.max_body:
            raise self._too_large()
        async for chunk in request.stream():
            count.value += len(chunk)
            self._held += len(chunk)
            if count.value > self._settings.max_body:
                raise self._too_large()
            if self._held > self._settings.max_held:
                raise ProblemError(503, "Too many large requests arrive at once.", "Try again.", {"Retry-After": "2"})
            if chunk:
                yield chunk

    async def _form(self, request: Request, stream: AsyncGenerator[bytes, None]) -> list[Upload]:
        most = self._settings.max_images
        parser = _MemoryParser(request.headers, stream, max_files=most, max_fields=0)
        # A file that outgrows this would go to the disk; none can, since the whole body is limited to less.
        parser.spool_max_size = self._settings.max_body + 1
        try:
            form = await parser.parse()
        except MultiPartException as error:
            raise _form_problem(error.message, most) from error
        files = [value for _, value in form.multi_items() if isinstance(value, UploadFile)]
        if not parser.is_whole:
            raise ProblemError(400, "The form ends too early.", "Send its closing boundary.")
        if not files:
            raise ProblemError(400, "The form holds no file.", _HOW_TO)
        return [Upload(f.filename or f"image-{i}", f.file.read()) for i, f in enumerate(files, start=1)]

    def _too_large(self) -> ProblemError:
        limit = f"{self._settings.max_body / 1e6:g} MB"
        return ProblemError(413, f"The body is larger than {limit}.", "Scale pictures down, or send fewer at a time.")


class _Count:
    value = 0


class _MemoryParser(MultiPartParser):
    """Starlette's parser, which by itself takes a form that breaks off for a whole one."""

    is_whole = False

    def on_end(self) -> None:
        self.is_whole = True


def _form_problem(message: str, most: int) -> ProblemError:
    if message.startswith("Too many files"):
        return ProblemError(413, f"The form holds more than {most} pictures.", "Send fewer at a time.")
    if message.startswith("Too many fields"):
        return ProblemError(
            422, "The form holds a field that is no file.", "Options go into the address, such as ?detector=none."
        )
    return ProblemError(400, "The form cannot be read.", _HOW_TO)
