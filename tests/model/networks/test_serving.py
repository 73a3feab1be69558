"""The deployment on a real local Ray cluster, asked by the classifier that hosts of the app use."""

import os
import shutil
import socket

import numpy as np
import pytest

from emoscope.model.networks.load import load_classifier
from emoscope.model.networks.remote import RemoteClassifier, network_hash
from emoscope.model.runs.run import load_run
from tests.factories import write_run
from tests.paths import ROOT

pytestmark = pytest.mark.slow

ASSETS = ROOT / "tests" / "assets"


@pytest.fixture(scope="module")
def runs(tmp_path_factory):
    root = tmp_path_factory.mktemp("cluster") / "artifacts"
    for key, network in (("emoscope", "cam.tflite"), ("plain", "logits.tflite")):
        write_run(root, key, n=20, splits=())
        shutil.copy(ASSETS / network, root / key / "model.tflite")
    return root


@pytest.fixture(scope="module")
def deployment(runs):
    """Address of the deployment."""
    ray = pytest.importorskip("ray", reason="needs requirements-cluster.txt")
    from ray import serve

    from emoscope.model.networks.serving import build

    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]
    environment = {"PYTHONPATH": str(ROOT), "EMOSCOPE_ARTIFACTS": str(runs)}
    ray.init(
        num_cpus=2,
        include_dashboard=False,
        log_to_driver=False,
        logging_level="error",
        runtime_env={"env_vars": environment},
    )
    try:
        serve.start(http_options={"host": "127.0.0.1", "port": port})
        serve.run(build({}), name="emoscope")
        yield f"http://127.0.0.1:{port}"
        serve.shutdown()
    finally:
        ray.shutdown()


def client(url, run, key=None):
    local = load_classifier(load_run(run))
    return local, RemoteClassifier(local, url, key or run.name, network_hash(run / "model.tflite"))


def test_the_deployment_reads_as_the_host_would_until_it_is_gone(deployment, runs, monkeypatch):
    monkeypatch.setattr("emoscope.model.networks.remote.ANSWER_SECONDS", 60)  # a crowded machine is not what is tested
    faces = np.random.default_rng(0).integers(0, 256, (40, 48, 48), np.uint8)
    for key in ("emoscope", "plain"):
        local, remote = client(deployment, runs / key)
        for count in (1, 3, 40):
            there, here = remote.classify(faces[:count]), local.classify(faces[:count])
            assert remote.problem == ""
            assert np.array_equal(there.probabilities, here.probabilities)
            assert (there.activation_maps is None) == (here.activation_maps is None) == (key == "plain")
            if there.activation_maps is not None:
                assert np.array_equal(there.activation_maps, here.activation_maps)

    _, stranger = client(deployment, runs / "emoscope", key="plain")
    assert len(stranger.classify(faces[:1]).probabilities) == 1
    assert "The cluster has another network under 'plain'" in stranger.problem
    _, unknown = client(deployment, runs / "emoscope", key="../cluster")
    unknown.classify(faces[:1])
    assert "The cluster has no saved run '../cluster'" in unknown.problem

    from ray import serve

    local, remote = client(deployment, runs / "emoscope")
    assert np.array_equal(remote.classify(faces).probabilities, local.classify(faces).probabilities)
    assert remote.problem == ""
    serve.delete("emoscope")
    assert np.array_equal(remote.classify(faces).probabilities, local.classify(faces).probabilities)
    assert remote.problem.startswith(f"The cluster at {deployment}/ is not used")
    assert os.environ.get("EMOSCOPE_ARTIFACTS") != str(runs)  # the answers came from the replicas' environment
