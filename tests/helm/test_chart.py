import json
import re
from typing import Any

import helm_python
import kubernetes_validate
import pytest

from controlplane.cli.main import main
from foundation.settings import read_settings
from tests.helm.rendering import (
    CHART,
    TENANT_A,
    TENANT_B,
    VALUE_SETS,
    Object,
    Values,
    containers,
    of_kind,
    pods,
    render,
    rendered,
    selects,
)

KUBERNETES = ("1.30", "1.32", kubernetes_validate.latest_version())
ENDING = {f"prod-fairlead-{command}" for command in ("migrate", "retention", "backup")}
every_value_set = pytest.mark.parametrize("name", VALUE_SETS)


@every_value_set
class TestEveryRendering:
    def test_lint_finds_no_problem(self, name: str) -> None:
        report = helm_python.lint(CHART, VALUE_SETS[name], strict=True)
        assert report["errors"] == []
        # Severity 1 is advice (an icon); 2 and 3 are warnings and errors.
        assert [message for message in report["messages"] if message["severity"] > 1] == []

    @pytest.mark.parametrize("version", KUBERNETES)
    def test_every_object_fits_kubernetes_own_schema(self, name: str, version: str) -> None:
        for found in rendered(name):
            kubernetes_validate.validate(found, version, strict=True)

    def test_every_container_has_requests_and_limits(self, name: str) -> None:
        for _, container in containers(rendered(name)):
            for kind in ("requests", "limits"):
                assert set(container["resources"][kind]) == {"cpu", "memory"}

    def test_every_container_is_confined(self, name: str) -> None:
        for _, template in pods(rendered(name)):
            spec = template["spec"]
            assert spec["automountServiceAccountToken"] is False
            assert spec["securityContext"]["runAsNonRoot"] is True
            assert spec["securityContext"]["seccompProfile"] == {"type": "RuntimeDefault"}
        for _, container in containers(rendered(name)):
            assert container["securityContext"] == {
                "allowPrivilegeEscalation": False,
                "readOnlyRootFilesystem": True,
                "capabilities": {"drop": ["ALL"]},
            }

    def test_every_long_running_container_has_probes_and_metrics(self, name: str) -> None:
        for workload, container in containers(rendered(name)):
            if workload in ENDING:
                assert "ports" not in container
                continue
            ports = {port["name"]: port["containerPort"] for port in container["ports"]}
            assert ports["metrics"] == 9100
            for probe, path in (("livenessProbe", "/healthz"), ("readinessProbe", "/readyz")):
                assert container[probe]["httpGet"]["path"] == path
                assert container[probe]["httpGet"]["port"] in ports

    def test_no_secret_is_written_in_a_manifest(self, name: str) -> None:
        for _, container in containers(rendered(name)):
            for variable in container["env"]:
                if re.search(r"(DATABASE|REDIS)\w*_URL|KEY(?!S_FILE)|SECRET|PASSWORD|TOKEN", variable["name"]):
                    assert "value" not in variable
                    assert set(variable["valueFrom"]) == {"secretKeyRef"}
        assert of_kind(rendered(name), "Secret") == {}

    def test_every_pod_is_closed_by_default(self, name: str) -> None:
        objects = rendered(name)
        policies = of_kind(objects, "NetworkPolicy")
        closed = policies["prod-fairlead-default-deny"]["spec"]
        assert set(closed["policyTypes"]) == {"Ingress", "Egress"}
        assert "ingress" not in closed
        assert "egress" not in closed
        for _, template in pods(objects):
            assert selects(closed["podSelector"], template["metadata"]["labels"])

    def test_selectors_find_their_own_pods_and_no_others(self, name: str) -> None:
        objects = rendered(name)
        for deployment in of_kind(objects, "Deployment").values():
            matching = [
                workload
                for workload, template in pods(objects)
                if selects(deployment["spec"]["selector"], template["metadata"]["labels"])
            ]
            assert matching == [deployment["metadata"]["name"]]

    def test_names_are_unique(self, name: str) -> None:
        names = [(found["kind"], found["metadata"]["name"]) for found in rendered(name)]
        assert len(names) == len(set(names))


