import os

import pytest

from emoscope.model import machine


@pytest.fixture
def four_cores(monkeypatch, tmp_path):
    monkeypatch.setattr(os, "sched_getaffinity", lambda _: {0, 1, 2, 3}, raising=False)
    for name in ("_QUOTA", "_OLD_QUOTA", "_OLD_PERIOD"):
        monkeypatch.setattr(machine, name, tmp_path / name)
    return tmp_path


@pytest.mark.parametrize(
    ("quota", "cores"), [("max 100000", 4), ("150000 100000", 2), ("50000 100000", 1), ("900000 100000", 4), ("", 4)]
)
def test_a_containers_quota_limits_the_cores(four_cores, quota, cores):
    (four_cores / "_QUOTA").write_text(quota)
    assert machine.available_cores() == cores
    assert machine.half_of_the_cores() == max(1, cores // 2)


@pytest.mark.parametrize(("quota", "cores"), [("-1", 4), ("200000", 2)])
def test_older_control_groups_are_read(four_cores, quota, cores):
    (four_cores / "_OLD_QUOTA").write_text(quota)
    (four_cores / "_OLD_PERIOD").write_text("100000")
    assert machine.available_cores() == cores


def test_affinity_limits_the_cores(four_cores, monkeypatch):
    monkeypatch.setattr(os, "sched_getaffinity", lambda _: {2}, raising=False)
    assert machine.available_cores() == 1
    assert machine.half_of_the_cores(most=4) == 1
