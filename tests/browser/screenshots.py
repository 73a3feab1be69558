"""Photograph every page: ``python tests/browser/screenshots.py FOLDER [--url URL] [--only PAGE]``.

Each page comes as ``NAME.png``, ``NAME-dark.png``, ``NAME-phone.png`` and ``NAME-phone-dark.png``. Without ``--url``
the app is started for it.
"""

from __future__ import annotations

import argparse
import sys
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parents[2]))

from playwright.sync_api import Page, sync_playwright

from emoscope.dashboard.ui.navigation import PAGES
from tests.browser.serving import find_chromium, serving, wait_until_idle

SIZES = {"desktop": (1440, 900), "phone": (390, 844)}
SCHEMES = ("light", "dark")


def prepare(page: Page, name: str) -> None:
    """Bring a page into a state worth showing."""
    if name == "predict":
        page.get_by_test_id("stButtonGroup").get_by_text("Samples").click()
        wait_until_idle(page)
        for sample in ("Twenty faces", "One face"):
            page.get_by_role("button", name=sample).click()
            wait_until_idle(page)


def main() -> None:
    """Take the pictures."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("folder", type=Path)
    parser.add_argument("--url", help="of a running app")
    parser.add_argument("--only", action="append", help="name of a page, e.g. predict")
    parser.add_argument("--size", action="append", choices=SIZES, help="only this size")
    parser.add_argument("--scheme", action="append", choices=SCHEMES, help="only this colour scheme")
    parser.add_argument("--full", action="store_true", help="the whole page instead of one screen")
    arguments = parser.parse_args()
    arguments.folder.mkdir(parents=True, exist_ok=True)
    names = ["home", *(entry.path.stem for entry in PAGES)]
    with serving(arguments.url) as url, sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=find_chromium(), args=["--no-sandbox"])
        for size in arguments.size or SIZES:
            width, height = SIZES[size]
            for scheme in arguments.scheme or SCHEMES:
                context = browser.new_context(
                    viewport={"width": width, "height": height}, color_scheme=scheme, device_scale_factor=1
                )
                page = context.new_page()
                for name in names:
                    if arguments.only and name not in arguments.only:
                        continue
                    page.goto(url if name == "home" else f"{url}/{name}")
                    wait_until_idle(page)
                    prepare(page, name)
                    form = ("-phone" if size == "phone" else "") + ("-dark" if scheme == "dark" else "")
                    file = arguments.folder / f"{name}{form}.png"
                    if arguments.full:
                        tall = page.evaluate("document.querySelector('[data-testid=stMain]').scrollHeight")
                        page.set_viewport_size({"width": width, "height": max(height, tall)})
                        wait_until_idle(page)
                    page.screenshot(path=file)
                    page.set_viewport_size({"width": width, "height": height})
                    print(file)
                context.close()
        browser.close()


if __name__ == "__main__":
    main()
