"""Measure the live page: a real server, a real Chromium, a film as its camera.

    python benchmarks/live.py all --minutes 10
    python benchmarks/live.py first rate slow          # any parts, in any order

Parts: ``first`` time from Start to the first drawn box; ``rate`` shown rate and age of results; ``slow`` the same with
a classifier slowed to 300 ms; ``sessions`` four people at once and a fifth; ``capacity`` what the server takes of the
cores with one to four people; ``memory`` growth of the server over minutes; ``cycles`` 100 starts and stops;
``browser`` the engine in the browser: first face, rates, the page's main thread, what it asks of the server, memory.
Each prints its rows beside what is demanded; ``benchmarks/live.json`` keeps them. ``echo`` is the reference: the same
film through the same stack with a callback that returns the frame as it came.
"""

from __future__ import annotations

import argparse
import json
import os
import subprocess
import sys
import tempfile
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import UTC, datetime
from pathlib import Path
from typing import NamedTuple

ROOT = Path(__file__).resolve().parent.parent
sys.path.insert(0, str(ROOT))

import psutil  # noqa: E402
from playwright.sync_api import Page, Playwright, sync_playwright  # noqa: E402

from benchmarks.machine import describe_machine  # noqa: E402
from tests.browser import live_page  # noqa: E402
from tests.browser.camera import FPS, moving_face, write_y4m  # noqa: E402

RESULTS = Path(__file__).with_suffix(".json")
SLOWED_SECONDS = 0.3
WARM_UP_SECONDS = 6.0
JOINED_SECONDS = 15.0
"""How long WebRTC takes to find its bit rate after somebody has joined a full house."""


class Row(NamedTuple):
    """One measured figure beside what is demanded of it."""

    part: str
    name: str
    value: float
    unit: str
    demanded: str = ""
    passed: bool | None = None


def at_least(part: str, name: str, value: float, limit: float, unit: str) -> Row:
    return Row(part, name, round(value, 2), unit, f">= {limit:g}", value >= limit)


def at_most(part: str, name: str, value: float, limit: float, unit: str) -> Row:
    return Row(part, name, round(value, 2), unit, f"<= {limit:g}", value <= limit)


def plain(part: str, name: str, value: float, unit: str) -> Row:
    return Row(part, name, round(value, 2), unit)


class Bench:
    """A film, a browser that shows it, and servers to look at it."""

    def __init__(self, playwright: Playwright, film: Path, port: int, seconds: float, minutes: float) -> None:
        self.playwright = playwright
        self.film = film
        self.port = port
        self.seconds = seconds
        self.minutes = minutes

    @contextmanager
    def server(self, mode: str = "plain") -> Iterator[psutil.Process]:
        """Run the app, changed as a mode of :func:`serve` says."""
        command = [sys.executable, str(Path(__file__).resolve()), "serve", "--mode", mode, "--port", str(self.port)]
        with tempfile.TemporaryFile() as log:
            process = subprocess.Popen(command, cwd=ROOT, stdout=log, stderr=log)
            try:
                self._wait(process)
                yield psutil.Process(process.pid)
            finally:
                process.terminate()
                try:
                    process.wait(15)
                except subprocess.TimeoutExpired:
                    process.kill()

    def _wait(self, process: subprocess.Popen) -> None:
        import urllib.request

        deadline = time.monotonic() + 120
        while time.monotonic() < deadline:
            if process.poll() is not None:
                raise SystemExit(f"The server ended with status {process.returncode}. Is port {self.port} free?")
            try:
                urllib.request.urlopen(f"{self.url}/_stcore/health", timeout=2).close()
                return
            except OSError:
                time.sleep(0.3)
        raise SystemExit("The server did not start within two minutes.")

    @property
    def url(self) -> str:
        """Address of the server."""
        return f"http://localhost:{self.port}"

    @contextmanager
    def pages(self, count: int = 1) -> Iterator[list[Page]]:
        """Open the live page so many times, each in a session of its own."""
        with live_page.browser_with_camera(self.playwright, self.film) as browser:
            pages = []
            for _ in range(count):
                page = browser.new_context(viewport={"width": 1280, "height": 900}).new_page()
                page.set_default_timeout(120_000)
                live_page.open_live(page, self.url)
                pages.append(page)
            yield pages

    def follow(self, page: Page) -> dict[str, float]:
        """Let a page run, and return its rates: counted in the browser, and as the page reports them."""
        page.wait_for_timeout(WARM_UP_SECONDS * 1000)
        frames, decoded, start = live_page.frames_shown(page), live_page.frames_decoded(page), time.monotonic()
        ages, ended = [], start + self.seconds
        while time.monotonic() < ended:
            page.wait_for_timeout(1000)
            ages.append(live_page.figures(page))
        elapsed = time.monotonic() - start
        fps = (live_page.frames_shown(page) - frames) / elapsed
        decoded_fps = (live_page.frames_decoded(page) - decoded) / elapsed
        mean = {name: sum(a.get(name, 0.0) for a in ages) / len(ages) for name in ages[-1]}
        return {
            **mean,
            "browser_fps": fps,
            "decoded_fps": decoded_fps,
            "worst_age_p95": max(a.get("age_p95", 0.0) for a in ages),
        }


