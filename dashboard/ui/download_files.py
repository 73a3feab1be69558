"""Files of download buttons and pictures that stay until the browser has fetched them.

Streamlit makes the file of a button when it is pressed, and deletes it at the second end of any script after that, of
whichever session. While anybody's live page is redrawn every second, a file is gone before a slow connection asks for
it, and the download is cancelled. The same happens to who presses a button while its page is redrawn: what makes the
file is replaced with each redraw, and the browser still asks for the one before. A picture is deleted as soon as a
redraw leaves it out, and a browser that is still about to fetch it is told that there is none.
"""

from __future__ import annotations

from time import monotonic
from typing import Any, cast

from streamlit.runtime import media_file_manager
from streamlit.runtime.media_file_storage import MediaFileKind

SECONDS_TO_FETCH = 60.0
"""How long a file, or what makes it, stays when no page shows it any more; it has to be asked for in that time."""

SECONDS_OF_PICTURES = 10.0
"""The same for pictures and films, which browsers ask for at once."""


class _LastingFile(media_file_manager.MediaFileMetadata):
    """What the manager notes of a file: it may go some time after it was first found unused."""

    _unused_since: float | None = None

    @property
    def kind(self) -> MediaFileKind:
        return MediaFileKind.DOWNLOADABLE  # of the others the manager asks nothing

    @property
    def is_marked_for_delete(self) -> bool:
        is_picture = self._kind == MediaFileKind.MEDIA
        seconds = SECONDS_OF_PICTURES if is_picture else SECONDS_TO_FETCH
        return self._unused_since is not None and monotonic() - self._unused_since > seconds

    def mark_for_delete(self) -> None:
        if self._unused_since is None:
            self._unused_since = monotonic()


def _remove_long_unused(manager: media_file_manager.MediaFileManager) -> None:
    """Remove what makes files for buttons that no session has shown for a while; the manager holds its lock."""
    shown = {file_id for files in manager._files_by_session_and_coord.values() for file_id in files.values()}
    for file_id, entry in list(manager._deferred_callables.items()):
        noted = cast(dict[str, Any], entry)  # Streamlit's own entry has no time
        if file_id in shown:
            noted.pop("unused_since", None)
        elif monotonic() - noted.setdefault("unused_since", monotonic()) > SECONDS_TO_FETCH:
            manager._drop_deferred_id(file_id)


def keep_until_fetched() -> None:
    """Let the files of this process's download buttons, and its pictures, stay long enough to be fetched."""
    media_file_manager.MediaFileMetadata = _LastingFile  # type: ignore[misc]
    media_file_manager.MediaFileManager._remove_orphaned_deferred_callables = _remove_long_unused  # type: ignore[assignment, method-assign]
