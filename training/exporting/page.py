"""A run as a page of its own: Live in the browser, for any static host."""

from __future__ import annotations

import json
from importlib.metadata import PackageNotFoundError, files
from pathlib import Path

from emoscope.model.browser.bundle import PAGE, bundle_file, bundle_names
from emoscope.model.browser.runtime import fetch_runtime, locked_packages
from emoscope.model.browser.setup import browser_setup, run_network
from emoscope.model.errors import OutputError
from emoscope.model.runs.exports import variant_folder
from emoscope.model.runs.run import Run, load_run

NETWORK, SETUP, CARD = "network.tflite", "setup.json", "MODEL_CARD.md"
_OF_THE_APP = ("mount.js", "litert.package.json", "litert_wasm_utils.package.json")
LICENCES, APACHE = "LICENCES.md", "LICENSE-APACHE.txt"

_LICENCES = """# Licences of what is in this folder

- {packages}: the runtime, Google, Apache License 2.0 ([text](LICENSE-APACHE.txt));
  the import in `litert.js` names its neighbour instead of a package.
- `blazeface_*.tflite`: MediaPipe's short-range face detector, Google, Apache License 2.0; shapes fixed.
- `face_confirm.tflite`: output network of the Python package mtcnn 1.0.0, Iván de Paz Centeno, MIT; converted.
- `{network}`: {name}. {licence}
- Everything else: Emoscope, MIT.
"""


def page_network(run: Run) -> tuple[Run, bytes]:
    """Return the run whose network the page holds, and its file: the form for browsers where it has been made.

    Raises:
        EngineError: The browser cannot run the network.
    """
    folder = variant_folder(run, "web")
    form = load_run(folder) if (folder / "model.tflite").is_file() else run
    return form, run_network(form)


def write_page(run: Run, folder: Path, card: str) -> None:
    """Write a folder with one page, the runtime, the detector, the network and its model card.

    Args:
        run: With a LiteRT file.
        folder: New or empty.
        card: Its model card as Markdown.

    Raises:
        OutputError: The folder holds something, or cannot be written.
        EngineError: The runtime cannot be had, or the browser cannot run the network.
    """
    if folder.is_dir() and any(folder.iterdir()):
        raise OutputError(f"{folder} is not empty.", "Name a new folder in --output.")
    fetch_runtime()
    form, network = page_network(run)
    contents = {name: bundle_file(name) for name in bundle_names() if name not in _OF_THE_APP}
    contents |= {file.name: file.read_bytes() for file in sorted(PAGE.iterdir()) if file.is_file()}
    contents[NETWORK] = network
    contents[SETUP] = json.dumps(browser_setup(form, NETWORK, network=network), indent=1).encode()
    contents[CARD] = card.encode()
    contents[LICENCES] = _licences(run).encode()
    contents[APACHE] = _apache_licence().encode()
    contents["files.json"] = json.dumps(sorted(contents)).encode()
    try:
        folder.mkdir(parents=True, exist_ok=True)
        for name, content in contents.items():
            (folder / name).write_bytes(content)
    except OSError as error:
        raise OutputError(f"{folder} cannot be written ({error.strerror or error}).", "Name another folder.") from error


def _licences(run: Run) -> str:
    packages = ", ".join(f"`{package.name}` {package.version}" for package in locked_packages())
    return _LICENCES.format(packages=packages, network=NETWORK, name=run.info.name, licence=run.info.licence)


def _apache_licence() -> str:
    """Return the text of the Apache License, which the Python package of the same runtime brings."""
    try:
        found = [file for file in files("ai-edge-litert") or () if file.name == "LICENSE"]
        return found[0].read_text(encoding="utf-8")
    except (PackageNotFoundError, OSError, IndexError):
        return "https://www.apache.org/licenses/LICENSE-2.0\n"
