"""Archives of runs: what is packed comes back, and what strangers send cannot do harm."""

from __future__ import annotations

import io
import shutil
import stat
import struct
from collections.abc import Callable
from pathlib import Path
from zipfile import ZIP_DEFLATED, ZipFile, ZipInfo

import numpy as np
import pytest

from emoscope.model.errors import RunError
from emoscope.model.runs import archive as run_archive
from emoscope.model.runs.archive import open_run_archive, pack_run
from emoscope.model.runs.exports import read_exports
from emoscope.model.runs.files import write_json
from emoscope.model.runs.run import Run, load_run
from tests.factories import write_run


@pytest.fixture
def run(tmp_path: Path) -> Run:
    run = write_run(tmp_path / "runs", "mine", n=40, epochs=3, metrics=True, robustness=True, calibration=True)
    write_json(run.path / "exports.json", {"networks": {}})
    return run


def rewritten(
    content: bytes, change: Callable[[ZipFile], None], keep: Callable[[str], bool] = lambda name: True
) -> bytes:
    """Copy an archive's entries and let ``change`` add others."""
    buffer = io.BytesIO()
    with ZipFile(io.BytesIO(content)) as old, ZipFile(buffer, "w", ZIP_DEFLATED) as new:
        for entry in old.infolist():
            if keep(entry.filename):
                new.writestr(entry.filename, old.read(entry))
        change(new)
    return buffer.getvalue()


def test_a_packed_run_opens_with_the_same_figures(run: Run, tmp_path: Path) -> None:
    (run.path / "model.tflite").write_bytes(b"network")
    opened = open_run_archive(pack_run(run), tmp_path / "session")
    assert opened.key == "mine" and opened.path.parent == (tmp_path / "session").resolve()
    assert opened.info == run.info
    np.testing.assert_array_equal(
        opened.predictions("PrivateTest").probabilities, run.predictions("PrivateTest").probabilities
    )
    assert opened.metrics == run.metrics and opened.calibration == run.calibration
    assert not (opened.path / "model.tflite").exists()


def with_exports(run: Run) -> Run:
    """Give a run two other forms of its network, one of them not scored."""
    for variant, splits in (("int8", ("PublicTest",)), ("onnx", ())):
        write_run(run.path / "exports", variant, n=40, epochs=0, splits=splits, origin=run.key)
        (run.path / "exports" / variant / "model.bin").write_bytes(b"network")
    write_json(run.path / "exports.json", {"networks": {"float32": {"bytes": 9}, "int8": {"bytes": 3}}})
    return run


def test_other_forms_of_the_network_come_along_with_their_figures(run: Run, tmp_path: Path) -> None:
    opened = open_run_archive(pack_run(with_exports(run)), tmp_path / "session")
    forms = {form.variant: form for form in read_exports(opened)}
    assert list(forms) == ["float32", "int8", "onnx"]
    assert (forms["float32"].bytes, forms["int8"].bytes) == (9, 3)
    assert forms["int8"].file is None and forms["int8"].run.splits == ("PublicTest",)
    assert not [file for file in opened.path.rglob("model.*") if file.suffix == ".bin"]


def test_a_run_zipped_by_hand_with_its_exports_is_one_run(run: Run, tmp_path: Path) -> None:
    with_exports(run)
    archive = shutil.make_archive(str(tmp_path / "by-hand"), "zip", run.path.parent, run.path.name)
    assert open_run_archive(Path(archive).read_bytes(), tmp_path / "s").key == "mine"


def test_the_same_name_twice_gives_two_runs(run: Run, tmp_path: Path) -> None:
    first, second = (open_run_archive(pack_run(run), tmp_path / "session") for _ in range(2))
    assert (first.key, second.key) == ("mine", "mine-2")


def test_a_zip_without_a_folder_and_one_by_a_mac_both_open(run: Run, tmp_path: Path) -> None:
    buffer = io.BytesIO()
    with ZipFile(buffer, "w") as archive:
        archive.write(run.path / "run.json", "run.json")
        archive.write(run.path / "history.csv", "history.csv")
    assert open_run_archive(buffer.getvalue(), tmp_path / "s").key == "uploaded-run"
    mac = rewritten(pack_run(run), lambda z: z.writestr("__MACOSX/mine/run.json", b"\0\0"))
    assert open_run_archive(mac, tmp_path / "s").key == "mine"


def test_networks_code_and_pickles_stay_in_the_archive(run: Run, tmp_path: Path) -> None:
    def add(archive: ZipFile) -> None:
        for name in (
            "model.keras",
            "model.tflite",
            "evil.py",
            "weights.pkl",
            "predictions/evil.pkl",
            "predictions/a/b.npz",
        ):
            archive.writestr(f"mine/{name}", b"x")

    opened = open_run_archive(rewritten(pack_run(run), add), tmp_path / "s")
    files = {p.relative_to(opened.path).as_posix() for p in opened.path.rglob("*") if p.is_file()}
    written = set(run_archive.FILES) - {"reports.json"}  # which imported runs have
    assert files == {*written, "predictions/PublicTest.npz", "predictions/PrivateTest.npz"}


@pytest.mark.parametrize(
    "name",
    ["../outside.json", "mine/../../outside.json", "/etc/outside", "C:\\outside.json", "..\\outside.json", "mine/a\0b"],
)
def test_names_that_lead_outside_are_refused(run: Run, tmp_path: Path, name: str) -> None:
    info = ZipInfo("x")
    info.filename = info.orig_filename = name
    content = rewritten(pack_run(run), lambda z: z.writestr(info, b"x"))
    with pytest.raises(RunError, match="leads outside"):
        open_run_archive(content, tmp_path / "s")
    assert not any((tmp_path / "s").glob("*")) and not (tmp_path / "outside.json").exists()


