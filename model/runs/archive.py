"""A saved run as one zip file: packed for mailing, and unpacked from strangers without trusting them.

Nothing in an archive is executed or unpickled. Names and sizes are checked before anything is written, sizes again
while unpacking (a zip's header may lie), and the run is opened once to see that it is one. Network files are left out:
a figure needs predictions only, and a page that accepts uploads should not run strangers' networks.
"""

from __future__ import annotations

import io
import re
import shutil
from pathlib import Path, PurePosixPath
from zipfile import ZIP_DEFLATED, ZipFile, ZipInfo

from emoscope.model.errors import RunError, reason_of
from emoscope.model.runs.arrays import METHODS
from emoscope.model.runs.exports import VARIANTS, read_exports
from emoscope.model.runs.run import EXPORTS_FOLDER, Run, load_run

MIB = 1 << 20
MAX_ARCHIVE_BYTES = 64 * MIB
MAX_TEXT_BYTES = 4 * MIB
MAX_ARRAYS_BYTES = 64 * MIB  # a split of 100,000 samples and 20 classes has 10 MB
MAX_TOTAL_BYTES = 128 * MIB
MAX_ENTRIES = 200

FILES = (
    "run.json",
    "history.csv",
    "metrics.json",
    "reports.json",
    "calibration.json",
    "robustness.csv",
    "robustness.json",
    "exports.json",
)
_PREDICTIONS = re.compile(r"predictions/[\w.-]{1,64}\.npz", re.ASCII)
_EXPORT = re.compile(rf"{EXPORTS_FOLDER}/(?:{'|'.join(VARIANTS)})/(.+)")  # an export, a run within the run
_KEY = re.compile(r"[^\w.-]+", re.ASCII)
_ACTION = "Upload a zip made of one run's folder, as `Download run` makes it."


def pack_run(run: Run) -> bytes:
    """Return a run's figures as a zip with one folder: everything but the networks."""
    buffer = io.BytesIO()
    files = sorted(path.relative_to(run.path).as_posix() for path in run.path.rglob("*") if path.is_file())
    with ZipFile(buffer, "w", ZIP_DEFLATED) as archive:
        for name in files:
            if _belongs(name):
                archive.write(run.path / name, f"{run.path.name}/{name}")
    return buffer.getvalue()


def open_run_archive(content: bytes, into: Path) -> Run:
    """Unpack a run's zip into a new folder below ``into`` and open it.

    Files that are no part of a run's figures (networks, notes, ``__MACOSX``) are left in the archive.

    Args:
        content: The zip file.
        into: Folder to unpack into; the run gets a subfolder named after the archive's, numbered if it exists.

    Raises:
        RunError: This is no zip, it is too large, an entry's name leads outside, it holds no run or several, or the run
            in it is broken. Nothing is left behind then.
    """
    if len(content) > MAX_ARCHIVE_BYTES:
        raise RunError(
            f"The archive has {len(content) // MIB} MB, over the limit of {MAX_ARCHIVE_BYTES // MIB}.", _ACTION
        )
    target = _unpacked(content, into)
    try:
        return _checked(load_run(target))
    except BaseException:
        shutil.rmtree(target, ignore_errors=True)
        raise


def _unpacked(content: bytes, into: Path) -> Path:
    target: Path | None = None
    try:
        with ZipFile(io.BytesIO(content)) as archive:
            folder, entries = _choose_entries(archive.infolist())
            target = _new_folder(into, folder.name or "uploaded-run")
            _unpack(archive, folder, entries, target)
            return target
    except BaseException as error:
        if target is not None:
            shutil.rmtree(target, ignore_errors=True)
        if isinstance(error, RunError) or not isinstance(error, Exception):
            raise
        reason = reason_of(error)  # on damaged bytes the zip reader raises anything
        raise RunError(f"The file is not a zip archive that can be unpacked here ({reason}).", _ACTION) from error


