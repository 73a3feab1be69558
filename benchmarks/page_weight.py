"""Count the bytes that each page costs a browser that was never here: ``python -m benchmarks.page_weight``.

A fresh Chromium opens a page of a running app; counted is what crosses the network until the page is drawn, headers and
WebSocket messages included. Beside it the same responses uncompressed. Printed and written to
``benchmarks/page_weight.json``; a page whose limit is exceeded makes the exit status 1.
"""

from __future__ import annotations

import argparse
import json
import sys
from pathlib import Path
from typing import Any

from playwright.sync_api import Browser, sync_playwright

from emoscope.dashboard.ui.navigation import PAGES
from tests.browser.serving import find_chromium, serving, wait_until_idle

LIMITS = {"home": 1.5e6}
SLOW_LINK = 150_000  # bytes per second, of a phone in the country


def binary_size(frame: dict[str, Any]) -> float:
    return len(frame["payloadData"]) * 3 / 4  # sent in base64


def weigh(browser: Browser, address: str) -> dict[str, int]:
    context = browser.new_context(viewport={"width": 1440, "height": 900})
    page = context.new_page()
    counted = {"transferred": 0, "unpacked": 0, "requests": 0}

    def add(kind: str, size: float) -> None:
        counted[kind] += int(size)

    network = context.new_cdp_session(page)
    network.send("Network.enable")
    network.on("Network.requestWillBeSent", lambda _: add("requests", 1))
    network.on("Network.dataReceived", lambda event: add("unpacked", event["dataLength"]))
    network.on("Network.loadingFinished", lambda event: add("transferred", event["encodedDataLength"]))
    network.on("Network.webSocketFrameReceived", lambda event: add("transferred", binary_size(event["response"])))
    page.goto(address)
    wait_until_idle(page)
    page.wait_for_load_state("networkidle")
    context.close()
    return counted


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--url", help="of a running app; without it one is started")
    parser.add_argument("--output", type=Path, default=Path(__file__).with_suffix(".json"))
    arguments = parser.parse_args()
    pages = {"home": "", **{entry.path.stem: entry.path.stem for entry in PAGES}}
    found: dict[str, Any] = {}
    with serving(arguments.url) as url, sync_playwright() as playwright:
        arguments_of_browser = ["--no-sandbox", "--disable-gpu"]
        browser = playwright.chromium.launch(executable_path=find_chromium(), args=arguments_of_browser)
        print(f"{'page':<16} {'MB':>6} {'unpacked':>9} {'requests':>9} {'s at 150 kB/s':>14}")
        for name, path in pages.items():
            weight = found[name] = weigh(browser, f"{url}/{path}")
            megabytes, unpacked = weight["transferred"] / 1e6, weight["unpacked"] / 1e6
            seconds = weight["transferred"] / SLOW_LINK
            print(f"{name:<16} {megabytes:>6.2f} {unpacked:>9.2f} {weight['requests']:>9} {seconds:>14.0f}")
        browser.close()
    arguments.output.write_text(json.dumps({"limits_bytes": LIMITS, "pages": found}, indent=2) + "\n")
    sys.exit(any(found[name]["transferred"] > limit for name, limit in LIMITS.items()))


if __name__ == "__main__":
    main()