def first(bench: Bench) -> list[Row]:
    """Time from Start to the first picture with a drawn label, three times on a server that has served once."""
    rows = []
    with bench.server():
        for attempt in ("cold", "second", "third"):
            with bench.pages() as (page,):
                live_page.press(page, "Start")
                start, before = time.monotonic(), None
                while time.monotonic() - start < 60:
                    counts = live_page.color_counts(page)
                    before = before or counts
                    if counts and before and max(counts[n] - before[n] for n in counts if n != "neutral") > 1200:
                        break
                    page.wait_for_timeout(30)
                taken = time.monotonic() - start
                rows.append(at_most("first", f"Start to first drawn face, {attempt}", taken, 3, "s"))
    return rows


def rate(bench: Bench, part: str = "rate", mode: str = "plain") -> list[Row]:
    """Shown rate and age of results of one session."""
    with bench.server(mode), bench.pages() as (page,):
        live_page.press(page, "Start")
        page.wait_for_selector(live_page.PERFORMANCE)
        found = bench.follow(page)
    rows = [
        at_least(part, "shown, counted in the browser", found["browser_fps"], 0.95 * FPS, "fps"),
        plain(part, "arrived in the browser", found["decoded_fps"], "fps"),
    ]
    if mode == "plain":
        rows.append(at_most(part, "age of results, 95th percentile", found["age_p95"], 120, "ms"))
    names = ("shown_fps", "analyses_per_second", "age_p50", "decode_ms", "detect_ms", "classify_ms", "draw_ms")
    return rows + [
        plain(part, n, found[n], "ms" if n.endswith("ms") or n.startswith("age") else "/s") for n in names if n in found
    ]


def slow(bench: Bench) -> list[Row]:
    """The same with a classifier that takes 300 ms."""
    return rate(bench, "slow", "slow")


def echo(bench: Bench) -> list[Row]:
    """The reference: frames come back as they were."""
    with bench.server("echo"), bench.pages() as (page,):
        live_page.press(page, "Start")
        page.wait_for_timeout(WARM_UP_SECONDS * 1000)
        frames, start = live_page.frames_shown(page), time.monotonic()
        page.wait_for_timeout(bench.seconds * 1000)
        return [
            plain(
                "echo",
                "shown without any work",
                (live_page.frames_shown(page) - frames) / (time.monotonic() - start),
                "fps",
            )
        ]


def join(page: Page) -> None:
    """Press Start and wait for the first picture."""
    page.wait_for_timeout(4000)  # the page follows in three seconds how many are live
    live_page.press(page, "Start")
    deadline = time.monotonic() + 60
    while not live_page.frames_shown(page) and time.monotonic() < deadline:
        page.wait_for_timeout(200)


