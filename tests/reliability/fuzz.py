"""Damaged and forged files of every kind that the project opens: each is read, or refused by one sentence.

``python -m tests.reliability.fuzz`` tries a thousand mutants of each kind, ``--inputs 1000000`` as many as there is
time for; ``--kinds pictures`` one kind, ``--first`` begins elsewhere. What is found is kept in ``corpus/`` and tried by
every run of the tests from then on. A finding is an exception that is no :class:`EmoscopeError`, more than 5 seconds of
a core, more than 500 MB, or the end of the process.
"""

from __future__ import annotations

import argparse
import asyncio
import io
import logging
import multiprocessing
import resource
import shutil
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from contextlib import suppress
from dataclasses import dataclass
from functools import cache
from multiprocessing.connection import Connection
from pathlib import Path
from typing import Any

import numpy as np

from emoscope.model.errors import EmoscopeError
from tests.paths import ASSETS, ROOT
from tests.reliability.mutators import cut, flipped, mutated, with_changed_entry, with_odd_cell, with_odd_field

CORPUS = Path(__file__).with_name("corpus")
SECONDS = 5
MEGABYTES = 500
PATIENCE = 60
"""Seconds of the clock after which a process that answers no more is ended."""

Seed = tuple[str, bytes]
"""File name and content."""


@dataclass(frozen=True)
class Kind:
    """One kind of input.

    Attributes:
        seeds: Makes whole files.
        use: Does with a file what the project does; gets its path.
        change: Changes a seed.
    """

    seeds: Callable[[], list[Seed]]
    use: Callable[[Path], object]
    change: Callable[[Seed, list[Seed], np.random.Generator], bytes]


def with_numbers(content: bytes, rng: np.random.Generator) -> bytes:
    """Put extreme numbers where a format keeps sizes and offsets."""
    changed = bytearray(content)
    extremes = (0, 1, 0x7F, 0xFF, 0x7FFF, 0xFFFF, 0x7FFFFFFF, 0xFFFFFFFF, 1000)
    for place in rng.integers(0, max(1, len(changed) - 4), rng.integers(1, 4)):
        width = int(rng.choice([1, 2, 4]))
        value = extremes[rng.integers(len(extremes))] & ((1 << 8 * width) - 1)
        changed[place : place + width] = value.to_bytes(width, ("little", "big")[rng.integers(2)])
    return bytes(changed)


def changed_bytes(seed: Seed, seeds: list[Seed], rng: np.random.Generator) -> bytes:
    """Change a binary file: some bytes, its end, its numbers, or a part of it for one of another file."""
    content = seed[1]
    way = rng.integers(5)
    if way == 0:
        return cut(content, rng)
    if way == 1:
        other = seeds[rng.integers(len(seeds))][1]
        return content[: rng.integers(len(content))] + other[rng.integers(len(other)) :]
    return flipped(content, rng) if way == 2 else with_numbers(content, rng)


def changed_text(seed: Seed, seeds: list[Seed], rng: np.random.Generator) -> bytes:
    """Change a text or binary file in a way that fits its name."""
    name, content = seed
    with suppress(ValueError, IndexError):  # a seed whose form does not fit its name
        if name.endswith((".csv", ".txt", ".yaml")) and rng.random() < 0.6:
            return with_odd_cell(content, rng)
        if name.endswith(".json") and rng.random() < 0.6:
            return with_odd_field(content, rng)
        if name.endswith(".npz") and rng.random() < 0.6:
            return mutated(name, content, rng)
    return changed_bytes(seed, seeds, rng)


