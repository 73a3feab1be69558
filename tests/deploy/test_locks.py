"""The lock files hold exact versions with hashes, and these are what the requirements ask for."""

import re

import pytest
from packaging.requirements import Requirement
from packaging.utils import canonicalize_name

from tests.paths import ROOT


def wanted(name: str) -> list[Requirement]:
    """Read a requirements file and those that it includes."""
    found = []
    for line in (ROOT / name).read_text().splitlines():
        line = line.split(" #")[0].strip()
        if line.startswith("-r "):
            found += wanted(line.split()[1])
        elif line and not line.startswith("#"):
            found.append(Requirement(line))
    return found


def locked(name: str) -> dict[str, list[str]]:
    """Return the locked versions by package; some are locked differently by platform or version of Python."""
    text = (ROOT / "deploy" / name).read_text()
    entries = re.findall(r"^([\w.-]+)(?:\[[\w,-]+\])?==([^\s;\\]+)(.*?)(?=^\S|\Z)", text, re.M | re.S)
    assert all("--hash=sha256:" in rest for _, _, rest in entries)
    found: dict[str, list[str]] = {}
    for package, version, _ in entries:
        found.setdefault(canonicalize_name(package), []).append(version)
    return found


@pytest.mark.parametrize("name", ["requirements", "requirements-dev"])
def test_every_requirement_is_locked_within_its_bounds(name):
    versions = locked(f"{name}.lock")
    assert len(versions) > 50
    for requirement in wanted(f"{name}.txt"):
        found = versions.get(canonicalize_name(requirement.name))
        assert found, f"{requirement.name} is not locked: run `make lock`"
        assert all(version in requirement.specifier for version in found), f"{requirement}: run `make lock`"


def test_the_locks_name_no_server():
    for name in ("requirements.lock", "requirements-dev.lock"):
        assert "://" not in (ROOT / "deploy" / name).read_text()