def served(bench: Bench, pages: list[Page]) -> tuple[list[float], list[float], list[float]]:
    """Return by page the frames per second that were shown and that arrived, and the analyses per second."""
    shown, decoded = ([count(page) for page in pages] for count in (live_page.frames_shown, live_page.frames_decoded))
    start = time.monotonic()
    pages[0].wait_for_timeout(bench.seconds * 1000)
    elapsed = time.monotonic() - start
    return (
        [(live_page.frames_shown(page) - before) / elapsed for page, before in zip(pages, shown, strict=True)],
        [(live_page.frames_decoded(page) - before) / elapsed for page, before in zip(pages, decoded, strict=True)],
        [live_page.figures(page).get("analyses_per_second", 0.0) for page in pages],
    )


def sessions(bench: Bench) -> list[Row]:
    """Four people at once, and a fifth past the cap."""
    rows = []
    with bench.server(), bench.pages(5) as pages:
        for page in pages[:4]:
            join(page)
        pages[0].wait_for_timeout(JOINED_SECONDS * 1000)
        shown, arrived, analyses = served(bench, pages[:4])
        rows.append(at_least("sessions", "shown by the slowest of four", min(shown), 12, "fps"))
        rows.append(at_least("sessions", "analyses of the least served", min(analyses), 4, "/s"))
        rows.append(plain("sessions", "shown by the fastest", max(shown), "fps"))
        rows.append(plain("sessions", "arrived at the slowest", min(arrived), "fps"))
        rows.append(plain("sessions", "analyses of the most served", max(analyses), "/s"))
        try:
            pages[4].get_by_text("The server is busy").wait_for(timeout=20_000)
            told = 1.0
        except Exception:
            told = 0.0
        rows.append(at_least("sessions", "the fifth is told that the server is busy", told, 1, ""))
    return rows


def capacity(bench: Bench) -> list[Row]:
    """What one to four people get, and what the server takes of the cores for them; their browsers take the rest."""
    rows = []
    with bench.server() as process, bench.pages(4) as pages:
        for count in range(1, 5):
            join(pages[count - 1])
            pages[0].wait_for_timeout(JOINED_SECONDS * 1000)
            used, start = cpu_seconds(process), time.monotonic()
            shown, _, analyses = served(bench, pages[:count])
            cores = (cpu_seconds(process) - used) / (time.monotonic() - start)
            rows.append(plain("capacity", f"viewers {count}: cores that the server took", cores, ""))
            rows.append(plain("capacity", f"viewers {count}: shown by the slowest", min(shown), "fps"))
            rows.append(plain("capacity", f"viewers {count}: analyses of the least served", min(analyses), "/s"))
    return rows


def cpu_seconds(process: psutil.Process) -> float:
    """Return the processor time that a process has taken."""
    times = process.cpu_times()
    return times.user + times.system


def memory(bench: Bench) -> list[Row]:
    """Growth of the server's memory after the first minute."""
    with bench.server() as process, bench.pages() as (page,):
        live_page.press(page, "Start")
        page.wait_for_timeout(60_000)
        first_minute = process.memory_info().rss / 2**20
        peak, ended = first_minute, time.monotonic() + 60 * max(0.5, bench.minutes - 1)
        while time.monotonic() < ended:
            page.wait_for_timeout(5000)
            peak = max(peak, process.memory_info().rss / 2**20)
        last = process.memory_info().rss / 2**20
        return [
            at_most("memory", f"growth from minute 1 to {bench.minutes:g}", last - first_minute, 30, "MB"),
            plain("memory", "peak above minute 1", peak - first_minute, "MB"),
            plain("memory", "resident", last, "MB"),
        ]


# Notes how long each piece of work holds the page's main thread.
_WATCH = """
async () => {
  const script = performance.getEntriesByType("resource").find((entry) => entry.name.endsWith("/live.js"));
  const { Live } = await import(script.name);
  window.held = [];
  for (const name of ["paint", "offer", "receive", "redraw"]) {
    const work = Live.prototype[name];
    Live.prototype[name] = function (...values) {
      const start = performance.now();
      try { return work.apply(this, values); } finally { window.held.push(performance.now() - start); }
    };
  }
}
"""


