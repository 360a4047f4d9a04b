"""The chart rendered as for Kubernetes, without a cluster."""

from collections.abc import Iterator
from functools import cache
from pathlib import Path
from typing import Any

import helm_python
import yaml

CHART = Path(__file__).parents[2] / "helm" / "fairlead"
TENANT_A = "0198c0de-0000-7000-8000-00000000000a"
TENANT_B = "0198c0de-0000-7000-8000-00000000000b"
RESOURCES = {"requests": {"cpu": "1", "memory": "1Gi"}, "limits": {"cpu": "4", "memory": "2Gi"}}

Object = dict[str, Any]
Values = dict[str, Any]

VALUE_SETS: dict[str, Values] = {
    "defaults": {},
    "two brands": {
        "ingress": {
            "hosts": ["portal.harbour.example", "ops.tide.example"],
            "tls": [{"secretName": "brands", "hosts": ["portal.harbour.example", "ops.tide.example"]}],
            "annotations": {"nginx.ingress.kubernetes.io/proxy-body-size": "2m"},
        }
    },
    "one pool": {"bulkWorker": {"replicas": 0}},
    "pinned pools": {
        "pinnedPools": [
            {"name": "harbour", "tenant": TENANT_A, "replicas": 3, "resources": RESOURCES},
            {"name": "tide", "tenant": TENANT_B, "replicas": 1},
        ]
    },
    "fixed size": {
        "web": {"replicas": 4, "autoscaling": {"enabled": False}},
        "image": {"digest": "sha256:" + "a" * 64},
        "imagePullSecrets": [{"name": "registry"}],
        "env": [{"name": "OTEL_EXPORTER_OTLP_ENDPOINT", "value": "http://collector:4318"}],
        "nodeSelector": {"kubernetes.io/arch": "amd64"},
        "tolerations": [{"key": "dedicated", "operator": "Exists", "effect": "NoSchedule"}],
    },
    "scheduled": {
        "retention": {"schedule": "@daily"},
        "backup": {
            "enabled": True,
            "schedule": "0 */6 * * MON-FRI",
            "claimName": "backups",
            "databaseSecretName": "fairlead-backup",
            "recipientSecretName": "fairlead-recipient",
        },
        "audit": {"headsUrl": "https://witness.example/heads", "headsSecretName": "fairlead-witness"},
    },
    "mail": {
        "mail": {
            "host": "mail.example.com:587",
            "user": "portal",
            "from": "portal@example.com",
            "passwordSecretName": "fairlead-mail",
        },
    },
    "stripe": {"stripe": {"secretName": "fairlead-stripe", "feePercent": "1.5"}},
    "closed network": {
        "networkPolicy": {
            "metricsFrom": [{"namespaceSelector": {"matchLabels": {"kubernetes.io/metadata.name": "monitoring"}}}],
            "database": {"port": 6432, "to": [{"ipBlock": {"cidr": "10.1.2.0/24"}}]},
            "redis": {"port": 6380, "to": [{"ipBlock": {"cidr": "10.1.3.0/24"}}]},
            "outbound": {"ports": [443, 8443], "privateTo": [{"ipBlock": {"cidr": "10.9.0.5/32"}}]},
        }
    },
}


DIGEST = "sha256:" + "d" * 64


def render(values: Values | None = None) -> list[Object]:
    """Rendered with a digest of the image, unless the values specify the image."""
    values = {"image": {"digest": DIGEST}, **(values or {})}
    with helm_python.Chart.load(CHART) as chart:
        chart.validate_schema(chart.merge_values(values))
        manifests = chart.render(values, name="prod", namespace="fairlead")
    return [
        document
        for path, text in sorted(manifests.items())
        if not path.endswith("NOTES.txt")
        for document in yaml.safe_load_all(text)
        if document
    ]


@cache
def _rendered(name: str) -> tuple[Object, ...]:
    return tuple(render(VALUE_SETS[name]))


def rendered(name: str) -> list[Object]:
    return list(_rendered(name))


def of_kind(objects: list[Object], kind: str) -> dict[str, Object]:
    return {found["metadata"]["name"]: found for found in objects if found["kind"] == kind}


def pods(objects: list[Object]) -> Iterator[tuple[str, Object]]:
    """Name of the workload, and its pod template."""
    for found in objects:
        if found["kind"] in {"Deployment", "Job", "StatefulSet", "DaemonSet"}:
            yield found["metadata"]["name"], found["spec"]["template"]
        if found["kind"] == "CronJob":
            yield found["metadata"]["name"], found["spec"]["jobTemplate"]["spec"]["template"]


def containers(objects: list[Object]) -> Iterator[tuple[str, Object]]:
    for name, template in pods(objects):
        spec = template["spec"]
        for container in [*spec["containers"], *spec.get("initContainers", [])]:
            yield name, container


def selects(selector: Object, labels: dict[str, str]) -> bool:
    """Kubernetes' label selector, as far as this chart uses it."""
    wanted = selector.get("matchLabels", {})
    rules = selector.get("matchExpressions", [])
    assert all(rule["operator"] == "In" for rule in rules)
    return all(labels.get(key) == value for key, value in wanted.items()) and all(
        labels.get(rule["key"]) in rule["values"] for rule in rules
    )