def pictures() -> list[Seed]:
    """Small pictures in every form that the decoder reads."""
    from PIL import Image
    from pillow_heif import register_heif_opener

    register_heif_opener()
    rng = np.random.default_rng(0)
    rgb = Image.fromarray(rng.integers(0, 256, (40, 56, 3), np.uint8))
    forms: list[tuple[str, Image.Image, dict[str, object]]] = [
        ("png", rgb, {}),
        ("png", rgb.convert("P"), {"transparency": 3}),
        ("png", Image.fromarray(rng.integers(0, 4096, (40, 56)).astype(np.uint16)), {}),
        ("jpeg", rgb, {"quality": 80}),
        ("jpeg", rgb.convert("CMYK"), {"progressive": True}),
        ("jpeg", rgb, {"exif": b"Exif\0\0II*\0\x08\0\0\0\x01\0\x12\x01\x03\0\x01\0\0\0\x06\0\0\0\0\0\0\0"}),
        ("webp", rgb, {}),
        ("gif", rgb, {"save_all": True, "append_images": [rgb.rotate(9)]}),
        ("bmp", rgb, {}),
        ("tiff", rgb, {}),
        ("tiff", rgb, {"compression": "tiff_lzw"}),
        ("tiff", rgb.convert("L"), {"compression": "tiff_deflate"}),
        ("jpeg2000", rgb, {}),
        ("heif", rgb, {}),
        ("avif", rgb, {}),
    ]
    seeds = []
    for form, picture, options in forms:
        stream = io.BytesIO()
        picture.save(stream, form, **options)
        seeds.append((f"picture.{form}", stream.getvalue()))
    return seeds


def use_picture(path: Path) -> object:
    """Decode a picture."""
    from emoscope.model.images import decode_image

    return decode_image(path.read_bytes(), notes=[])


def results() -> list[Seed]:
    """Results of other programs."""
    files = sorted((ASSETS / "foreign").rglob("*"))
    return [
        (f.name, f.read_bytes())
        for f in files
        if f.is_file() and f.suffix not in (".py", "") and f.stat().st_size < 60_000
    ]


def use_result(path: Path) -> object:
    """Import a result."""
    from emoscope.model.runs.foreign.merge import import_results

    return import_results([path], name="x", root=path.parent / "runs", overwrite=True)


def run_zips() -> list[Seed]:
    """A zip with every file that a run can have."""
    from emoscope.model.runs.archive import pack_run
    from tests.reliability.test_mutated_runs import small_run

    with tempfile.TemporaryDirectory() as folder:
        return [("run.zip", pack_run(small_run(Path(folder))))]


def changed_zip(seed: Seed, seeds: list[Seed], rng: np.random.Generator) -> bytes:
    """Change a file within a zip, or the zip."""
    return with_changed_entry(seed[1], rng) if rng.random() < 0.7 else changed_bytes(seed, seeds, rng)


def use_run_zip(path: Path) -> object:
    """Open a zip as a run and do with it what the pages do."""
    from emoscope.model.runs.archive import open_run_archive
    from tests.reliability.test_mutated_runs import use

    run = open_run_archive(path.read_bytes(), path.parent / "session")
    use(run)
    return shutil.rmtree(run.path)


def tables() -> list[Seed]:
    """Data sets as tables."""
    rng = np.random.default_rng(0)

    def pixels() -> str:
        return " ".join(map(str, rng.integers(0, 256, 16)))

    usages = ("Training", "PublicTest", "PrivateTest")
    fer = "emotion,pixels,Usage\n" + "".join(f"{i % 7},{pixels()},{usages[i % 3]}\n" for i in range(42))
    named = "label;pixels\n" + "".join(f"{('sad', 'happy')[i % 2]};{pixels()}\n" for i in range(30))
    wide = "label," + ",".join(f"p{i}" for i in range(16)) + "\n"
    wide += "".join(f"{i % 2},{pixels().replace(' ', ',')}\n" for i in range(30))
    return [(f"{name}.csv", text.encode()) for name, text in (("fer", fer), ("named", named), ("wide", wide))]


def use_table(path: Path) -> object:
    """Load a table as a data set."""
    from emoscope.model.dataset import load_dataset

    return load_dataset(path, size=(4, 4), cache=False)


def configurations() -> list[Seed]:
    """The configurations that come with the project."""
    return [(path.name, path.read_bytes()) for path in sorted((ROOT / "training" / "configs").rglob("*.yaml"))]