def browser(bench: Bench) -> list[Row]:
    """The engine in the browser: first face, rates, age, the page's main thread, the server's part, memory."""
    with bench.server() as process, live_page.browser_with_camera(bench.playwright, bench.film) as chromium:
        rows = []
        context = chromium.new_context(viewport={"width": 1280, "height": 900})
        for cache, limit in (("empty", 3), ("filled", 1.5)):
            page = context.new_page()
            page.set_default_timeout(120_000)
            live_page.open_in_browser(page, bench.url)
            start = time.monotonic()
            live_page.start_button(page).click()
            page.wait_for_selector(live_page.BROWSER_LABEL)
            rows.append(at_most("browser", f"Start to first face, cache {cache}", time.monotonic() - start, limit, "s"))
            if cache == "empty":
                page.close()
        page.evaluate(_WATCH)
        return rows + browser_rates(bench, page, process) + browser_memory(bench, page)


def browser_rates(bench: Bench, page: Page, server: psutil.Process) -> list[Row]:
    """Count for a while what a page shows and computes, and what it asks of the server."""
    page.wait_for_timeout(WARM_UP_SECONDS * 1000)
    video = page.locator("video")
    shown = "(v) => v.getVideoPlaybackQuality().totalVideoFrames - v.getVideoPlaybackQuality().droppedVideoFrames"
    requests: list[str] = []
    page.on("request", lambda request: requests.append(request.url))
    frames, used, start, seen = video.evaluate(shown), cpu_seconds(server), time.monotonic(), []
    page.evaluate("() => { window.held.length = 0; }")
    while time.monotonic() - start < bench.seconds:
        page.wait_for_timeout(1000)
        seen.append(live_page.figures(page, live_page.BROWSER_PERFORMANCE))
    elapsed = time.monotonic() - start
    mean = {name: sum(figures[name] for figures in seen) / len(seen) for name in seen[-1]}
    held = sorted(page.evaluate("window.held"))
    return [
        at_least("browser", "shown of the camera's frames", (video.evaluate(shown) - frames) / elapsed, 29, "fps"),
        at_least("browser", "analyses", mean["analyses_per_second"], 15, "/s"),
        at_most("browser", "age of what is drawn, 95th percentile", mean["age_p95"], 90, "ms"),
        plain("browser", "age of what is drawn, median", mean["age_p50"], "ms"),
        plain("browser", "detect", mean["detect_ms"], "ms"),
        plain("browser", "classify", mean["classify_ms"], "ms"),
        at_most("browser", "main thread held, 99th percentile", held[int(0.99 * (len(held) - 1))], 8, "ms"),
        at_most("browser", "cores of the server", (cpu_seconds(server) - used) / elapsed, 0.01, ""),
        at_most("browser", "requests to the server", len(requests), 0, ""),
    ]