class TestComponents:
    def arguments(self, name: str) -> dict[str, list[str]]:
        return {workload: container["args"] for workload, container in containers(rendered(name))}

    def test_each_component_runs_its_command(self) -> None:
        measured = ["--metrics-port", "9100"]
        listening = ["--host", "0.0.0.0", "--port", "8000"]  # noqa: S104 - inside its pod
        assert self.arguments("defaults") == {
            "prod-fairlead-web": ["web", *listening, "--static", "/app/static", *measured],
            "prod-fairlead-worker-shared": ["worker", "--pool", "shared", "--lanes", "prompt", *measured],
            "prod-fairlead-worker-shared-bulk": ["worker", "--pool", "shared", "--lanes", "bulk", *measured],
            "prod-fairlead-relay": ["relay", *measured],
            "prod-fairlead-migrate": ["migrate"],
            "prod-fairlead-retention": ["retention", "run"],
        }

    def test_without_workers_for_bulk_batches_the_shared_pool_runs_them_too(self) -> None:
        shared = self.arguments("one pool")
        assert [name for name in shared if "bulk" in name] == []
        assert shared["prod-fairlead-worker-shared"][:5] == ["worker", "--pool", "shared", "--lanes", "all"]

    def test_a_pinned_pool_serves_its_tenant_only(self) -> None:
        arguments = self.arguments("pinned pools")
        for pool, tenant in (("harbour", TENANT_A), ("tide", TENANT_B)):
            assert arguments[f"prod-fairlead-worker-pinned-{pool}"][:3] == ["worker", "--client", tenant]

    def test_a_pinned_pool_has_its_own_size(self) -> None:
        deployments = of_kind(rendered("pinned pools"), "Deployment")
        harbour = deployments["prod-fairlead-worker-pinned-harbour"]["spec"]
        assert harbour["replicas"] == 3
        assert harbour["template"]["spec"]["containers"][0]["resources"]["limits"]["cpu"] == "4"
        shared = deployments["prod-fairlead-worker-shared"]["spec"]["template"]["spec"]["containers"][0]
        tide = deployments["prod-fairlead-worker-pinned-tide"]["spec"]["template"]["spec"]["containers"][0]
        assert tide["resources"] == shared["resources"]

    def test_only_the_migration_and_retention_get_the_login_of_the_tables_owner(self) -> None:
        knowing = {
            workload
            for workload, container in containers(rendered("pinned pools") + rendered("scheduled"))
            for variable in container["env"]
            if variable.get("valueFrom", {}).get("secretKeyRef", {}).get("key") == "owner-url"
        }
        assert knowing == {"prod-fairlead-migrate", "prod-fairlead-retention"}

    def test_each_component_has_only_the_database_logins_it_uses(self) -> None:
        known = {
            workload: {v["name"] for v in container["env"] if v["name"].startswith("DATABASE_")}
            for workload, container in containers(rendered("defaults"))
        }
        roles = {"DATABASE_APP_URL", "DATABASE_INTAKE_URL", "DATABASE_RELAY_URL"}
        assert known == {
            "prod-fairlead-web": {"DATABASE_APP_URL", "DATABASE_INTAKE_URL"},
            "prod-fairlead-worker-shared": {"DATABASE_APP_URL"},
            "prod-fairlead-worker-shared-bulk": {"DATABASE_APP_URL"},
            "prod-fairlead-relay": {"DATABASE_RELAY_URL"},
            "prod-fairlead-migrate": {"DATABASE_URL", *roles},
            "prod-fairlead-retention": {"DATABASE_URL", "DATABASE_APP_URL"},
        }

    def test_each_component_has_its_own_user_of_valkey_and_only_web_the_key_of_sessions(self) -> None:
        known = {
            workload: {
                variable["name"]: variable["valueFrom"]["secretKeyRef"]["key"]
                for variable in container["env"]
                if variable["name"] in {"REDIS_URL", "FAIRLEAD_SESSION_KEY", "FAIRLEAD_SECRET_KEY"}
            }
            for workload, container in containers(rendered("defaults"))
        }
        assert known == {
            "prod-fairlead-web": {"REDIS_URL": "web-url", "FAIRLEAD_SESSION_KEY": "key"},
            "prod-fairlead-worker-shared": {"REDIS_URL": "worker-url"},
            "prod-fairlead-worker-shared-bulk": {"REDIS_URL": "worker-url"},
            "prod-fairlead-relay": {"REDIS_URL": "relay-url"},
            "prod-fairlead-migrate": {"REDIS_URL": "relay-url"},
            "prod-fairlead-retention": {},
        }

    def test_only_web_and_workers_hold_the_vault_keys(self) -> None:
        holding = {
            workload
            for workload, template in pods(rendered("defaults"))
            for volume in template["spec"]["volumes"]
            if "secret" in volume
        }
        workers = {"prod-fairlead-worker-shared", "prod-fairlead-worker-shared-bulk"}
        assert holding == {"prod-fairlead-web", *workers}

    def test_expired_data_is_purged_daily_unless_disabled(self) -> None:
        job = of_kind(rendered("defaults"), "CronJob")["prod-fairlead-retention"]["spec"]
        assert (job["schedule"], job["timeZone"], job["concurrencyPolicy"]) == ("23 3 * * *", "Etc/UTC", "Forbid")
        assert job["jobTemplate"]["spec"]["template"]["spec"]["restartPolicy"] == "Never"
        assert of_kind(render({"retention": {"enabled": False}}), "CronJob") == {}

    def test_a_backup_is_encrypted_onto_the_named_volume(self) -> None:
        assert set(of_kind(rendered("scheduled"), "CronJob")) == {"prod-fairlead-backup", "prod-fairlead-retention"}
        (template,) = [it for name, it in pods(rendered("scheduled")) if name == "prod-fairlead-backup"]
        (container,) = template["spec"]["containers"]
        volumes = {volume["name"]: volume for volume in template["spec"]["volumes"]}
        mounts = {mount["mountPath"]: mount["name"] for mount in container["volumeMounts"]}
        arguments = dict(zip(container["args"][1::2], container["args"][2::2], strict=True))
        assert volumes[mounts[arguments["--out"]]]["persistentVolumeClaim"] == {"claimName": "backups"}
        folder, _, file = arguments["--recipient"].rpartition("/")
        recipient = volumes[mounts[folder]]["secret"]
        assert recipient["secretName"] == "fairlead-recipient"
        assert [item["path"] for item in recipient["items"]] == [file]
        assert {"name": "FAIRLEAD_VAULT_KEYS_FILE", "value": "/run/fairlead/vault/keys"} in container["env"]

    def test_a_backup_has_its_own_login_only(self) -> None:
        known = {
            workload: {
                variable["name"]: variable["valueFrom"]["secretKeyRef"]["name"]
                for variable in container["env"]
                if "valueFrom" in variable
            }
            for workload, container in containers(rendered("scheduled"))
        }
        assert known["prod-fairlead-backup"] == {"DATABASE_BACKUP_URL": "fairlead-backup"}
        assert known["prod-fairlead-migrate"]["DATABASE_BACKUP_URL"] == "fairlead-backup"
        assert known["prod-fairlead-migrate"]["DATABASE_URL"] == "fairlead-database"
        assert set(known["prod-fairlead-retention"].values()) == {"fairlead-database"}

    def test_only_workers_deliver_audit_heads(self) -> None:
        variables = {
            workload: {v["name"]: v for v in container["env"] if v["name"].startswith("FAIRLEAD_AUDIT_HEADS_")}
            for workload, container in containers(rendered("scheduled"))
        }
        assert {name for name, found in variables.items() if found} == {
            "prod-fairlead-worker-shared", "prod-fairlead-worker-shared-bulk",
        }  # fmt: skip
        found = variables["prod-fairlead-worker-shared"]
        assert found["FAIRLEAD_AUDIT_HEADS_URL"]["value"] == "https://witness.example/heads"
        secret = found["FAIRLEAD_AUDIT_HEADS_SECRET"]["valueFrom"]["secretKeyRef"]
        assert secret == {"name": "fairlead-witness", "key": "secret"}

    def test_web_and_workers_get_the_mail_server_and_workers_alone_its_password(self) -> None:
        given = {
            workload: {
                v["name"]: v for v in container["env"] if v["name"].startswith(("FAIRLEAD_SMTP", "FAIRLEAD_MAIL"))
            }
            for workload, container in containers(rendered("mail"))
        }
        workers = {"prod-fairlead-worker-shared", "prod-fairlead-worker-shared-bulk"}
        assert {name for name, found in given.items() if found} == workers | {"prod-fairlead-web"}
        assert {name for name, found in given.items() if "FAIRLEAD_SMTP_PASSWORD" in found} == workers
        found = given["prod-fairlead-worker-shared"]
        plain = {name: variable["value"] for name, variable in found.items() if "value" in variable}
        assert plain == {
            "FAIRLEAD_SMTP_HOST": "mail.example.com:587", "FAIRLEAD_SMTP_TLS": "starttls",
            "FAIRLEAD_SMTP_USER": "portal", "FAIRLEAD_MAIL_FROM": "portal@example.com",
        }  # fmt: skip
        secret = found["FAIRLEAD_SMTP_PASSWORD"]["valueFrom"]["secretKeyRef"]
        assert secret == {"name": "fairlead-mail", "key": "password"}
        assert not any("SMTP" in v["name"] for _, one in containers(rendered("defaults")) for v in one["env"])

    def test_web_and_workers_get_the_operators_account_at_stripe(self) -> None:
        given = {
            workload: {v["name"].removeprefix("FAIRLEAD_STRIPE_"): v for v in one["env"] if "STRIPE" in v["name"]}
            for workload, one in containers(rendered("stripe"))
        }
        workers = {"prod-fairlead-worker-shared", "prod-fairlead-worker-shared-bulk"}
        assert {name: set(found) for name, found in given.items() if found} == {
            "prod-fairlead-web": {"KEY", "FEE_PERCENT", "SIGNING_SECRET"},
            **{name: {"KEY", "FEE_PERCENT"} for name in workers},
        }
        web = given["prod-fairlead-web"]
        assert web["KEY"]["valueFrom"]["secretKeyRef"] == {"name": "fairlead-stripe", "key": "key"}
        assert web["SIGNING_SECRET"]["valueFrom"]["secretKeyRef"] == {"name": "fairlead-stripe", "key": "signing"}
        assert web["FEE_PERCENT"]["value"] == "1.5"
        assert not any("STRIPE" in v["name"] for _, one in containers(rendered("defaults")) for v in one["env"])

    def test_only_workers_reach_mail_servers(self) -> None:
        policy = of_kind(rendered("mail"), "NetworkPolicy")["prod-fairlead-mail"]["spec"]
        assert policy["podSelector"]["matchLabels"]["app.kubernetes.io/component"] == "worker"
        assert [one["port"] for one in policy["egress"][0]["ports"]] == [465, 587]
        assert "10.0.0.0/8" in policy["egress"][0]["to"][0]["ipBlock"]["except"]

    def test_the_migration_runs_before_installation_and_upgrade(self) -> None:
        job = of_kind(rendered("defaults"), "Job")["prod-fairlead-migrate"]
        assert job["metadata"]["annotations"]["helm.sh/hook"] == "pre-install,pre-upgrade"
        # A first install has no service account of the chart yet.
        assert "serviceAccountName" not in job["spec"]["template"]["spec"]

    def test_every_brand_host_leads_to_the_web_service(self) -> None:
        ingress = of_kind(rendered("two brands"), "Ingress")["prod-fairlead"]["spec"]
        assert [rule["host"] for rule in ingress["rules"]] == ["portal.harbour.example", "ops.tide.example"]
        services = of_kind(rendered("two brands"), "Service")
        for rule in ingress["rules"]:
            backend = rule["http"]["paths"][0]["backend"]["service"]
            ports = {port["name"] for port in services[backend["name"]]["spec"]["ports"]}
            assert backend["port"]["name"] in ports

    def test_the_autoscaler_and_a_fixed_size_exclude_each_other(self) -> None:
        scaled, fixed = rendered("defaults"), rendered("fixed size")
        assert "replicas" not in of_kind(scaled, "Deployment")["prod-fairlead-web"]["spec"]
        assert "prod-fairlead-web" in of_kind(scaled, "HorizontalPodAutoscaler")
        assert of_kind(fixed, "Deployment")["prod-fairlead-web"]["spec"]["replicas"] == 4
        assert of_kind(fixed, "HorizontalPodAutoscaler") == {}

    def test_a_digest_wins_over_the_tag(self) -> None:
        images = {container["image"] for _, container in containers(rendered("fixed size"))}
        assert images == {"fairlead@sha256:" + "a" * 64}

    def test_without_a_digest_or_a_tag_nothing_is_installed(self) -> None:
        with pytest.raises(helm_python.HelmError, match=r"Set image\.digest to"):
            render({"image": {}})
        assert {container["image"] for _, container in containers(render({"image": {"tag": "1.2"}}))} == {
            "fairlead:1.2"
        }