def test_symbolic_links_are_refused(run: Run, tmp_path: Path) -> None:
    link = ZipInfo("mine/history.csv")
    link.external_attr = (stat.S_IFLNK | 0o777) << 16
    content = rewritten(pack_run(run), lambda z: z.writestr(link, "/etc/passwd"), lambda name: "history" not in name)
    with pytest.raises(RunError, match="symbolic link"):
        open_run_archive(content, tmp_path / "s")


def test_bombs_are_refused_before_and_while_unpacking(
    run: Run, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(run_archive, "MAX_ARRAYS_BYTES", 200_000)
    bomb = rewritten(pack_run(run), lambda z: z.writestr("mine/predictions/bomb.npz", bytes(300_000)))
    with pytest.raises(RunError, match="unpacks to over"):
        open_run_archive(bomb, tmp_path / "s")
    # the header says 10 bytes where 300,000 come out
    for signature, offset in ((b"PK\x01\x02", 24), (b"PK\x03\x04", 22)):
        place = bomb.rfind(signature, 0, bomb.rfind(b"mine/predictions/bomb.npz") + 1)
        if signature == b"PK\x03\x04":
            place = bomb.rfind(signature, 0, bomb.find(b"mine/predictions/bomb.npz"))
        bomb = bomb[: place + offset] + struct.pack("<I", 10) + bomb[place + offset + 4 :]
    with pytest.raises(RunError):
        open_run_archive(bomb, tmp_path / "s")
    assert not any((tmp_path / "s").glob("*"))


def test_too_many_files_and_too_large_archives_are_refused(
    run: Run, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    many = rewritten(pack_run(run), lambda z: [z.writestr(f"mine/{i}", b"") for i in range(300)])
    with pytest.raises(RunError, match="over the limit of 200"):
        open_run_archive(many, tmp_path / "s")
    monkeypatch.setattr(run_archive, "MAX_ARCHIVE_BYTES", 100)
    with pytest.raises(RunError, match="over the limit"):
        open_run_archive(pack_run(run), tmp_path / "s")


def broken_zip(run: Run) -> bytes:
    return pack_run(run)[:-30]


def no_run(run: Run) -> bytes:
    return rewritten(pack_run(run), lambda z: None, lambda name: "run.json" not in name)


def two_runs(run: Run) -> bytes:
    return rewritten(pack_run(run), lambda z: z.writestr("other/run.json", b"{}"))


def other_schema(run: Run) -> bytes:
    text = (run.path / "run.json").read_text().replace('"schema_version": 1', '"schema_version": 9')
    return rewritten(pack_run(run), lambda z: z.writestr("mine/run.json", text), lambda name: "run.json" not in name)


def broken_predictions(run: Run) -> bytes:
    return rewritten(pack_run(run), lambda z: z.writestr("mine/predictions/extra.npz", b"PK not a npz"))


def broken_export(run: Run) -> bytes:
    with_exports(run)
    return rewritten(pack_run(run), lambda z: z.writestr("mine/exports/onnx/predictions/extra.npz", b"PK not a npz"))


def pickled_predictions(run: Run) -> bytes:
    buffer = io.BytesIO()
    np.savez(buffer, index=np.array([{"a": 1}], object), pixel_hash=[0], label=[0], probabilities=[[1.0] * 7])
    return rewritten(pack_run(run), lambda z: z.writestr("mine/predictions/extra.npz", buffer.getvalue()))


def bomb_within(run: Run) -> bytes:
    buffer = io.BytesIO()
    np.savez_compressed(buffer, index=np.zeros(10_000_000))
    return rewritten(pack_run(run), lambda z: z.writestr("mine/predictions/extra.npz", buffer.getvalue()))


def array_that_claims_too_much(run: Run) -> bytes:
    buffer, array = io.BytesIO(), io.BytesIO()
    np.lib.format.write_array_header_1_0(array, {"descr": "<f4", "fortran_order": False, "shape": (10**12, 7)})
    with ZipFile(buffer, "w") as npz:
        for name in ("index", "pixel_hash", "label", "probabilities"):
            npz.writestr(f"{name}.npy", array.getvalue())
    return rewritten(pack_run(run), lambda z: z.writestr("mine/predictions/extra.npz", buffer.getvalue()))


def no_zip(run: Run) -> bytes:
    return b"hello"


def nothing(run: Run) -> bytes:
    return b""


def only_run_json(run: Run) -> bytes:
    return rewritten(pack_run(run), lambda z: None, lambda name: name == "mine/run.json")


@pytest.mark.parametrize(
    "make",
    [
        broken_zip,
        no_run,
        two_runs,
        other_schema,
        broken_predictions,
        broken_export,
        pickled_predictions,
        bomb_within,
        array_that_claims_too_much,
        no_zip,
        nothing,
        only_run_json,
    ],
    ids=lambda make: make.__name__,
)
def test_what_is_no_run_is_refused_with_a_sentence_and_leaves_nothing(
    run: Run, tmp_path: Path, make: Callable[[Run], bytes]
) -> None:
    with pytest.raises(RunError) as caught:
        open_run_archive(make(run), tmp_path / "s")
    assert caught.value.message.endswith(".") and caught.value.action
    assert not any((tmp_path / "s").glob("*"))


def test_names_of_folders_become_plain_keys(run: Run, tmp_path: Path) -> None:
    named = run.path.parent / "my run (2) ✓"
    run.path.rename(named)
    assert open_run_archive(pack_run(load_run(named)), tmp_path / "s").key == "my-run-2"
