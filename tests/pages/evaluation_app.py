"""Open an evaluation page without a browser."""

from __future__ import annotations

from streamlit.testing.v1 import AppTest

from tests.paths import ROOT


def open_page(name: str, **query: str) -> AppTest:
    """Run a page as a link with these query parameters would; a traceback on it fails the test."""
    page = AppTest.from_file(str(ROOT / "pages" / f"{name}.py"), default_timeout=60)
    for key, value in query.items():
        page.query_params[key] = value
    return checked(page.run())


def checked(page: AppTest) -> AppTest:
    """Return a page that has run, unless it shows a traceback."""
    assert not page.exception, [error.value for error in page.exception]
    return page


def texts(page: AppTest) -> str:
    """Return every sentence on a page that is a notice, a caption or a heading."""
    kinds = (page.error, page.warning, page.info, page.success, page.caption, page.subheader, page.markdown)
    return "\n".join(element.value for kind in kinds for element in kind)


def metrics(page: AppTest) -> dict[str, str]:
    """Return the tiles of a page by title."""
    return {tile.label: tile.value for tile in page.metric}