class TestNetwork:
    def allowed(self, name: str, component: str, direction: str) -> list[Object]:
        objects = rendered(name)
        labels = next(
            template["metadata"]["labels"]
            for _, template in pods(objects)
            if template["metadata"]["labels"]["app.kubernetes.io/component"] == component
        )
        return [
            rule
            for policy in of_kind(objects, "NetworkPolicy").values()
            if direction.capitalize() in policy["spec"]["policyTypes"]
            and selects(policy["spec"]["podSelector"], labels)
            for rule in policy["spec"].get(direction, [])
        ]

    def ports(self, rules: list[Object]) -> list[Any]:
        """Numbers and names, ordered as text."""
        return sorted({port["port"] for rule in rules for port in rule["ports"]}, key=str)

    def test_only_the_ingress_controller_reaches_the_web_pods(self) -> None:
        (rule,) = self.allowed("defaults", "web", "ingress")
        assert rule["ports"] == [{"port": "http", "protocol": "TCP"}]
        assert rule["from"][0]["namespaceSelector"]["matchLabels"] == {"kubernetes.io/metadata.name": "ingress-nginx"}

    @pytest.mark.parametrize("component", ["worker", "relay", "migrate"])
    def test_network_policies_deny_other_traffic(self, component: str) -> None:
        assert self.allowed("defaults", component, "ingress") == []

    def test_the_relay_and_the_migration_reach_servers_only(self) -> None:
        for component in ("relay", "migrate"):
            assert self.ports(self.allowed("defaults", component, "egress")) == [53, 5432, 6379]

    def test_workers_reach_the_outside_but_no_private_address(self) -> None:
        rules = self.allowed("defaults", "worker", "egress")
        (outside,) = [rule for rule in rules if {"port": 443, "protocol": "TCP"} in rule["ports"]]
        closed = {network for peer in outside["to"] for network in peer["ipBlock"]["except"]}
        assert {"10.0.0.0/8", "169.254.0.0/16", "192.168.0.0/16", "127.0.0.0/8", "fc00::/7"} <= closed

    def test_a_named_private_system_is_opened_and_servers_are_narrowed(self) -> None:
        rules = self.allowed("closed network", "worker", "egress")
        assert self.ports(rules) == [443, 465, 53, 587, 6380, 6432, 8443]
        (database,) = [rule for rule in rules if {"port": 6432, "protocol": "TCP"} in rule["ports"]]
        assert database["to"] == [{"ipBlock": {"cidr": "10.1.2.0/24"}}]
        assert {"ipBlock": {"cidr": "10.9.0.5/32"}} in [peer for rule in rules for peer in rule["to"]]

    def test_metrics_are_read_only_by_whom_the_values_name(self) -> None:
        (rule,) = self.allowed("closed network", "relay", "ingress")
        assert rule["ports"] == [{"port": "metrics", "protocol": "TCP"}]


