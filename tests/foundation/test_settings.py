from pathlib import Path
from urllib.parse import urlsplit

import pytest

from foundation.database.roles import APP, BACKUP, RELAY
from foundation.settings import (
    NEEDED_SECRETS,
    ROLE_URLS,
    SECRETS,
    SettingsInvalid,
    derive_passwords,
    process_environment,
    read_settings,
    with_role,
    write_environment,
)

SECRET = "s" * 32
BASE = {"REDIS_URL": "redis://cache/0", "FAIRLEAD_VAULT_KEYS": "k1:x"}
DERIVED = BASE | {"DATABASE_URL": "postgresql://owner:pw@db/fairlead?sslmode=require", "FAIRLEAD_SECRET_KEY": SECRET}
GIVEN = BASE | {
    "DATABASE_APP_URL": "postgresql://fairlead_app:a%2Fa@db/fairlead",
    "DATABASE_INTAKE_URL": "postgresql://fairlead_intake:ii@db/fairlead",
    "DATABASE_RELAY_URL": "postgresql://fairlead_relay:rr@db/fairlead",
}


class TestRoleUrls:
    def test_they_follow_from_the_owner_and_the_secret(self) -> None:
        settings = read_settings(DERIVED)
        passwords = derive_passwords(SECRET.encode())
        assert settings.app_url == f"postgresql://{APP}:{passwords.app.replace('=', '%3D')}@db/fairlead?sslmode=require"
        assert settings.role_passwords == passwords

    def test_configured_logins_win_and_set_the_roles_passwords(self) -> None:
        settings = read_settings(DERIVED | GIVEN)
        assert settings.app_url == GIVEN["DATABASE_APP_URL"]
        assert settings.role_passwords.app == "a/a"
        assert settings.role_passwords.relay == "rr"

    def test_with_all_logins_configured_neither_owner_nor_secret_is_needed(self) -> None:
        settings = read_settings(GIVEN)
        assert settings.owner_url == ""
        assert settings.intake_url == GIVEN["DATABASE_INTAKE_URL"]

    def test_a_process_may_know_its_own_role_only(self) -> None:
        relay = {
            name: value for name, value in GIVEN.items() if name not in {"DATABASE_APP_URL", "DATABASE_INTAKE_URL"}
        }
        settings = read_settings(relay)
        assert (settings.relay_url, settings.app_url) == (GIVEN["DATABASE_RELAY_URL"], "")
        with pytest.raises(SettingsInvalid, match="DATABASE_APP_URL"):
            _ = settings.role_passwords

    def test_unix_sockets_survive_the_change_of_role(self) -> None:
        url = with_role("postgresql://owner@/fairlead?host=%2Frun%2Fpg", RELAY, "p w")
        assert url == f"postgresql://{RELAY}:p%20w@/fairlead?host=%2Frun%2Fpg"

    def test_the_four_passwords_differ(self) -> None:
        passwords = derive_passwords(SECRET.encode())
        assert len({passwords.app, passwords.intake, passwords.relay, passwords.backup}) == 4

    def test_the_login_of_backups_follows_where_another_role_does_and_is_left_out_otherwise(self) -> None:
        derived = read_settings(DERIVED)
        assert urlsplit(derived.backup_url).username == BACKUP
        assert derived.role_passwords.backup == derive_passwords(SECRET.encode()).backup
        given = read_settings(DERIVED | GIVEN)
        assert (given.backup_url, given.role_passwords.backup) == ("", "")

    def test_a_configured_backup_login_needs_nothing_else(self) -> None:
        url = "postgresql://fairlead_backup:b%2Fb@db/fairlead"
        alone = read_settings({"DATABASE_BACKUP_URL": url}, vault_needed=False, partial=True)
        assert (alone.backup_url, alone.owner_url) == (url, "")
        assert read_settings(DERIVED | GIVEN | {"DATABASE_BACKUP_URL": url}).role_passwords.backup == "b/b"

    def test_the_password_of_an_operators_own_login_is_not_the_roles(self) -> None:
        url = "postgresql://nightly:secret@db/fairlead"
        assert read_settings(DERIVED | {"DATABASE_BACKUP_URL": url}).role_passwords.backup == ""

    def test_no_running_process_gets_the_login_of_backups(self) -> None:
        settings = read_settings(DERIVED)
        for process in NEEDED_SECRETS:
            assert "DATABASE_BACKUP_URL" not in process_environment(settings, process)


