"""Says in words why there is no live picture, and what to do about it.

The browser knows most of it, so a small invisible component looks there: at permissions, the streaming frame's
error message and, once connecting takes too long, at which ICE candidates can be had.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, NamedTuple

PATIENCE_SECONDS = 8.0
"""How long connecting may take before the doctor looks closer; on a working network it takes one to three."""


@dataclass(frozen=True)
class Evidence:
    """What is known about a connection.

    Attributes:
        is_secure: Whether the browser trusts the page's address with a camera; None while unknown.
        permission: The browser's state of the camera permission: granted, prompt, denied or empty.
        error: Name and message of the error that the streaming frame shows, or empty.
        candidates: Kinds of the browser's ICE candidates (host, srflx, relay); None while unknown.
        turn_errors: Status codes of TURN servers that refused or did not answer.
        is_stuck: Whether connecting takes longer than it should.
        has_relay: Whether a TURN server is configured.
        is_embedded: Whether another page shows this one in a frame that keeps the camera from it.
        has_ended: Whether the camera stopped by itself while its pictures were wanted.
    """

    is_secure: bool | None = None
    permission: str = ""
    error: str = ""
    candidates: tuple[str, ...] | None = None
    turn_errors: tuple[int, ...] = ()
    is_stuck: bool = False
    has_relay: bool = False
    is_embedded: bool = False
    has_ended: bool = False

    @classmethod
    def from_report(
        cls, report: Mapping[str, Any] | None, is_stuck: bool, has_relay: bool, was_live: bool = False
    ) -> Evidence:
        """Take over what the browser's component reports; unknown or strange fields are left out.

        Args:
            report: By ``doctor.js``.
            is_stuck: As above.
            has_relay: As above.
            was_live: Whether pictures have come on this connection, and should be coming now.
        """
        report = report if isinstance(report, Mapping) else {}
        candidates, codes = report.get("candidates"), report.get("turnErrors") or ()
        return cls(
            is_secure=report.get("secure") if isinstance(report.get("secure"), bool) else None,
            permission=str(report.get("permission") or ""),
            error=str(report.get("error") or "")[:300],
            candidates=tuple(str(c) for c in candidates) if isinstance(candidates, list | tuple) else None,
            turn_errors=tuple(int(c) for c in codes if isinstance(c, int | float)),
            is_stuck=is_stuck,
            has_relay=has_relay,
            is_embedded=report.get("embedded") is True,
            has_ended=was_live and report.get("track") == "ended",
        )


class Finding(NamedTuple):
    """One diagnosis.

    Attributes:
        message: What is wrong, as one sentence.
        action: What to do.
        pictures_help: Whether single pictures from the camera would still work.
    """

    message: str
    action: str
    pictures_help: bool = False


INSECURE = Finding(
    "The browser gives the camera only to pages on HTTPS or on this machine.",
    "Open the app as https://…, or on the machine itself as http://localhost:8501.",
)
DENIED = Finding(
    "The camera permission is denied.",
    "Click the camera or lock symbol beside the address, allow the camera, then press Start again. "
    "On a phone, also check the system's settings for this browser.",
)
EMBEDDED = Finding(
    "The page that shows this one in a frame keeps the camera from it.",
    'Open this page in a tab of its own, or have allow="camera" added to the frame.',
)
ENDED = Finding(
    "The camera has stopped.",
    "It was unplugged, switched off or taken by another program: connect it, then press Stop and Start again.",
)
NO_CAMERA = Finding(
    "No camera was found.",
    "Plug one in or switch it on, then press Start again; a notebook may have a shutter or a key for it.",
)
BUSY_CAMERA = Finding(
    "The camera is in use by another program.",
    "Close other tabs and programs that show video (calls, camera apps), then press Start again.",
)
OTHER_ERROR = "The browser reports “{error}”."
TURN_REFUSED = Finding(
    "The TURN server refused its credentials.",
    "Its user name, password or key is wrong or has expired; whoever runs this app can renew it "
    "(see the README on ICE servers).",
    True,
)
TURN_SILENT = Finding(
    "The TURN server does not answer.",
    "A firewall may block it, or its address is wrong; try another network, or a TURN server on TCP port 443.",
    True,
)
NO_ROUTE = Finding(
    "No route between browser and server was found: there is no usable ICE candidate.",
    "A firewall is in the way. Whoever runs this app can configure a TURN server (see the README on ICE servers); "
    "another network, such as a phone's, may work at once.",
    True,
)
STUCK = Finding(
    "Connecting takes longer than usual.",
    "The network may block video between browser and server. Press Stop and Start again, or use single pictures.",
    True,
)


def diagnose(evidence: Evidence) -> Finding | None:
    """Name the most certain cause; None where nothing is wrong."""
    error = evidence.error
    if evidence.is_secure is False or "not loaded securely" in error:
        return INSECURE
    if evidence.is_embedded:
        return EMBEDDED
    if evidence.has_ended:
        return ENDED
    if "NotFoundError" in error or "DevicesNotFound" in error:
        return NO_CAMERA
    if "NotReadableError" in error or "TrackStartError" in error or "AbortError" in error:
        return BUSY_CAMERA
    if "NotAllowedError" in error or evidence.permission == "denied":
        return DENIED
    if evidence.is_stuck:
        if any(400 <= code < 500 for code in evidence.turn_errors):
            return TURN_REFUSED
        if evidence.has_relay and evidence.candidates is not None and "relay" not in evidence.candidates:
            return TURN_SILENT
        if evidence.candidates is not None and not evidence.has_relay:
            return NO_ROUTE
        return STUCK
    if error:
        return Finding(OTHER_ERROR.format(error=error), "Reload the page; if it stays, try another browser.", True)
    return None


@dataclass
class Patience:
    """Notices when connecting takes too long.

    Attributes:
        since: When connecting began, in seconds of a clock that does not jump; None while not connecting.
    """

    since: float | None = field(default=None)

    def is_over(self, is_connecting: bool, now: float) -> bool:
        """Take note of the state and tell whether it has lasted too long."""
        if not is_connecting:
            self.since = None
        elif self.since is None:
            self.since = now
        return self.since is not None and now - self.since > PATIENCE_SECONDS


BROWSER_PROBE = Path(__file__).with_name("doctor.js").read_text(encoding="utf-8")
