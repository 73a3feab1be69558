"""Start the app for a browser, and know when it has finished drawing."""

from __future__ import annotations

import os
import re
import shutil
import socket
import subprocess
import sys
import time
import urllib.request
from collections.abc import Iterator
from contextlib import contextmanager, nullcontext
from pathlib import Path

from playwright.sync_api import Browser, Page, expect

from tests.paths import ROOT

STARTUP_SECONDS = 60
PATIENCE = 30_000
"""Milliseconds that a page may take on a slow and busy machine before a test gives up."""

expect.set_options(timeout=PATIENCE)


def find_chromium() -> str | None:
    """Return the path of an installed Chromium or Chrome, or None."""
    names = ("chromium", "chromium-browser", "google-chrome", "chrome")
    return next(filter(None, map(shutil.which, names)), None)


def free_port() -> int:
    """Return a port that nothing on this machine listens on."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


@contextmanager
def serving(url: str | None = None, log: Path | None = None, **environment: str) -> Iterator[str]:
    """Run ``python -m dashboard`` on a free port and yield its address, or use one that runs already.

    Args:
        url: Of a running app; starts one where None.
        log: File for what the app writes to its standard error; goes to the test's own where None.
        environment: Variables to add for the app.
    """
    if url:
        yield url.rstrip("/")
        return
    port = free_port()
    command = [sys.executable, "-m", "dashboard", "--host", "127.0.0.1", "--port", str(port), "--headless"]
    with log.open("w") if log else nullcontext() as stderr:
        process = subprocess.Popen(command, cwd=ROOT, env={**os.environ, **environment}, stderr=stderr)
    try:
        url = f"http://127.0.0.1:{port}"
        _wait_for_health(url, process)
        yield url
    finally:
        process.terminate()
        try:
            process.wait(timeout=10)
        except subprocess.TimeoutExpired:
            process.kill()
            process.wait()


def _wait_for_health(url: str, process: subprocess.Popen) -> None:
    deadline = time.monotonic() + STARTUP_SECONDS
    while time.monotonic() < deadline:
        if process.poll() is not None:
            raise RuntimeError(f"The app ended with status {process.returncode} while starting.")
        try:
            with urllib.request.urlopen(f"{url}/_stcore/health", timeout=2) as answer:
                if answer.status == 200:
                    return
        except OSError:
            time.sleep(0.2)
    raise RuntimeError(f"The app did not answer within {STARTUP_SECONDS} s.")


@contextmanager
def fresh_page(
    browser: Browser, size: tuple[int, int] = (1440, 900), patience: float = PATIENCE, scheme: str | None = None
) -> Iterator[Page]:
    """Open a tab that shares nothing with others.

    Args:
        browser: Where to open it.
        size: Width and height in pixels.
        patience: Milliseconds to wait for what a test asks for.
        scheme: ``light`` or ``dark``; the browser's own where None.

    Raises:
        AssertionError: At the end, if a script threw an error that none caught: Streamlit's page is blank after one.
    """
    viewport = {"width": size[0], "height": size[1]}
    context = browser.new_context(viewport=viewport, accept_downloads=True, color_scheme=scheme)
    page = context.new_page()
    page.set_default_timeout(patience)
    uncaught: list[str] = []
    page.on("pageerror", lambda error: uncaught.append(str(error)))
    try:
        yield page
    finally:
        context.close()
    assert uncaught == []


def wait_until_idle(page: Page, timeout: float = 60) -> None:
    """Wait until the page's script has run and everything is drawn."""
    page.wait_for_selector("[data-testid=stApp][data-test-script-state=notRunning]", timeout=timeout * 1000)
    page.wait_for_function(
        "!document.querySelector('[data-testid=stSkeleton], [data-testid=stSpinner], [data-testid=stStatusWidget]')",
        timeout=timeout * 1000,
    )
    page.wait_for_timeout(400)  # charts draw after the script has ended


def choose(page: Page, label: str, option: str) -> None:
    """Choose in a select box by keyboard alone."""
    box = page.get_by_role("combobox", name=re.compile(rf"\b{label}$"))
    box.focus()
    page.keyboard.type(option)
    page.keyboard.press("Enter")
    wait_until_idle(page)