REFUSED: dict[str, Values] = {
    "unknown setting": {"wbe": {}},
    "misspelt inner setting": {"web": {"replica": 3}},
    "replicas as text": {"worker": {"replicas": "two"}},
    "no replicas": {"worker": {"replicas": 0}},
    "three relays": {"relay": {"replicas": 3}},
    "a host with a path": {"ingress": {"hosts": ["portal.example/path"]}},
    "a tenant that is no id": {"pinnedPools": [{"name": "x", "tenant": "harbour", "replicas": 1}]},
    "a pool without a tenant": {"pinnedPools": [{"name": "x", "replicas": 1}]},
    "a pool name that is no label": {"pinnedPools": [{"name": "X y", "tenant": TENANT_A, "replicas": 1}]},
    "limits without memory": {"worker": {"resources": {"limits": {"memory": None}}}},
    "the latest image": {"image": {"tag": "latest"}},
    "a password in env": {"env": [{"name": "SMTP_PASSWORD", "value": "x"}]},
    "a database address in env": {"env": [{"name": "DATABASE_URL", "value": "postgresql://db/fairlead"}]},
    "a credential inside an address": {"env": [{"name": "PROXY", "value": "http://user:word@proxy:3128"}]},
    "an open web": {"networkPolicy": {"ingressFrom": []}},
    "every address as a proxy (V6)": {"ingress": {"trustedProxies": ["*"]}},
    "all of IPv4 as proxies (V6)": {"ingress": {"trustedProxies": ["0.0.0.0/0"]}},
    "all of IPv6 as proxies (V6)": {"ingress": {"trustedProxies": ["::/0"]}},
    "a time that is no schedule": {"retention": {"schedule": "every night"}},
    "a backup without a volume": {"backup": {"enabled": True, "recipientSecretName": "recipient"}},
    "a backup that anybody could read": {"backup": {"enabled": True, "claimName": "backups"}},
    "audit heads without a signature": {"audit": {"headsUrl": "https://witness.example/heads"}},
    "a password in the address of audit heads": {
        "audit": {"headsUrl": "https://user:word@witness.example/", "headsSecretName": "witness"}
    },
    "a mail user without a password": {"mail": {"host": "mail.example.com", "user": "portal"}},
    "a password in the address of the mail server": {"mail": {"host": "portal:word@mail.example.com"}},
    "a fee without an account at Stripe": {"stripe": {"feePercent": "1.5"}},
    "a port out of range": {"networkPolicy": {"database": {"port": 70000}}},
}