def browser_memory(bench: Bench, page: Page) -> list[Row]:
    """Growth of the browser's pages from the first quarter of the time to the last, by the means of both."""
    samples, ended = [], time.monotonic() + 60 * bench.minutes
    while time.monotonic() < ended:
        page.wait_for_timeout(2000)
        samples.append(renderers_mb())
    quarter = max(1, len(samples) // 4)
    growth = (sum(samples[-quarter:]) - sum(samples[:quarter])) / quarter
    return [at_most("browser", f"growth in {bench.minutes:g} minutes", growth, 10, "MB")]


def renderers_mb() -> float:
    """Return the resident memory of all pages of this process's browsers."""
    found = [child for child in psutil.Process().children(recursive=True) if "--type=renderer" in child.cmdline()]
    return sum(child.memory_info().rss for child in found) / 2**20


def cycles(bench: Bench, count: int = 100) -> list[Row]:
    """Threads and memory after 100 processors were started and stopped with the bundled run, in this process."""
    import av
    import numpy as np

    from emoscope.dashboard.live.analysis_pool import AnalysisPool
    from emoscope.dashboard.live.processor import LiveProcessor, LiveSettings
    from emoscope.model.faces.detectors import DEFAULT_DETECTOR, create_detector
    from emoscope.model.networks.load import load_classifier
    from emoscope.model.pipeline import Pipeline
    from emoscope.model.runs.run import load_run

    pipeline = Pipeline(create_detector(DEFAULT_DETECTOR, for_video=True), load_classifier(load_run("emoscope")))
    frame = av.VideoFrame.from_ndarray(np.ascontiguousarray(next(iter(moving_face()))), format="bgr24")
    pool, process = AnalysisPool(), psutil.Process()

    def cycle() -> None:
        processor = LiveProcessor(pool, LiveSettings(pipeline))
        deadline = time.monotonic() + 20
        while processor.view().performance.stages.get("detect") is None and time.monotonic() < deadline:
            processor.recv(frame)
            time.sleep(0.03)
        processor.on_ended()

    for _ in range(5):
        cycle()
    time.sleep(2)
    threads, resident = threading.active_count(), process.memory_info().rss
    for _ in range(count):
        cycle()
    time.sleep(2)
    return [
        at_most("cycles", f"threads left by {count} starts and stops", threading.active_count() - threads, 0, ""),
        at_most("cycles", "growth of memory", (process.memory_info().rss - resident) / 2**20, 30, "MB"),
    ]


PARTS: dict[str, Callable[[Bench], list[Row]]] = {
    "first": first,
    "echo": echo,
    "rate": rate,
    "slow": slow,
    "sessions": sessions,
    "capacity": capacity,
    "memory": memory,
    "browser": browser,
    "cycles": cycles,
}


def serve(mode: str, port: int) -> None:
    """Run the app with a slowed classifier or an idle callback, as no setting of the app should."""
    from emoscope.dashboard import __main__ as app
    from emoscope.dashboard.live.processor import LiveProcessor
    from emoscope.model.pipeline import Pipeline

    if mode == "slow":
        quick = Pipeline.classify

        def slowed(self, frame_bgr, detections):
            time.sleep(SLOWED_SECONDS)
            return quick(self, frame_bgr, detections)

        Pipeline.classify = slowed
    elif mode == "echo":
        LiveProcessor.recv = lambda self, frame: frame
    sys.argv = ["python -m dashboard", "--port", str(port), "--headless"]
    app.main()


def show(rows: list[Row]) -> None:
    width = max(len(row.name) for row in rows)
    for row in rows:
        verdict = "" if row.passed is None else "ok" if row.passed else "MISSED"
        print(f"{row.part:9} {row.name:{width}} {row.value:9.2f} {row.unit:4} {row.demanded:9} {verdict}", flush=True)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument(
        "parts", nargs="+", choices=["all", "serve", *PARTS], metavar="part", help=", ".join(["all", *PARTS])
    )
    parser.add_argument("--minutes", type=float, default=10, help="length of the part memory (default 10)")
    parser.add_argument("--seconds", type=float, default=20, help="how long rates are counted (default 20)")
    parser.add_argument("--port", type=int, default=8555)
    parser.add_argument("--mode", default="plain", choices=["plain", "slow", "echo"], help="of the part serve")
    arguments = parser.parse_args()
    if arguments.parts == ["serve"]:
        serve(arguments.mode, arguments.port)
        return
    names = list(PARTS) if "all" in arguments.parts else list(dict.fromkeys(arguments.parts))
    rows: list[Row] = []
    with tempfile.TemporaryDirectory() as folder, sync_playwright() as playwright:
        film = write_y4m(Path(folder) / "face.y4m", moving_face())
        bench = Bench(playwright, film, arguments.port, arguments.seconds, arguments.minutes)
        for name in names:
            measured = PARTS[name](bench)
            show(measured)
            rows += measured
    kept = json.loads(RESULTS.read_text()) if RESULTS.is_file() else {"parts": {}}
    load = os.getloadavg()[0] if hasattr(os, "getloadavg") else float("nan")
    for name in names:
        kept["parts"][name] = {
            "measured": datetime.now(UTC).isoformat(timespec="seconds"),
            "load_average": round(load, 1),
            "machine": describe_machine(),
            "rows": [row._asdict() for row in rows if row.part == name],
        }
    kept.setdefault("machine", describe_machine())  # of parts that do not name theirs
    RESULTS.write_text(json.dumps(kept, indent=2) + "\n")
    sys.exit(any(row.passed is False for row in rows))


if __name__ == "__main__":
    main()
