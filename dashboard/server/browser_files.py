"""The browser engine's files below ``/browser``, for a year in the browser's cache: each address names a content.

``<version>/<name>`` is a file of the bundle, ``run/<hash>/<run>`` the network of a saved run.
"""

from __future__ import annotations

import gzip
import hashlib
from functools import cache, lru_cache

from starlette.applications import Starlette
from starlette.concurrency import run_in_threadpool
from starlette.requests import Request
from starlette.responses import PlainTextResponse, Response
from starlette.routing import Route

from emoscope.dashboard.ui import resources
from emoscope.model.browser.bundle import MEDIA_TYPES, bundle_file, bundle_version, compressed_file
from emoscope.model.browser.setup import run_network
from emoscope.model.errors import EmoscopeError
from emoscope.model.runs.exports import VARIANTS
from emoscope.model.runs.run import EXPORTS_FOLDER

BELOW = "browser"
"""Where the files lie below the app's own address."""

_FOREVER = {"Cache-Control": "public, max-age=31536000, immutable", "Vary": "Accept-Encoding"}
_OLD = "This address is of another version of the app. Reload the page."


def module_address() -> str:
    """Return the address of the engine's main module, below the app's."""
    return f"{BELOW}/{bundle_version()}/live.js"


def network_address(run_key: str) -> str:
    """Return the address of a run's network, relative to the modules'.

    Raises:
        RunError, EngineError: The run cannot be opened, or the browser cannot run its network.
    """
    _, digest, _ = _network(run_key, resources.stamp(run_key))
    return f"../run/{digest}/{run_key}"


def network(run_key: str) -> bytes:
    """Return a run's network in the form for the browser; raises as :func:`network_address` does."""
    return _network(run_key, resources.stamp(run_key))[0]


@lru_cache(maxsize=8)
def _network(run_key: str, stamp: tuple[int, ...]) -> tuple[bytes, str, bytes]:
    """Return the network, its hash and the compressed network."""
    content = run_network(resources.run(run_key))
    return content, hashlib.sha256(content).hexdigest()[:16], gzip.compress(content, 6, mtime=0)


def is_served() -> bool:
    """Tell whether this process serves them; ``streamlit run`` does not."""
    return create_browser_files.cache_info().currsize > 0


@cache
def create_browser_files() -> Starlette:
    """Return the application that serves them."""
    return Starlette(
        routes=[Route("/run/{digest}/{key:path}", _answer_network), Route("/{version}/{name}", _answer_file)]
    )


async def _answer_file(request: Request) -> Response:
    name, wants_gzip = request.path_params["name"], _takes_gzip(request)
    if request.path_params["version"] != await run_in_threadpool(bundle_version):
        return PlainTextResponse(_OLD, 404)
    try:
        content = await run_in_threadpool(compressed_file if wants_gzip else bundle_file, name)
    except KeyError:
        return PlainTextResponse("There is no such file.", 404)
    except EmoscopeError as error:
        return PlainTextResponse(str(error), 503)
    return _lasting(content, MEDIA_TYPES[name[name.rindex(".") :]], wants_gzip)


async def _answer_network(request: Request) -> Response:
    try:
        key = request.path_params["key"]
        if not await run_in_threadpool(_is_saved, key):
            return PlainTextResponse("There is no such saved run.", 404)
        content, digest, compressed = await run_in_threadpool(lambda: _network(key, resources.stamp(key)))
    except EmoscopeError as error:
        return PlainTextResponse(str(error), 404)
    if digest != request.path_params["digest"]:
        return PlainTextResponse(_OLD, 404)
    wants_gzip = _takes_gzip(request)
    return _lasting(compressed if wants_gzip else content, MEDIA_TYPES[".tflite"], wants_gzip)


def _is_saved(key: str) -> bool:
    """Look a run or its export up among the saved ones, never as a path, which callers could point anywhere."""
    run_key, _, variant = key.partition(f"/{EXPORTS_FOLDER}/")
    return run_key in {run.key for run in resources.runs()} and (not variant or variant in VARIANTS)


def _takes_gzip(request: Request) -> bool:
    return "gzip" in request.headers.get("accept-encoding", "")


def _lasting(content: bytes, media_type: str, is_gzip: bool) -> Response:
    encoding = {"Content-Encoding": "gzip"} if is_gzip else {}
    return Response(content, media_type=media_type, headers={**_FOREVER, **encoding})