@pytest.mark.parametrize("networks", [[], ["10.42.0.0/16", "fd00::/8", "192.0.2.7"]])
def test_only_named_proxies_are_trusted(networks: list[str]) -> None:
    for _, container in containers(render({"ingress": {"trustedProxies": networks}})):
        named = {each["name"]: each.get("value") for each in container["env"]}
        assert "FORWARDED_ALLOW_IPS" not in named
        found = read_settings(SETTINGS | {"FAIRLEAD_TRUSTED_PROXIES": named.get("FAIRLEAD_TRUSTED_PROXIES") or ""})
        serves = container["args"][0] == "web"
        assert len(found.proxies.networks) == (len(networks) if serves else 0)


SETTINGS = {
    "DATABASE_APP_URL": "postgresql://a:b@c/d",
    "DATABASE_INTAKE_URL": "postgresql://a:b@c/d",
    "DATABASE_RELAY_URL": "postgresql://a:b@c/d",
    "REDIS_URL": "redis://c",
    "FAIRLEAD_VAULT_KEYS": "x",
}


class TestValues:
    @pytest.mark.parametrize("case", REFUSED)
    def test_the_schema_refuses(self, case: str) -> None:
        with pytest.raises(helm_python.HelmError):
            render(REFUSED[case])

    def test_defaults_satisfy_the_schema(self) -> None:
        assert render()

    def test_every_default_is_described(self) -> None:
        """Overrides of a value that is missing in the schema would be refused although the defaults have it."""
        schema = json.loads((CHART / "values.schema.json").read_text())
        with helm_python.Chart.load(CHART) as chart:
            assert set(chart.values) <= set(schema["properties"])


@pytest.mark.parametrize("name", VALUE_SETS)
def test_the_command_line_accepts_every_containers_arguments(name: str) -> None:
    for _, container in containers(rendered(name)):
        command, *arguments = (str(CHART / "values.yaml") if it.endswith(".pem") else it for it in container["args"])
        main.commands[command].make_context(command, list(arguments))
