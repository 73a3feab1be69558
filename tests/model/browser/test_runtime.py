import base64
import hashlib
import io
import json
import tarfile
import threading
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

import pytest

from emoscope.model.browser import runtime
from emoscope.model.errors import EngineError

CORE = {
    "dist/index.js": b'import { createWasmLib } from "@litertjs/wasm-utils";',
    "dist/index.d.ts": b"not served",
    "wasm/litert_wasm_internal.js": b"fast",
    "wasm/litert_wasm_internal.wasm": b"\0asm fast" * 99,
    "wasm/litert_wasm_compat_internal.js": b"plain",
    "wasm/litert_wasm_compat_internal.wasm": b"\0asm plain",
    "wasm/litert_wasm_threaded_internal.wasm": b"not served",
    "package.json": b'{"license": "Apache-2.0"}',
    "../../escaped.js": b"outside",
}
UTILS = {"dist/index.js": b"export { createWasmLib };", "package.json": b"{}"}


def archive(files):
    stream = io.BytesIO()
    with tarfile.open(fileobj=stream, mode="w:gz") as tar:
        for name, content in files.items():
            member = tarfile.TarInfo(f"package/{name}")
            member.size = len(content)
            tar.addfile(member, io.BytesIO(content))
    return stream.getvalue()


@pytest.fixture
def registry(tmp_path, monkeypatch):
    """A registry on this machine that serves two small archives, which a lock file pins; returns what was asked."""
    served = {
        "/@litertjs/core/-/core-1.0.0.tgz": archive(CORE),
        "/@litertjs/wasm-utils/-/wasm-utils-1.0.0.tgz": archive(UTILS),
    }
    asked = []

    class Handler(BaseHTTPRequestHandler):
        def do_GET(self):
            asked.append(self.path)
            content = served.get(self.path)
            self.send_response(200 if content else 404)
            self.end_headers()
            self.wfile.write(content or b"")

        def log_message(self, *_):
            pass

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    packages = {
        f"node_modules{path.partition('/-/')[0]}": {
            "version": "1.0.0",
            "integrity": "sha512-" + base64.b64encode(hashlib.sha512(content).digest()).decode(),
        }
        for path, content in served.items()
    }
    lock = tmp_path / "package-lock.json"
    lock.write_text(json.dumps({"packages": {"": {}, **packages}}))
    monkeypatch.setattr(runtime, "LOCK_FILE", lock)
    monkeypatch.setenv("EMOSCOPE_CACHE", str(tmp_path / "cache"))
    monkeypatch.setenv("npm_config_registry", f"http://127.0.0.1:{server.server_port}/")
    for name in ("http_proxy", "HTTP_PROXY", "all_proxy", "ALL_PROXY"):
        monkeypatch.delenv(name, raising=False)
    yield asked, served
    server.shutdown()
    server.server_close()


def test_what_is_served_is_fetched_once_and_nothing_else_is_unpacked(registry, tmp_path):
    asked, served = registry
    arrived = []
    folder = runtime.fetch_runtime(arrived.append)
    assert arrived[-1] == sum(map(len, served.values()))
    names = {name for name in runtime.runtime_names() for name in (name, f"{name}.gz")}
    assert {file.name for file in folder.iterdir()} == names | {runtime.MANIFEST}
    assert not list(tmp_path.rglob("escaped.js"))
    assert runtime.runtime_file("litert.js") == b'import { createWasmLib } from "./litert_wasm_utils.js";'
    assert list(folder.parent.iterdir()) == [folder], "nothing half written is left"
    runtime.check_runtime()
    assert runtime.fetch_runtime() == folder and len(asked) == len(served)


def test_an_archive_with_another_hash_is_refused(registry):
    _, served = registry
    served["/@litertjs/core/-/core-1.0.0.tgz"] = archive({**CORE, "dist/index.js": b"evil"})
    with pytest.raises(EngineError, match="SHA-512 differs"):
        runtime.fetch_runtime()
    assert not runtime.is_here()


def test_a_registry_out_of_reach_is_a_sentence_and_the_command_goes_on(registry, capsys):
    _, served = registry
    served.clear()
    assert runtime.main() == 1
    assert "cannot be fetched from http" in capsys.readouterr().err


@pytest.mark.parametrize("name", ["litert_wasm_internal.wasm", "litert.js.gz"])
def test_a_damaged_file_is_named(registry, name):
    folder = runtime.fetch_runtime()
    runtime.check_runtime()
    content = bytearray((folder / name).read_bytes())
    content[5] ^= 1
    (folder / name).write_bytes(bytes(content))
    with pytest.raises(EngineError, match=f"{name} is damaged"):
        runtime.runtime_file(name)
    with pytest.raises(EngineError, match=f"{name} is damaged"):
        runtime.check_runtime()


def test_a_missing_file_is_named(registry):
    (runtime.fetch_runtime() / "litert.js").unlink()
    with pytest.raises(EngineError, match=r"litert\.js cannot be read"):
        runtime.check_runtime()


def test_a_fetch_that_broke_off_is_made_good(registry):
    folder = runtime.runtime_folder()
    folder.mkdir(parents=True)
    (folder / "litert.js").write_text("half")
    runtime.fetch_runtime()
    runtime.check_runtime()


@pytest.mark.parametrize(
    ("environment", "npmrc", "expected"),
    [
        ({}, None, runtime.REGISTRY),
        ({}, "registry=https://npm.example.org/\nfund=false\n", "https://npm.example.org"),
        ({}, "fund=false\n@other:registry=https://other.example.org\n", runtime.REGISTRY),
        ({"npm_config_registry": "https://a.example.org/"}, "registry=https://b.example.org", "https://a.example.org"),
        ({"NPM_CONFIG_REGISTRY": "https://a.example.org"}, None, "https://a.example.org"),
    ],
)
def test_the_registry_is_the_one_that_npm_would_ask(tmp_path, environment, npmrc, expected):
    if npmrc is not None:
        (tmp_path / ".npmrc").write_text(npmrc)
    assert runtime.registry(environment, tmp_path) == expected


def test_the_lock_file_pins_each_package_by_hash_and_names_no_host():
    text = runtime.LOCK_FILE.read_text(encoding="utf-8")
    assert "resolved" not in text and json.loads(text)["lockfileVersion"] == 3
    packages = runtime.locked_packages()
    assert {package.name for package in packages} == {"@litertjs/core", "@litertjs/wasm-utils"}
    assert all(len(base64.b64decode(package.sha512)) == 64 for package in packages)
    address = packages[0].address("https://r")
    assert address == f"https://r/@litertjs/core/-/core-{packages[0].version}.tgz"
