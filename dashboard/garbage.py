"""Keeps Python's garbage collector from stopping the video.

Streamlit has everything collected after each redraw of a page. That holds up all threads while each object there is is
looked at: with the libraries of this app a tenth of a second, several times a second while somebody is live.
"""

from __future__ import annotations

import gc

MOST_OBJECTS = 25_000
"""So many are looked at within some 5 ms."""


def shorten_collections() -> bool:
    """Have later collections pass over what has survived until now, if that is much.

    What was passed over before is collected first, so nothing is lost for good.

    Returns:
        Whether it was much.
    """
    if len(gc.get_objects()) < MOST_OBJECTS:
        return False
    gc.unfreeze()
    gc.collect()
    gc.freeze()
    return True
