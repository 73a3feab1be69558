"""Presses every button of a page once, opens every file that comes down, and tells what went wrong."""

from __future__ import annotations

import csv
import io
import json
import re
import zipfile
from collections import Counter
from collections.abc import Callable
from pathlib import Path

import av
import cv2
import numpy as np
from playwright.sync_api import ConsoleMessage, Download, Locator, Page
from playwright.sync_api import Error as BrowserError

from tests.browser.serving import wait_until_idle

WORKS_FOR_MINUTES = re.compile(r"(Start training|Add to the queue|Stop training|Resume|\bMake (LiteRT|ONNX|Keras).*)$")
"""Buttons that are left alone: they start, stop or queue trainings, as tests/browser/test_train.py does, or convert a
network for a minute, as tests/pages/test_export.py does."""

MOST_PRESSES = 80
DOWNLOAD_SECONDS = 20
CLICKS = 3
"""How often a button is looked for: its place among the others changes while the page is redrawn."""
_BUTTONS = ", ".join(
    f"[data-testid={kind}] button:enabled:visible" for kind in ("stButton", "stDownloadButton", "stPopover")
)
_ERRORS = {
    "an exception": "[data-testid=stException]",
    "a traceback": "text=Traceback",
    "a download that failed": "text=Failed to generate file",
    "an error": "[data-testid=stAlertContentError]",
}

Name = tuple[str, int]
"""A button's label, and which of those with the same label it is."""


class Crawler:
    """Goes through the buttons of one page in one state.

    Args:
        page: A tab.
        prepare: Opens the page and brings it into its state; called again where a press has led away from it.
        log: What the server writes to its standard error.
        expected_error: Part of an error's text that belongs to the state.
    """

    def __init__(self, page: Page, prepare: Callable[[Page], None], log: Path, expected_error: str = "") -> None:
        self._page, self._prepare, self._log, self._expected = page, prepare, log, expected_error
        self._heard: list[str] = []
        self._downloads: list[Download] = []
        self._log_read = len(log.read_text())
        self.problems: list[str] = []
        self.pressed: list[Name] = []
        self.files: list[str] = []
        self._own: set[Name] = set()
        page.on("pageerror", lambda error: self._heard.append(f"JavaScript: {error}"))
        page.on("console", self._hear)
        page.on("download", lambda download: self._downloads.append(download))

    def _hear(self, message: ConsoleMessage) -> None:
        address = message.location["url"]
        # Below a page's own address Streamlit also looks for a server, which says 404 before the right place answers.
        if message.type == "error" and "/_stcore/" not in address:
            self._heard.append(f"console: {message.text} ({address})")

    def run(self) -> None:
        """Press every button once, and those that appear by it."""
        self._open()
        waiting = self._names()
        self._own = set(waiting)
        while waiting:
            name = waiting.pop(0)
            if name not in self._names():
                if name not in self._own:
                    continue  # it came by a press and went by another, as "Stop" goes when the work is done
                self._open()
            self._press(name)
            waiting = [new for new in self._names() if new not in waiting and new not in self.pressed] + waiting
            if len(self.pressed) > MOST_PRESSES:
                self.problems.append(f"after {MOST_PRESSES} buttons there are still others: {waiting}")
                return

    def _open(self) -> None:
        self._prepare(self._page)
        wait_until_idle(self._page)
        self._address = self._page.url
        self._look("opening the page")

    def _buttons(self) -> dict[Name, Locator]:
        """Return the buttons that can be pressed now, in the order in which they stand."""
        seen: Counter[str] = Counter()
        found = {}
        # All labels at one moment: pages are redrawn while they are looked at.
        labels = self._page.locator(_BUTTONS).evaluate_all("buttons => buttons.map(button => button.innerText)")
        for place, text in enumerate(labels):
            label = " ".join(text.split())
            found[label, seen[label]] = self._page.locator(_BUTTONS).nth(place)
            seen[label] += 1
        return found

    def _names(self) -> list[Name]:
        return [name for name in self._buttons() if not WORKS_FOR_MINUTES.search(name[0])]

    def _press(self, name: Name) -> None:
        self.pressed.append(name)
        self._downloads.clear()
        is_download, is_popover = self._click(name)
        if is_download:
            self._open_file(name)
        wait_until_idle(self._page)
        self._look(f"pressing {name[0]}")
        if is_popover:
            self._press_within(name)
        if self._page.locator("[data-testid=stDialog]").count():
            self._page.keyboard.press("Escape")
            wait_until_idle(self._page)
        if self._page.url.split("?")[0] != self._address.split("?")[0]:
            self._open()

    def _click(self, name: Name) -> tuple[bool, bool]:
        """Click a button; returns whether it brings a file, and whether it opens a popover."""
        problem = ""
        for number in range(CLICKS):
            button = self._buttons().get(name)
            if button is None:
                problem = f"{name} is gone in the page's own state" if name in self._own else ""
                self._page.wait_for_timeout(1000)  # a page that has just been redrawn may be drawn once more
                wait_until_idle(self._page)
                if number == CLICKS - 2 and problem:
                    self._open()  # the press before has led away from it, later than could be seen
                continue
            try:
                is_download = button.locator("xpath=ancestor::*[@data-testid='stDownloadButton']").count() > 0
                is_popover = button.locator("xpath=ancestor::*[@data-testid='stPopover']").count() > 0
                button.click(timeout=5_000)
                return is_download, is_popover
            except BrowserError as error:  # another stands in its place since the page was redrawn, or none
                problem = f"{name}: {str(error).splitlines()[0]}"
        if problem:
            self.problems.append(problem)
        return False, False

    def _press_within(self, popover: Name) -> None:
        """Press the download buttons of an open popover, and close it."""
        for button in self._page.locator("[data-testid=stPopoverBody] [data-testid=stDownloadButton] button").all():
            self._downloads.clear()
            label = button.inner_text()
            button.click()
            self._open_file((f"{popover[0]} › {label}", popover[1]))
        self._look(f"saving from {popover[0]}")
        self._page.keyboard.press("Escape")
        wait_until_idle(self._page)

    def _open_file(self, name: Name) -> None:
        for _ in range(10 * DOWNLOAD_SECONDS):
            if self._downloads:
                break
            self._page.wait_for_timeout(100)
        if not self._downloads:
            self.problems.append(f"{name}: no file came down")
            return
        download = self._downloads[-1]
        try:
            open_file(download.suggested_filename, Path(download.path()).read_bytes())
            self.files.append(download.suggested_filename)
        except (AssertionError, BrowserError) as error:
            self.problems.append(f"{name}: {error}")

    def _look(self, after: str) -> None:
        """Note what is wrong on the page, in the browser and at the server."""
        for kind, selector in _ERRORS.items():
            # All at one moment: one of them may go while the others are read.
            texts = self._page.locator(selector).evaluate_all("elements => elements.map(one => one.innerText)")
            self.problems += [
                f"{kind} after {after}: {text[:300]}"
                for text in texts
                if not (kind == "an error" and self._expected and self._expected in text)
            ]
        self.problems += [f"after {after}: {text}" for text in self._heard]
        self._heard.clear()
        written = self._log.read_text()
        if "Traceback" in written[self._log_read :]:
            self.problems.append(f"the server's log after {after}: {written[self._log_read :][-1500:]}")
        self._log_read = len(written)


