"""How a test or a benchmark handles the live page in a browser."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path

from playwright.sync_api import Browser, Frame, Page, Playwright

from emoscope.model.drawing.palette import EMOTION_COLORS
from tests.browser.camera import camera_arguments
from tests.browser.serving import find_chromium, fresh_page, wait_until_idle

SLOW = 60_000
"""Milliseconds: on a busy machine connecting and the first analyses take their time."""

LABEL = "[data-testid=live-label]"
PERFORMANCE = "[data-testid=live-performance]"
BROWSER_LABEL, BROWSER_PERFORMANCE = "[data-testid=browser-label]", "[data-testid=browser-performance]"

# Counts the pixels of each colour in the picture that is being shown; the codec changes colours a little.
_COUNT = """
(colors) => {
  const video = document.querySelector('video');
  if (!video || !video.videoWidth) return null;
  const canvas = document.createElement('canvas');
  canvas.width = video.videoWidth; canvas.height = video.videoHeight;
  const context = canvas.getContext('2d', { willReadFrequently: true });
  context.drawImage(video, 0, 0);
  const data = context.getImageData(0, 0, canvas.width, canvas.height).data;
  const near = (i, c) => [0, 1, 2].every((k) => Math.abs(data[i + k] - c[k]) < 26);
  const counts = {};
  for (const [name, c] of Object.entries(colors)) {
    counts[name] = 0;
    for (let i = 0; i < data.length; i += 4) if (near(i, c)) counts[name]++;
  }
  return counts;
}
"""


@contextmanager
def browser_with_camera(playwright: Playwright, film: Path, extra: Sequence[str] = ()) -> Iterator[Browser]:
    """Launch a Chromium whose camera shows a film."""
    with _browser(playwright, [*camera_arguments(film), *extra]) as browser:
        yield browser


@contextmanager
def page_with_camera(
    playwright: Playwright, arguments: Sequence[str], size: tuple[int, int] = (1440, 900)
) -> Iterator[Page]:
    """Open a tab in a Chromium of its own, whose camera its arguments make."""
    with _browser(playwright, arguments) as browser, fresh_page(browser, size, SLOW) as page:
        yield page


@contextmanager
def _browser(playwright: Playwright, arguments: Sequence[str]) -> Iterator[Browser]:
    browser = playwright.chromium.launch(executable_path=find_chromium(), args=list(arguments))
    try:
        yield browser
    finally:
        browser.close()


def open_live(page: Page, url: str) -> None:
    """Open the live page and wait for its Start button."""
    page.goto(f"{url}/live")
    wait_until_idle(page)
    stream_frame(page).get_by_role("button", name="Start").wait_for()


def open_in_browser(page: Page, url: str) -> None:
    """Open the live page, choose this browser as the place where it runs, and wait for the Start button."""
    page.goto(f"{url}/live")
    wait_until_idle(page)
    page.get_by_test_id("stButtonGroup").get_by_text("this browser").click()
    start_button(page).wait_for()


def start_button(page: Page):
    """Return the locator of the Start button of the engine in the browser."""
    return page.get_by_role("button", name="Start", exact=True)


def stream_frame(page: Page):
    """Return the locator of the frame that shows the video."""
    return page.frame_locator('iframe[title*="webrtc"]')


def inner_frame(page: Page) -> Frame:
    """Return that frame itself, to run scripts in."""
    return next(frame for frame in page.frames if "webrtc" in frame.url)


def press(page: Page, name: str) -> None:
    """Press Start or Stop."""
    stream_frame(page).get_by_role("button", name=name, exact=True).click()


def color_counts(page: Page) -> dict[str, int] | None:
    """Count the pixels of each emotion's colour in the video; None before its first picture."""
    colors = {name: [int(c[i : i + 2], 16) for i in (1, 3, 5)] for name, c in EMOTION_COLORS.items()}
    return inner_frame(page).evaluate(_COUNT, colors)


def frames_shown(page: Page) -> int:
    """Return how many pictures the video has shown."""
    quality = inner_frame(page).evaluate("""() => {
      const quality = document.querySelector('video')?.getVideoPlaybackQuality();
      return quality ? quality.totalVideoFrames - quality.droppedVideoFrames : 0;
    }""")
    return int(quality)


def frames_decoded(page: Page) -> int:
    """Return how many pictures have reached the video, be they shown or overtaken by the next before the screen was."""
    found = inner_frame(page).evaluate("document.querySelector('video')?.getVideoPlaybackQuality().totalVideoFrames")
    return int(found or 0)


def figures(page: Page, strip: str = PERFORMANCE) -> dict[str, float]:
    """Return what a performance strip says: the server's, or that of the engine in the browser."""
    pairs = (page.get_attribute(strip, "data-figures") or "").split()
    return {name: float(value) for name, value in (pair.split("=") for pair in pairs)}
