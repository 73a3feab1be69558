"""Files of download buttons that stay until the browser has fetched them.

Streamlit makes the file of a button when it is pressed, and deletes it at the second end of any script after that, of
whichever session. While anybody's live page is redrawn every second, a file is gone before a slow connection asks for
it, and the download is cancelled.
"""

from __future__ import annotations

from time import monotonic

from streamlit.runtime import media_file_manager

SECONDS_TO_FETCH = 60.0
"""How long a file stays that no page shows any more; it only has to be asked for in that time."""


class _LastingFile(media_file_manager.MediaFileMetadata):
    """What the manager notes of a file: it may go some time after it was first found unused."""

    _unused_since: float | None = None

    @property
    def is_marked_for_delete(self) -> bool:
        return self._unused_since is not None and monotonic() - self._unused_since > SECONDS_TO_FETCH

    def mark_for_delete(self) -> None:
        if self._unused_since is None:
            self._unused_since = monotonic()


def keep_until_fetched() -> None:
    """Let the files of this process's download buttons stay long enough to be fetched."""
    media_file_manager.MediaFileMetadata = _LastingFile  # type: ignore[misc]