class TestMissing:
    @pytest.mark.parametrize("name", ["DATABASE_URL", "REDIS_URL", "FAIRLEAD_SECRET_KEY", "FAIRLEAD_VAULT_KEYS"])
    def test_missing_settings_are_named(self, name: str) -> None:
        with pytest.raises(SettingsInvalid, match=name):
            read_settings({key: value for key, value in DERIVED.items() if key != name})

    def test_a_short_secret_is_refused(self) -> None:
        with pytest.raises(SettingsInvalid, match="at least 32"):
            read_settings(DERIVED | {"FAIRLEAD_SECRET_KEY": "s" * 31})

    def test_components_without_secrets_need_no_keys(self) -> None:
        without = {key: value for key, value in DERIVED.items() if key != "FAIRLEAD_VAULT_KEYS"}
        assert read_settings(without, vault_needed=False).vault_keys == ""


class TestFiles:
    def test_a_secret_may_be_a_file(self, tmp_path: Path) -> None:
        file = tmp_path / "keys"
        file.write_text("k2:y,k1:x\n")
        environment = {key: value for key, value in DERIVED.items() if key != "FAIRLEAD_VAULT_KEYS"}
        assert read_settings(environment | {"FAIRLEAD_VAULT_KEYS_FILE": str(file)}).vault_keys == "k2:y,k1:x"

    def test_an_unreadable_file_is_named(self, tmp_path: Path) -> None:
        environment = {key: value for key, value in DERIVED.items() if key != "FAIRLEAD_VAULT_KEYS"}
        with pytest.raises(SettingsInvalid, match="absent"):
            read_settings(environment | {"FAIRLEAD_VAULT_KEYS_FILE": str(tmp_path / "absent")})


def test_child_processes_read_back_the_same_settings() -> None:
    for environment in (DERIVED, GIVEN):
        settings = read_settings(environment)
        assert read_settings(write_environment(settings)) == settings


def test_settings_do_not_show_themselves() -> None:
    assert SECRET not in repr(read_settings(DERIVED))


@pytest.mark.parametrize(
    "wrong",
    [
        {"FAIRLEAD_TRUSTED_PROXIES": "*"},
        {"FAIRLEAD_TRUSTED_PROXIES": "0.0.0.0/0"},
        {"FAIRLEAD_TRUSTED_PROXIES": "10.0.0.0/8, nginx"},
        {"FAIRLEAD_FORWARDED_HEADER": "x-real-ip"},
        {"FAIRLEAD_PUBLIC_PORT": "70000"},
        {"FAIRLEAD_PUBLIC_PORT": "https"},
    ],
)
def test_a_proxy_setting_that_cannot_be_used_is_named(wrong: dict[str, str]) -> None:
    environment = {
        **dict.fromkeys(ROLE_URLS.values(), "postgresql://a:b@c/d"),
        "REDIS_URL": "redis://c",
        "FAIRLEAD_VAULT_KEYS": "x",
    }
    with pytest.raises(SettingsInvalid, match=next(iter(wrong))):
        read_settings(environment | wrong)
    settings = read_settings(environment | {"FAIRLEAD_TRUSTED_PROXIES": "10.0.0.0/8", "FAIRLEAD_PUBLIC_PORT": "8443"})
    again = read_settings(write_environment(settings) | environment)
    assert (again.proxies, again.public_port) == (settings.proxies, 8443)


