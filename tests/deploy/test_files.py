"""What can be held of the deployment's files without a Docker daemon or a cloud: that all they name is there."""

import importlib
import json
import re
import shlex
import subprocess

import pytest
import yaml

from tests.paths import ROOT

DEPLOY = ROOT / "deploy"


def tracked(path):
    """Tell whether a fresh checkout has the file or folder."""
    found = subprocess.run(["git", "ls-files", "--", path], cwd=ROOT, capture_output=True, text=True)
    if found.returncode:  # not a checkout
        return (ROOT / path).exists()
    return bool(found.stdout.strip())


def instructions(name):
    """Return a Dockerfile's instructions as ``(word, rest)``, continued lines joined."""
    text = re.sub(r"\\\n", " ", (DEPLOY / name).read_text())
    lines = [line for line in text.splitlines() if line.strip() and not line.startswith("#")]
    return [tuple(line.split(None, 1)) for line in lines]


@pytest.mark.parametrize("name", ["Dockerfile", "Dockerfile.cluster"])
def test_a_dockerfile_copies_what_there_is_and_nothing_that_is_kept_out(name):
    ignored = (ROOT / ".dockerignore").read_text().split()
    for word, rest in instructions(name):
        if word == "COPY":
            *sources, _ = [part for part in shlex.split(rest) if not part.startswith("--")]
            for source in sources:
                assert tracked(source), f"{name} copies {source}"
                assert source.rstrip("/").split("/")[0] not in ignored


def test_the_image_runs_as_a_user_and_has_every_package_that_the_app_imports():
    words = dict(instructions("Dockerfile"))
    assert words["USER"] == "emoscope"
    assert json.loads(words["CMD"])[:3] == ["python", "-m", "dashboard"]
    copied = {rest.split()[-1].rstrip("/") for word, rest in instructions("Dockerfile") if word == "COPY"}
    assert {"emoscope", "model", "training", "dashboard", "pages", "artifacts"} <= copied
    assert "/api/v1/healthz" in words["HEALTHCHECK"]


def test_the_compose_file_names_what_there_is():
    content = yaml.safe_load((DEPLOY / "compose.yaml").read_text())
    services = content["services"]
    for service in services.values():
        if "build" in service:
            context = (DEPLOY / service["build"]["context"]).resolve()
            assert context == ROOT and (context / service["build"]["dockerfile"]).is_file()
        for volume in service.get("volumes", ()):
            assert (DEPLOY / volume.split(":")[0]).is_file()
        assert set(service.get("depends_on", ())) <= set(services)
    hosts = set(re.findall(r"server ([\w-]+):8501", (DEPLOY / "nginx.conf").read_text()))
    assert hosts == set(services["nginx"]["depends_on"])


def test_the_example_lists_every_variable_that_compose_asks_for():
    asked = set(re.findall(r"\$\{(\w+)", (DEPLOY / "compose.yaml").read_text()))
    listed = {line.split("=")[0] for line in (DEPLOY / "example.env").read_text().splitlines() if "=" in line}
    assert asked == listed


def test_serve_knows_its_file_and_what_it_names_can_be_imported():
    schema = pytest.importorskip("ray.serve.schema", reason="needs requirements-cluster.txt")
    parsed = schema.ServeDeploySchema.model_validate(yaml.safe_load((DEPLOY / "serve.yaml").read_text()))
    [application] = parsed.applications
    module, name = application.import_path.split(":")
    built = getattr(importlib.import_module(module), name)(application.args)
    assert [deployment.name for deployment in application.deployments] == [built._bound_deployment.name]


def test_ray_accepts_the_cluster_file():
    util = pytest.importorskip("ray.autoscaler._private.util", reason="needs requirements-cluster.txt")
    content = yaml.safe_load((DEPLOY / "ray-cluster.yaml").read_text())
    util.validate_config(util.prepare_config(content))
    commands = " ".join(content["head_start_ray_commands"])
    assert "deploy/serve.yaml" in commands


def test_the_guide_describes_every_file():
    guide = (DEPLOY / "README.md").read_text()
    for path in DEPLOY.iterdir():
        assert path.name in guide, path.name
