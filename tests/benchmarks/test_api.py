"""That the API's benchmark runs without an error; never how fast anything is."""

import json
import os
import shutil
import sys

import pytest

from benchmarks import api


@pytest.mark.slow
def test_each_level_is_measured_beside_the_bare_classifier(tmp_path, monkeypatch, capsys):
    if shutil.which("wrk") is None:
        assert os.environ.get("CI", "").lower() not in ("1", "true"), "CI must have Debian's package wrk"
        pytest.skip("no wrk here; `apt-get install wrk` brings it")
    output = tmp_path / "api.json"
    monkeypatch.setattr(sys, "argv", ["benchmark", "--seconds", "1", "--clients", "1", "16", "--output", str(output)])
    api.main()
    content = json.loads(output.read_text())
    assert [row["clients"] for row in content["results"]] == [1, 16]
    for row in content["results"]:
        assert row["errors"] == 0 and row["requests"] > 0
        assert row["ratio"] == pytest.approx(row["requests_per_second"] / row["bare_faces_per_second"], abs=0.01)
    assert content["results"][0]["faces_per_forward_pass"] == 1 < content["results"][1]["faces_per_forward_pass"]
    assert len([line for line in capsys.readouterr().out.splitlines() if line[:1] == " "]) == 2