VARIABLES = (
    *SECRETS, "FAIRLEAD_OUTBOUND_ALLOWED", "FAIRLEAD_TRUSTED_PROXIES", "FAIRLEAD_FORWARDED_HEADER",
    "FAIRLEAD_PUBLIC_PORT", "FAIRLEAD_LOG", "OTEL_EXPORTER_OTLP_ENDPOINT", "FAIRLEAD_AUDIT_HEADS_URL",
    "FAIRLEAD_AUDIT_HEADS_FILE",
)  # fmt: skip
UNUSABLE = ("\udcff", "a\x1bb" * 10, "x" * 70_000, "postgresql://o:p@h/\udcff", "k1:\x07")
MALFORMED = {
    "DATABASE_APP_URL": (
        "postgresql://o:p%ff@h/d", "postgresql://o:p%zz@h/d", "postgresql://o:p@h/d?sslmode=wrong", "o:p@h/d",
        "postgresql://o:p@h/d?target_session_attrs=x", "postgresql://o:p@h:0/d", "postgresql://o:p@[::1/d",
        "\U0001f600",
    ),
    "REDIS_WORKER_URL": (
        "redis://", "redis://:p@", "redis://h:0", "redis://h:99999", "redis://h/x", "redis://h/-1", "redis://h/0/1",
        "redis://h?db=x", "redis://h?nonsense=1", "redis://[::1", "unix://", "rediss://h?ssl_cert_reqs=maybe", "h:6379",
    ),
    "FAIRLEAD_SESSION_KEY": ("short", "\U0001f600"),
    "FAIRLEAD_TRUSTED_PROXIES": ("*", "0.0.0.0/0", "10.0.0.0/33", "x" * 5000),
    "FAIRLEAD_PUBLIC_PORT": ("0", "65536", "-1", "1e3", "\uff11\uff12", "9" * 5000),
    "FAIRLEAD_FORWARDED_HEADER": ("x-real-ip", "x" * 5000),
    "FAIRLEAD_LOG": ("xml", "JSON", "x" * 5000),
    "OTEL_EXPORTER_OTLP_ENDPOINT": ("collector", "https://", "http://h:0", "http://h:99999", "http:// h/"),
    "FAIRLEAD_AUDIT_HEADS_SECRET": ("whsec_", "whsec_\U0001f600", "A" * 40, "whsec_" + "A" * 31),
}  # fmt: skip
LONGEST_SENTENCE = 400


class TestMalformed:
    @pytest.mark.parametrize(
        ("name", "value"),
        [
            *((name, value) for name in VARIABLES for value in UNUSABLE),
            *((name, value) for name, values in MALFORMED.items() for value in values),
        ],
    )
    def test_the_variable_is_named_in_a_short_sentence_without_a_secret(self, name: str, value: str) -> None:
        with pytest.raises(SettingsInvalid, match=f"^{name}") as refused:
            read_settings(DERIVED | GIVEN | {name: value})
        sentence = str(refused.value)
        assert len(sentence) < LONGEST_SENTENCE
        assert sentence.isprintable()
        assert name not in SECRETS or len(value) <= len("redis://") or value not in sentence

    @pytest.mark.parametrize("content", [b"\xff\xfe", b"k1:\x00", b"x" * 70_000])
    def test_the_text_of_a_file_is_checked_too(self, tmp_path: Path, content: bytes) -> None:
        file = tmp_path / "keys"
        file.write_bytes(content)
        environment = {name: value for name, value in DERIVED.items() if name != "FAIRLEAD_VAULT_KEYS"}
        with pytest.raises(SettingsInvalid, match="FAIRLEAD_VAULT_KEYS_FILE"):
            read_settings(environment | {"FAIRLEAD_VAULT_KEYS_FILE": str(file)})

    def test_keys_on_several_lines_and_blanks_around_values_are_accepted(self) -> None:
        given = {"FAIRLEAD_VAULT_KEYS": "k2:y,\r\nk1:x", "FAIRLEAD_LOG": " json\n", "FAIRLEAD_PUBLIC_PORT": " 8443 "}
        settings = read_settings(DERIVED | given)
        assert (settings.vault_keys, settings.log_json, settings.public_port) == (
            given["FAIRLEAD_VAULT_KEYS"],
            True,
            8443,
        )