def open_file(name: str, content: bytes) -> None:
    """Open a file as the program for its kind would.

    Raises:
        AssertionError: It is empty, or not what its name says.
    """
    assert content, f"{name} is empty"
    try:
        _OPENERS[Path(name).suffix.lower()](content)
    except Exception as error:  # whatever keeps a file from being opened
        raise AssertionError(f"{name} cannot be opened: {error!r}") from error


def _open_csv(content: bytes) -> None:
    header, *rows = csv.reader(io.StringIO(content.decode("utf-8-sig")))
    assert rows and {len(row) for row in rows} == {len(header)}, "rows and header do not fit"


def _open_picture(content: bytes) -> None:
    assert cv2.imdecode(np.frombuffer(content, np.uint8), cv2.IMREAD_COLOR) is not None, "it is no picture"


def _open_zip(content: bytes) -> None:
    with zipfile.ZipFile(io.BytesIO(content)) as archive:
        assert archive.namelist() and archive.testzip() is None, "it is a broken zip"


def _open_html(content: bytes) -> None:
    text = content.decode()
    assert text.lstrip()[:20].lower().startswith(("<!doctype", "<html")) and text.rstrip().endswith("</html>")


def _open_video(content: bytes) -> None:
    with av.open(io.BytesIO(content)) as container:
        next(container.decode(video=0))


def _starts_with(mark: bytes, at: int = 0) -> Callable[[bytes], None]:
    """Return an opener that looks at a format's mark, where no program here opens the format."""

    def look(content: bytes) -> None:
        assert content[at : at + len(mark)] == mark, f"it does not start with {mark!r}"

    return look


_OPENERS: dict[str, Callable[[bytes], object]] = {
    ".csv": _open_csv,
    ".json": json.loads,
    ".png": _open_picture,
    ".jpg": _open_picture,
    ".zip": _open_zip,
    ".keras": _open_zip,
    ".html": _open_html,
    ".mp4": _open_video,
    ".tflite": _starts_with(b"TFL3", at=4),
    ".onnx": _starts_with(b"\x08"),  # the first field of its protocol buffer, the version
    ".h5": _starts_with(b"\x89HDF\r\n"),
    ".md": lambda content: content.decode(),
    ".yaml": lambda content: content.decode(),
}
