import asyncio
import gzip
import re
from types import SimpleNamespace

import pytest
from starlette.datastructures import Headers

from emoscope.dashboard.server import browser_files
from emoscope.model.browser import bundle
from emoscope.model.browser.setup import run_network
from emoscope.model.errors import EngineError
from emoscope.model.runs.run import load_run


@pytest.fixture
def get():
    """Return a function that asks for a path and returns the answer."""
    browser_files.create_browser_files.cache_clear()
    app = browser_files.create_browser_files()

    def ask(path, accepted="gzip"):
        scope = {
            "type": "http",
            "method": "GET",
            "path": path,
            "root_path": "",
            "query_string": b"",
            "headers": [(b"accept-encoding", accepted.encode())],
        }
        messages = []

        async def receive():
            return {"type": "http.request"}

        async def send(message):
            messages.append(message)

        asyncio.run(app(scope, receive, send))
        body = b"".join(message.get("body", b"") for message in messages)
        return SimpleNamespace(
            status=messages[0]["status"],
            headers=Headers(raw=messages[0]["headers"]),
            body=body,
            text=body.decode("latin1"),
        )

    yield ask
    browser_files.create_browser_files.cache_clear()


def address(name):
    return f"/{bundle.bundle_version()}/{name}"


@pytest.mark.parametrize("name", ["live.js", "worker.js", "live.css", "blazeface_wide.tflite"])
def test_a_file_stays_in_the_cache_and_comes_compressed_where_that_is_taken(get, name):
    plain = get(address(name), "identity")
    assert plain.body == bundle.bundle_file(name)
    assert "immutable" in plain.headers["cache-control"] and "content-encoding" not in plain.headers
    packed = get(address(name))
    assert gzip.decompress(packed.body) == plain.body and packed.headers["content-encoding"] == "gzip"
    assert int(packed.headers["content-length"]) < len(plain.body)
    assert packed.headers["vary"] == "Accept-Encoding"


def test_webassembly_has_the_type_that_browsers_compile_while_it_arrives(get, monkeypatch):
    monkeypatch.setattr(bundle, "runtime_file", lambda name: gzip.compress(b"\0asm"))
    answer = get(address("litert_wasm_internal.wasm"))
    assert answer.headers["content-type"] == "application/wasm" and gzip.decompress(answer.body) == b"\0asm"


def test_a_damaged_file_is_refused_and_named(get, monkeypatch):
    def refuse(name):
        raise EngineError(f"The file {name} is damaged.", "Delete it.")

    monkeypatch.setattr(bundle, "runtime_file", refuse)
    answer = get(address("litert.js"))
    assert (answer.status, answer.text) == (503, "The file litert.js.gz is damaged. Delete it.")


@pytest.mark.parametrize("path", ["/0123456789abcdef/live.js", "/run/0123456789abcdef/emoscope"])
def test_an_address_of_another_version_is_gone(get, path):
    answer = get(path)
    assert answer.status == 404 and "Reload" in answer.text


@pytest.mark.parametrize("accepted", ["gzip", "identity"])
@pytest.mark.parametrize("name", ["nothing.js", "../../runtime.py", "__init__.py"])
def test_nothing_else_is_served(get, name, accepted):
    assert get(address(name), accepted).status == 404


@pytest.mark.parametrize("key", ["emoscope", "emoscope/exports/int8"])
def test_a_runs_network_is_served_under_its_hash(get, key):
    path = browser_files.network_address(key).removeprefix("..")
    answer = get(path)
    assert answer.status == 200 and gzip.decompress(answer.body) == run_network(load_run(key))
    assert "immutable" in answer.headers["cache-control"]


@pytest.mark.parametrize("key", ["../../etc", "nothing", "emoscope/exports/../../gap_cnn", "emoscope/exports/none"])
def test_a_run_is_looked_up_and_never_a_path(get, key):
    answer = get(f"/run/0123456789abcdef/{key}")
    assert answer.status == 404 and "no such saved run" in answer.text


def test_the_version_follows_the_content(monkeypatch):
    before = bundle.bundle_version()
    changed = {**bundle.own_files(), "live.js": b"changed"}
    monkeypatch.setattr(bundle, "own_files", lambda: changed)
    bundle.bundle_version.cache_clear()
    assert bundle.bundle_version() != before
    bundle.bundle_version.cache_clear()


def test_every_module_that_another_imports_is_in_the_bundle():
    names = set(bundle.bundle_names())
    for name, content in bundle.own_files().items():
        if name.endswith(".js"):
            imported = re.findall(r"(?:from |import\()\"\./([\w.]+)\"", content.decode())
            assert set(imported) <= names, name