def use_configuration(path: Path) -> object:
    """Read a configuration."""
    from emoscope.training.config.schema import load_config

    return load_config(path)


def clips() -> list[Seed]:
    """Short videos in several containers."""
    from tests.clips import make_clip

    forms = {"mp4": "libx264", "webm": "libvpx", "avi": "mpeg4", "matroska": "libx264", "gif": "gif"}
    return [(f"clip.{form}", make_clip(0.4, size=(64, 48), form=form, codec=codec)) for form, codec in forms.items()]


def use_clip(path: Path) -> object:
    """Decode up to thirty frames."""
    from emoscope.model.video.reader import Video

    with Video(path) as video:
        return [frame.to_bgr().shape for _, frame in zip(range(30), video.frames(), strict=False)]


def networks() -> list[Seed]:
    """LiteRT networks of a few kilobytes."""
    return [(path.name, path.read_bytes()) for path in sorted(ASSETS.glob("*.tflite"))]


def changed_network(seed: Seed, seeds: list[Seed], rng: np.random.Generator) -> bytes:
    """Change what looks like an index, a count or an offset."""
    if rng.random() < 0.2:
        return changed_bytes(seed, seeds, rng)
    content = bytearray(seed[1])
    words = np.frombuffer(bytes(content[: len(content) // 4 * 4]), "<i4")
    places = np.flatnonzero((words >= 0) & (words < 64))
    value = int(rng.choice([-1, 1, 7, 63, 255, 1000, 2**31 - 1, -(2**31)]))
    place = int(rng.choice(places)) * 4
    content[place : place + 4] = value.to_bytes(4, "little", signed=True)
    return bytes(content)


def use_network(path: Path) -> object:
    """Open a network as one of an uploaded run, and classify with it."""
    from emoscope.model.networks.load import load_classifier
    from tests.training.made_up import make_run

    run = make_run(path.parent / "runs")
    shutil.copy(path, run.path / "model.tflite")
    classifier = load_classifier(run)
    try:
        return classifier.classify(np.zeros((5, 48, 48, 1), np.uint8))
    finally:
        classifier.close()


def requests() -> list[Seed]:
    """Bodies of the API: a picture as it is, and as a form."""
    picture = dict(pictures())["picture.jpeg"]
    form = b'--b\r\nContent-Disposition: form-data; name="images"; filename="f.png"\r\nContent-Type: image/png\r\n\r\n'
    return [("body.png", picture), ("body.form", form + picture + b"\r\n--b--\r\n")]


@cache
def _api() -> Any:
    from emoscope.dashboard.api.app import create_api
    from emoscope.dashboard.api.measures import Measures
    from emoscope.dashboard.api.settings import ApiSettings

    return create_api(ApiSettings(images_per_minute=0), Measures())


def use_request(path: Path) -> object:
    """Send a body; whatever it is, the answer is no failure of the server."""
    kind = {".png": b"image/png", ".form": b"multipart/form-data; boundary=b"}[path.suffix]
    body, statuses = path.read_bytes(), []
    scope = {
        "type": "http",
        "method": "POST",
        "path": "/v1/predict",
        "query_string": b"detector=none",
        "headers": [(b"content-type", kind), (b"content-length", str(len(body)).encode())],
        "client": ("127.0.0.1", 1),
    }

    async def receive() -> dict[str, Any]:
        return {"type": "http.request", "body": body}

    async def send(message: dict[str, Any]) -> None:
        statuses.append(message.get("status", 0))

    asyncio.run(_api()(scope, receive, send))
    if max(statuses) >= 500:
        raise RuntimeError(f"status {max(statuses)}")
    return statuses


KINDS = {
    "pictures": Kind(pictures, use_picture, changed_bytes),
    "results": Kind(results, use_result, changed_text),
    "run_zips": Kind(run_zips, use_run_zip, changed_zip),
    "tables": Kind(tables, use_table, changed_text),
    "configurations": Kind(configurations, use_configuration, changed_text),
    "clips": Kind(clips, use_clip, changed_bytes),
    "networks": Kind(networks, use_network, changed_network),
    "requests": Kind(requests, use_request, changed_bytes),
}


@cache
def seeds_of(kind: str) -> list[Seed]:
    """Make the whole files of a kind."""
    return KINDS[kind].seeds()


def mutant(kind: str, number: int) -> Seed:
    """Make one changed file; the same for the same number."""
    seeds = seeds_of(kind)
    rng = np.random.default_rng([list(KINDS).index(kind), number])
    name, content = seeds[rng.integers(len(seeds))]
    return name, KINDS[kind].change((name, content), seeds, rng)


def tried(kind: str, seed: Seed) -> str:
    """Use one file in this process; return what was wrong, empty where nothing was."""
    name, content = seed
    with tempfile.TemporaryDirectory(prefix="fuzz") as folder:
        path = Path(folder, name)
        path.write_bytes(content)
        before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
        started = time.process_time()
        try:
            KINDS[kind].use(path)
        except EmoscopeError as error:
            if not error.message.endswith((".", "?")):
                return f"no sentence: {error.message!r}"
        except Exception as error:
            return f"{type(error).__name__}: {error}"[:300]
        seconds = time.process_time() - started
        megabytes = (resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - before) / 1024
        if seconds > SECONDS:
            return f"{seconds:.0f} seconds of a core"
        return f"{megabytes:.0f} MB" if megabytes > MEGABYTES else ""


def _work(kind: str, connection: Connection) -> None:
    logging.disable()  # of warnings that Streamlit writes where there is no page
    with suppress(Exception):
        tried(kind, seeds_of(kind)[0])  # loads what is loaded once
    while (number := connection.recv()) is not None:
        connection.send(tried(kind, mutant(kind, number)))


def findings(kind: str, numbers: range) -> Iterator[tuple[int, str]]:
    """Try mutants in a process that may die; yield number and what was wrong."""
    context = multiprocessing.get_context("spawn")
    process, mine = None, None
    for number in numbers:
        if process is None:
            mine, theirs = context.Pipe()
            process = context.Process(target=_work, args=(kind, theirs), daemon=True)
            process.start()
            theirs.close()
        mine.send(number)
        problem = ""
        try:
            problem = mine.recv() if mine.poll(PATIENCE) else f"no answer for {PATIENCE} s"
        except EOFError:
            process.join()
            problem = f"the process ended with {process.exitcode}"
        if problem:
            yield number, problem
            process.kill()
            process.join()
            process = None
    if process is not None:
        mine.send(None)
        process.join()


def keep(kind: str, number: int) -> Path:
    """Write a mutant into the corpus."""
    name, content = mutant(kind, number)
    file = CORPUS / kind / f"{number}-{name}"
    file.parent.mkdir(parents=True, exist_ok=True)
    file.write_bytes(content)
    return file


def main(arguments: list[str] | None = None) -> int:
    """Try mutants and keep what was found."""
    parser = argparse.ArgumentParser(prog="python -m tests.reliability.fuzz", description=__doc__)
    parser.add_argument("--inputs", type=int, default=1000, help="mutants of each kind (default 1000)")
    parser.add_argument("--first", type=int, default=0, help="number of the first mutant")
    parser.add_argument("--kinds", nargs="+", choices=KINDS, default=list(KINDS), metavar="KIND")
    chosen = parser.parse_args(arguments)
    found = 0
    for kind in chosen.kinds:
        started = time.perf_counter()
        for number, problem in findings(kind, range(chosen.first, chosen.first + chosen.inputs)):
            found += 1
            print(f"{kind} {number}: {problem}\n  kept as {keep(kind, number).relative_to(ROOT)}", flush=True)
        rate = chosen.inputs / (time.perf_counter() - started)
        print(f"{kind}: {chosen.inputs:,} mutants tried, {rate:,.0f} a second", flush=True)
    return 1 if found else 0


if __name__ == "__main__":
    sys.exit(main())
