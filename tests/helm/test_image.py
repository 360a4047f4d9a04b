"""The image is not built in a test; files that its recipe names must exist, and the chart must match it."""

import re
import tomllib

import helm_python

from tests.helm.rendering import CHART

ROOT = CHART.parents[1]
DOCKERFILE = (ROOT / "helm" / "Dockerfile").read_text()
IGNORE = (ROOT / "helm" / "Dockerfile.dockerignore").read_text().splitlines()


def copied() -> set[str]:
    lines = re.findall(r"^COPY (?!--from)(.+)$", DOCKERFILE, re.MULTILINE)
    return {source for line in lines for source in line.split()[:-1]} - {"."}


def test_every_copied_file_is_in_the_repository_and_in_the_context() -> None:
    assert {"package.json", "requirements"} <= copied()
    for source in copied():
        assert (ROOT / source).exists()
        assert f"!{source}" in IGNORE


def test_the_context_holds_every_package_of_the_wheel() -> None:
    wheel = tomllib.loads((ROOT / "pyproject.toml").read_text())["tool"]["hatch"]["build"]["targets"]["wheel"]
    for package in [*wheel["only-include"], "pyproject.toml", "README.md"]:
        assert f"!{package}" in IGNORE


def test_the_chart_runs_the_image_as_the_user_the_image_makes() -> None:
    (uid,) = re.findall(r"useradd --uid (\d+)", DOCKERFILE)
    assert f"USER {uid}:{uid}" in DOCKERFILE
    pod = (CHART / "templates" / "_pod.tpl").read_text()
    assert f"runAsUser: {uid}" in pod
    assert f"runAsGroup: {uid}" in pod


def test_every_base_image_is_named_by_digest_at_the_build() -> None:
    """No default: without one, a build that specifies no image fails."""
    assert set(re.findall(r"^FROM (\S+)", DOCKERFILE, re.MULTILINE)) == {"${NODE_IMAGE}", "${PYTHON_IMAGE}"}
    assert re.findall(r"^ARG (\w+)=", DOCKERFILE, re.MULTILINE) == []
    assert {"node:22-*@sha256:*", "python:3.*@sha256:*"} <= set(re.findall(r"in (\S+)\) ;;", DOCKERFILE))


def test_the_charts_application_is_this_version() -> None:
    version = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]["version"]
    with helm_python.Chart.load(CHART) as chart:
        assert chart.metadata["appVersion"] == version