def _choose_entries(entries: list[ZipInfo]) -> tuple[PurePosixPath, list[ZipInfo]]:
    """Check all names and sizes; return the run's folder within the archive and the entries to unpack."""
    if len(entries) > MAX_ENTRIES:
        raise RunError(f"The archive holds {len(entries):,} files, over the limit of {MAX_ENTRIES}.", _ACTION)
    for entry in entries:
        _refuse_escape(entry)
    roots = {PurePosixPath(e.filename).parent for e in entries if PurePosixPath(e.filename).name == "run.json"}
    roots = {root for root in roots if "__MACOSX" not in root.parts}
    roots = {root for root in roots if not roots & set(root.parents)}  # a run's exports are part of it
    if len(roots) != 1:
        found = "no run.json" if not roots else f"{len(roots)} runs"
        raise RunError(f"The archive holds {found}, where one run is expected.", _ACTION)
    root = roots.pop()
    chosen = [entry for entry in entries if _wanted(entry, root)]
    for entry in chosen:
        limit = MAX_ARRAYS_BYTES if entry.filename.endswith(".npz") else MAX_TEXT_BYTES
        if entry.compress_type not in METHODS:
            raise RunError(f"{entry.filename} is compressed in a way that is not read here.", _ACTION)
        if entry.file_size > limit:
            raise RunError(f"{entry.filename} unpacks to over {limit // MIB} MB.", _ACTION)
    if sum(entry.file_size for entry in chosen) > MAX_TOTAL_BYTES:
        raise RunError(f"The archive unpacks to over {MAX_TOTAL_BYTES // MIB} MB.", _ACTION)
    if len({entry.filename for entry in chosen}) != len(chosen):
        raise RunError("The archive holds a file twice under one name.", _ACTION)
    return root, chosen


def _refuse_escape(entry: ZipInfo) -> None:
    name = entry.orig_filename  # as it stands in the file; `filename` is already cut at a null byte
    path = PurePosixPath(name.replace("\\", "/"))
    if path.is_absolute() or ".." in path.parts or ":" in name or "\0" in name:
        raise RunError(f"The archive's entry {name[:60]!r} leads outside of its folder.", _ACTION)
    if (entry.external_attr >> 16) & 0o170000 == 0o120000:
        raise RunError(f"The archive's entry {name[:60]!r} is a symbolic link.", _ACTION)


def _wanted(entry: ZipInfo, root: PurePosixPath) -> bool:
    path = PurePosixPath(entry.filename)
    if entry.is_dir() or not path.is_relative_to(root):
        return False
    return _belongs(path.relative_to(root).as_posix())


def _belongs(name: str) -> bool:
    """Tell whether a file, named from the run's folder, holds figures of the run or of one of its exports."""
    if exported := _EXPORT.fullmatch(name):
        name = exported[1]
    return name in FILES or _PREDICTIONS.fullmatch(name) is not None


def _new_folder(into: Path, name: str) -> Path:
    plain = _KEY.sub("-", name).strip(".-")[:64] or "uploaded-run"
    into.mkdir(parents=True, exist_ok=True)
    for number in range(1, 1000):
        target = into / (plain if number == 1 else f"{plain}-{number}")
        try:
            target.mkdir()
            return target
        except FileExistsError:
            continue
    raise RunError(f"There are already 999 runs named {plain}.", "Remove some.")


def _unpack(archive: ZipFile, root: PurePosixPath, entries: list[ZipInfo], target: Path) -> None:
    for entry in entries:
        file = target / PurePosixPath(entry.filename).relative_to(root)
        file.parent.mkdir(parents=True, exist_ok=True)
        with archive.open(entry) as source:
            data = source.read(entry.file_size + 1)
        if len(data) > entry.file_size:
            raise RunError(f"{entry.filename} is larger than the archive says.", _ACTION)
        file.write_bytes(data)


def _checked(run: Run) -> Run:
    """Read everything once, so that what is broken is refused here and not on every page."""
    if not run.splits and not run.history:
        raise RunError(f"{run.key} holds neither predictions nor a training history.", _ACTION)
    for export in read_exports(run):  # the run itself is the first
        for split in export.run.predicted_splits:
            _check_size(export.run.path / "predictions" / f"{split}.npz")
            export.run.predictions(split)
        _ = export.run.history, export.run.metrics, export.run.calibration, export.run.reports
    return run


def _check_size(file: Path) -> None:
    """Refuse arrays that unpack to far more memory than they should: an ``.npz`` is a zip of its own."""
    try:
        with ZipFile(file) as archive:
            size = sum(entry.file_size for entry in archive.infolist())
    except Exception:
        return  # the run itself says that it cannot be read
    if size > MAX_ARRAYS_BYTES:
        raise RunError(f"{file.name} unpacks to over {MAX_ARRAYS_BYTES // MIB} MB.", _ACTION)
