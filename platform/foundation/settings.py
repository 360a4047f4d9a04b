"""Settings: read from the environment once, by the composition root, and passed as values."""

import base64
import hashlib
import hmac
import re
from collections.abc import Mapping
from pathlib import Path
from typing import Final
from urllib.parse import parse_qsl, quote, unquote, urlencode, urlsplit

import msgspec
import psycopg
import redis
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.kdf.hkdf import HKDF
from psycopg.conninfo import conninfo_to_dict

from foundation.database.roles import APP, BACKUP, INTAKE, RELAY, RolePasswords
from foundation.mail_settings import SMTP_PASSWORD, MailSettings, mail_environment, read_mail_settings
from foundation.outbound.dns_txt import parse_servers
from foundation.stripe_settings import (
    STRIPE_KEY,
    STRIPE_SIGNING_SECRET,
    StripePlatform,
    read_stripe_platform,
    stripe_environment,
)
from foundation.web.client_address import FORWARDED, X_FORWARDED_FOR, ProxyRule, parse_networks

ROLE_URLS: Final = {APP: "DATABASE_APP_URL", INTAKE: "DATABASE_INTAKE_URL", RELAY: "DATABASE_RELAY_URL"}
BACKUP_URL: Final = "DATABASE_BACKUP_URL"
LEAST_SECRET: Final = 32
LEAST_AUDIT_KEY: Final = 24
VALKEY_URLS: Final = {"web": "REDIS_WEB_URL", "worker": "REDIS_WORKER_URL", "relay": "REDIS_RELAY_URL"}
SERVERS: Final = ("DATABASE_URL", *ROLE_URLS.values(), BACKUP_URL, "REDIS_URL", *VALKEY_URLS.values())
AUDIT_FILE: Final = "FAIRLEAD_AUDIT_HEADS_FILE"
AUDIT_URL: Final = "FAIRLEAD_AUDIT_HEADS_URL"
AUDIT_SECRET: Final = "FAIRLEAD_AUDIT_HEADS_SECRET"  # noqa: S105 - the setting's name
SECRETS: Final = (
    *SERVERS,
    "FAIRLEAD_SECRET_KEY",
    "FAIRLEAD_SESSION_KEY",
    "FAIRLEAD_VAULT_KEYS",
    AUDIT_SECRET,
    SMTP_PASSWORD,
    STRIPE_KEY,
    STRIPE_SIGNING_SECRET,
)
"""Settings that may also be given as the path of a file, in …_FILE."""
NEEDED_SECRETS: Final[Mapping[str, tuple[str, ...]]] = {
    "web": (
        "DATABASE_APP_URL",
        "DATABASE_INTAKE_URL",
        "REDIS_URL",
        "FAIRLEAD_SESSION_KEY",
        "FAIRLEAD_VAULT_KEYS",
        STRIPE_KEY,
        STRIPE_SIGNING_SECRET,
    ),
    "worker": ("DATABASE_APP_URL", "REDIS_URL", "FAIRLEAD_VAULT_KEYS", AUDIT_SECRET, SMTP_PASSWORD, STRIPE_KEY),
    "relay": ("DATABASE_RELAY_URL", "REDIS_URL"),
    "retention": ("DATABASE_URL", "DATABASE_APP_URL"),
}
"""Secrets that each process needs; the owner's address is for processes that change the schema or drop partitions."""
LOG_FORMS: Final = ("json", "console")
PROXIES: Final = "FAIRLEAD_TRUSTED_PROXIES"
FORWARDED_HEADER: Final = "FAIRLEAD_FORWARDED_HEADER"
PUBLIC_PORT: Final = "FAIRLEAD_PUBLIC_PORT"
DNS_SERVERS: Final = "FAIRLEAD_DNS_SERVERS"
STRIPE_URL: Final = "FAIRLEAD_STRIPE_URL"
LONGEST_VALUE: Final = 65_536
_LONGEST_SHOWN: Final = 60
_NO_TEXT: Final = re.compile("[\x00-\x08\x0b\x0c\x0e-\x1f\x7f\ud800-\udfff]")
"""Surrogates represent bytes of the environment that are not UTF-8. Line breaks are allowed because keys may span
lines.
"""
_CHOICES: Final[Mapping[str, tuple[str, ...]]] = {
    "sslmode": ("disable", "allow", "prefer", "require", "verify-ca", "verify-full"),
    "gssencmode": ("disable", "prefer", "require"),
    "channel_binding": ("disable", "prefer", "require"),
    "target_session_attrs": ("any", "read-write", "read-only", "primary", "standby", "prefer-standby"),
}
"""Parameters of a URL whose values libpq validates only when it connects."""


class SettingsInvalid(Exception):
    """A setting is missing or malformed; the message names the setting and the remedy."""


class Settings(msgspec.Struct, frozen=True, kw_only=True):
    """Settings of a process. `owner_url` is for migrations only. `backup_url` is for backups only; without it they are
    made as the owner. `outbound_allowed` is read by `outbound.settings.parse_allowed`.

    `valkey_urls` are of components that have a user of their own in Valkey; `redis_url` serves the others.

    A process may be given a subset of the settings: those missing in its environment are empty here.
    """

    owner_url: str
    app_url: str
    intake_url: str
    relay_url: str
    redis_url: str
    backup_url: str = ""
    vault_keys: str
    secret_key: bytes
    session_key: bytes = b""
    valkey_urls: Mapping[str, str] = {}
    outbound_allowed: str = ""
    trusted_proxies: str = ""
    forwarded_header: str = X_FORWARDED_FOR
    public_port: int | None = None
    dns_servers: str = ""
    stripe_url: str = ""
    stripe: StripePlatform = StripePlatform()
    log_json: bool = True
    otlp_endpoint: str = ""
    audit_heads_file: str = ""
    audit_heads_url: str = ""
    audit_heads_secret: str = ""
    mail: MailSettings = MailSettings()

    def __repr__(self) -> str:
        return "Settings(…)"

    def redis_url_of(self, component: str) -> str:
        """Valkey URL of "web", "worker" or "relay"."""
        return self.valkey_urls.get(component) or self.redis_url

    def as_component(self, component: str) -> "Settings":
        """Settings with that component's Valkey user, and no other's."""
        return msgspec.structs.replace(self, redis_url=self.redis_url_of(component), valkey_urls={})

    @property
    def sessions_key(self) -> bytes:
        """Key of the sessions' MACs; empty in processes that serve no pages."""
        return self.session_key or (derive_session_key(self.secret_key) if self.secret_key else b"")

    @property
    def proxies(self) -> ProxyRule:
        """The proxies trusted for a client's address and scheme."""
        return ProxyRule(networks=parse_networks(self.trusted_proxies), header=self.forwarded_header)

    @property
    def role_passwords(self) -> RolePasswords:
        """The passwords with which the processes will connect: those in their URLs."""
        return RolePasswords(
            app=_password(self.app_url, "DATABASE_APP_URL"),
            intake=_password(self.intake_url, "DATABASE_INTAKE_URL"),
            relay=_password(self.relay_url, "DATABASE_RELAY_URL"),
            backup=_password(self.backup_url, BACKUP_URL) if urlsplit(self.backup_url).username == BACKUP else "",
        )


def derive_passwords(secret_key: bytes) -> RolePasswords:
    """The database roles' passwords, derived from the deployment's one secret (HMAC-SHA256 as a PRF, RFC 5869
    expand).
    """

    def derived(role: str) -> str:
        return base64.urlsafe_b64encode(hmac.new(secret_key, role.encode(), hashlib.sha256).digest()).decode()

    return RolePasswords(app=derived(APP), intake=derived(INTAKE), relay=derived(RELAY), backup=derived(BACKUP))


def derive_session_key(secret_key: bytes) -> bytes:
    """Session key by HKDF-SHA256 (RFC 5869) with a label of its own, so that the key reveals nothing about other keys
    derived from the secret.
    """
    kdf = HKDF(algorithm=hashes.SHA256(), length=32, salt=None, info=b"fairlead sessions 1")
    return base64.urlsafe_b64encode(kdf.derive(secret_key))


def read_settings(environment: Mapping[str, str], *, vault_needed: bool = True, partial: bool = False) -> Settings:
    """Read DATABASE_URL, REDIS_URL, FAIRLEAD_SECRET_KEY and FAIRLEAD_VAULT_KEYS (each also as …_FILE).

    The roles' own URLs derive from DATABASE_URL and the secret. DATABASE_APP_URL, DATABASE_INTAKE_URL and
    DATABASE_RELAY_URL override them; then DATABASE_URL is needed by `migrate` only, and the secret by no process.
    DATABASE_BACKUP_URL derives in the same way where one of these does, and is optional where none does. A
    process may be given the URLs of just the roles it uses. REDIS_WEB_URL, REDIS_WORKER_URL and REDIS_RELAY_URL
    override REDIS_URL for one component each, and FAIRLEAD_SESSION_KEY the session key derived from the secret.
    `partial` is for commands of the tables' owner alone, which need neither the roles' URLs nor Valkey's.

    Raises:
        SettingsInvalid: names the missing setting.
    """
    given = {role: _database(environment, name, needed=False) for role, name in ROLE_URLS.items()}
    backup = _database(environment, BACKUP_URL, needed=False)
    owner = _database(environment, "DATABASE_URL", needed=not (backup or any(given.values())))
    deriving = bool(owner) and not all(given.values())
    secret = _secret(environment, "FAIRLEAD_SECRET_KEY", needed=deriving and not partial)
    if deriving and secret:
        passwords = derive_passwords(secret)
        derived = {APP: passwords.app, INTAKE: passwords.intake, RELAY: passwords.relay}
        given = {role: url or with_role(owner, role, derived[role]) for role, url in given.items()}
        backup = backup or with_role(owner, BACKUP, passwords.backup)
    _check_proxies(environment)
    components = {component: _redis(environment, name, needed=False) for component, name in VALKEY_URLS.items()}
    return Settings(
        owner_url=owner,
        app_url=given[APP],
        intake_url=given[INTAKE],
        relay_url=given[RELAY],
        backup_url=backup,
        redis_url=_redis(environment, "REDIS_URL", needed=not (partial or any(components.values()))),
        valkey_urls={component: url for component, url in components.items() if url},
        vault_keys=_value(environment, "FAIRLEAD_VAULT_KEYS", needed=vault_needed),
        secret_key=secret,
        session_key=_secret(environment, "FAIRLEAD_SESSION_KEY", needed=False)
        or (derive_session_key(secret) if secret else b""),
        outbound_allowed=_plain(environment, "FAIRLEAD_OUTBOUND_ALLOWED"),
        trusted_proxies=_plain(environment, PROXIES),
        forwarded_header=_plain(environment, FORWARDED_HEADER).strip().lower() or X_FORWARDED_FOR,
        public_port=_port(environment),
        dns_servers=_dns_servers(environment),
        stripe_url=_http_url(environment, STRIPE_URL),
        stripe=_stripe(environment),
        log_json=_log_form(environment) == "json",
        otlp_endpoint=_http_url(environment, "OTEL_EXPORTER_OTLP_ENDPOINT"),
        audit_heads_file=_plain(environment, AUDIT_FILE),
        audit_heads_url=_http_url(environment, AUDIT_URL),
        audit_heads_secret=_audit_secret(environment),
        mail=_mail(environment),
    )


def write_environment(settings: Settings) -> dict[str, str]:
    """The environment that `read_settings` turns into `settings`, for child processes."""
    return {
        "DATABASE_URL": settings.owner_url,
        "DATABASE_APP_URL": settings.app_url,
        "DATABASE_INTAKE_URL": settings.intake_url,
        "DATABASE_RELAY_URL": settings.relay_url,
        BACKUP_URL: settings.backup_url,
        "REDIS_URL": settings.redis_url,
        **{VALKEY_URLS[component]: url for component, url in settings.valkey_urls.items()},
        "FAIRLEAD_SECRET_KEY": settings.secret_key.decode(),
        "FAIRLEAD_SESSION_KEY": settings.sessions_key.decode(),
        "FAIRLEAD_VAULT_KEYS": settings.vault_keys,
        "FAIRLEAD_OUTBOUND_ALLOWED": settings.outbound_allowed,
        PROXIES: settings.trusted_proxies,
        FORWARDED_HEADER: settings.forwarded_header,
        PUBLIC_PORT: str(settings.public_port or ""),
        DNS_SERVERS: settings.dns_servers,
        STRIPE_URL: settings.stripe_url,
        **stripe_environment(settings.stripe),
        "FAIRLEAD_LOG": "json" if settings.log_json else "console",
        "OTEL_EXPORTER_OTLP_ENDPOINT": settings.otlp_endpoint,
        AUDIT_FILE: settings.audit_heads_file,
        AUDIT_URL: settings.audit_heads_url,
        **({AUDIT_SECRET: settings.audit_heads_secret} if settings.audit_heads_secret else {}),
        **mail_environment(settings.mail),
    }


def process_environment(settings: Settings, process: str) -> dict[str, str]:
    """As `write_environment`, for one of `NEEDED_SECRETS`: without the secrets that the process does not need."""
    withheld = frozenset(SECRETS).difference(NEEDED_SECRETS[process])
    own = {name: value for name, value in write_environment(settings).items() if name not in withheld}
    return own | ({"REDIS_URL": settings.redis_url_of(process)} if process in VALKEY_URLS else {})


def is_given(environment: Mapping[str, str], name: str) -> bool:
    """Whether a secret is set, as text or as a file."""
    return bool(environment.get(name) or environment.get(f"{name}_FILE"))


def without_secrets(environment: Mapping[str, str]) -> dict[str, str]:
    """The environment that a child process may inherit: its own secrets are added one by one."""
    withheld = {*SECRETS, *(f"{name}_FILE" for name in SECRETS)}
    return {name: value for name, value in environment.items() if name not in withheld}


def with_role(url: str, role: str, password: str) -> str:
    """URL of the same database for another role. `url` is a libpq URL; unix sockets are named by its `host`
    parameter.
    """
    scheme, netloc, path, query, _ = urlsplit(url)
    host = netloc.rpartition("@")[2]
    kept = [(name, value) for name, value in parse_qsl(query) if name not in {"user", "password"}]
    return f"{scheme}://{role}:{quote(password, safe='')}@{host}{path}" + (f"?{urlencode(kept)}" if kept else "")


def _audit_secret(environment: Mapping[str, str]) -> str:
    """Secret of Standard Webhooks: `whsec_` and base64. Processes that do not export get the URL without the secret."""
    secret = _value(environment, AUDIT_SECRET, needed=False)
    if not secret:
        return ""
    try:
        key = base64.b64decode(secret.removeprefix("whsec_"), validate=True)
    except ValueError:  # not base64, or not ASCII
        key = b""
    if not secret.startswith("whsec_") or len(key) < LEAST_AUDIT_KEY:
        raise SettingsInvalid(
            f"{AUDIT_SECRET} is not whsec_ and base64 of at least {LEAST_AUDIT_KEY} bytes."
            " Make one with `echo whsec_$(openssl rand -base64 32)`."
        )
    return secret


def _mail(environment: Mapping[str, str]) -> MailSettings:
    try:
        return read_mail_settings(
            lambda name: _plain(environment, name), _value(environment, SMTP_PASSWORD, needed=False)
        )
    except ValueError as problem:
        raise SettingsInvalid(str(problem)) from None


def _stripe(environment: Mapping[str, str]) -> StripePlatform:
    try:
        return read_stripe_platform(
            lambda name: _plain(environment, name), lambda name: _value(environment, name, needed=False)
        )
    except ValueError as problem:
        raise SettingsInvalid(str(problem)) from None


def _check_proxies(environment: Mapping[str, str]) -> None:
    header = _plain(environment, FORWARDED_HEADER).strip().lower()
    if header not in {"", X_FORWARDED_FOR, FORWARDED}:
        raise SettingsInvalid(f"{FORWARDED_HEADER} is {shorten(header)}. Set it to {X_FORWARDED_FOR} or {FORWARDED}.")
    try:
        parse_networks(_plain(environment, PROXIES))
    except ValueError as error:
        raise SettingsInvalid(
            f"{PROXIES} cannot be used: {shorten(str(error), 200)}."
            " List the networks of your own proxies, such as 10.0.0.0/8."
        ) from error


def _port(environment: Mapping[str, str]) -> int | None:
    text = _plain(environment, PUBLIC_PORT).strip()
    if not text:
        return None
    if not (text.isascii() and text.isdigit() and len(text) <= 6 and 1 <= int(text) <= 65535):
        raise SettingsInvalid(f"{PUBLIC_PORT} is {shorten(text)}. Set it to a port from 1 to 65535, or leave it out.")
    return int(text)


def _dns_servers(environment: Mapping[str, str]) -> str:
    text = _plain(environment, DNS_SERVERS).strip()
    try:
        parse_servers(text)
    except ValueError:
        raise SettingsInvalid(
            f"{DNS_SERVERS} is {shorten(text)}. List addresses, each with an optional port, such as 10.0.0.2:5353."
        ) from None
    return text


def _password(url: str, name: str) -> str:
    password = urlsplit(url).password
    if not password:
        raise SettingsInvalid(f"{name} is not set or names no password. `migrate` gives each role the one in its URL.")
    return unquote(password)


def _secret(environment: Mapping[str, str], name: str, *, needed: bool) -> bytes:
    secret = _value(environment, name, needed=needed).encode()
    if (secret or needed) and len(secret) < LEAST_SECRET:
        raise SettingsInvalid(f"{name} needs at least {LEAST_SECRET} characters. Make one with `openssl rand -hex 32`.")
    return secret


def _database(environment: Mapping[str, str], name: str, *, needed: bool) -> str:
    """Validate a database URL. The parser's own message would show the text, including the password."""
    url = _value(environment, name, needed=needed)
    if not url:
        return ""
    form = f"{name} is not a PostgreSQL URL. Write it as postgresql://user:password@host:5432/database."
    if not url.startswith(("postgresql://", "postgres://")):
        raise SettingsInvalid(form)
    try:
        parts = conninfo_to_dict(url)
    except (psycopg.Error, UnicodeDecodeError):
        raise SettingsInvalid(f"{form} Special characters in the password are percent-encoded.") from None
    ports = str(parts.get("port", "")).split(",")
    if not all(port == "" or (port.isascii() and port.isdigit() and 0 < int(port) < 65536) for port in ports):
        raise SettingsInvalid(f"{name} names a port that is not a number from 1 to 65535.")
    for option, known in _CHOICES.items():
        if parts.get(option, known[0]) not in known:
            raise SettingsInvalid(f"{name} names a value for {option} that is none of {', '.join(known)}.")
    return url


def _redis(environment: Mapping[str, str], name: str, *, needed: bool) -> str:
    url = _value(environment, name, needed=needed)
    if not url:
        return ""
    try:
        parts = urlsplit(url)
        # Parses the parameters without connecting. By default the library reads its own version from a file.
        redis.ConnectionPool.from_url(url, driver_info=None).make_connection()
        # Defaults of the library are refused: they would be another host, port or database than intended.
        named = parts.path if parts.scheme == "unix" else parts.hostname and parts.port != 0
        valid = named and (parts.scheme == "unix" or re.fullmatch(r"(/[0-9]*)?", parts.path))
    except (ValueError, TypeError, redis.RedisError):
        valid = False
    if not valid:
        raise SettingsInvalid(
            f"{name} is not a Redis URL. Write it as redis://user:password@host:6379/0, rediss://… or unix://path."
        ) from None
    return url


def _log_form(environment: Mapping[str, str]) -> str:
    form = _plain(environment, "FAIRLEAD_LOG").strip() or LOG_FORMS[0]
    if form not in LOG_FORMS:
        raise SettingsInvalid(f"FAIRLEAD_LOG is {' or '.join(LOG_FORMS)}, not {shorten(form)!r}.")
    return form


def _http_url(environment: Mapping[str, str], name: str) -> str:
    url = _plain(environment, name)
    try:
        parts = urlsplit(url)
        valid = not url or (
            parts.scheme in {"http", "https"} and bool(parts.hostname) and parts.port != 0 and url.split() == [url]
        )
    except ValueError:
        valid = False
    if not valid:
        raise SettingsInvalid(f"{name} is not an address. Write it as http://collector:4318.")
    return url


def shorten(text: str, longest: int = _LONGEST_SHOWN) -> str:
    return text if len(text) <= longest else f"{text[:longest]}…"


def _plain(environment: Mapping[str, str], name: str) -> str:
    return _checked(name, environment.get(name, ""))


def _checked(name: str, value: str) -> str:
    if len(value) > LONGEST_VALUE:
        raise SettingsInvalid(f"{name} is longer than {LONGEST_VALUE} characters, which no setting is.")
    if _NO_TEXT.search(value):
        raise SettingsInvalid(f"{name} holds control characters, or bytes that are not UTF-8. Set it anew.")
    return value


def _value(environment: Mapping[str, str], name: str, *, needed: bool = True) -> str:
    value = _plain(environment, name)
    if not value and (file := environment.get(f"{name}_FILE")):
        try:
            value = Path(file).read_text(encoding="utf-8").strip()
        except OSError as error:
            raise SettingsInvalid(f"{name}_FILE names {file}, which cannot be read: {error.strerror}.") from error
        except ValueError:  # not UTF-8, or a path that cannot be one
            raise SettingsInvalid(f"{name}_FILE names {file}, which is not a text file.") from None
    _checked(f"{name}_FILE's text", value)
    if not value and needed:
        raise SettingsInvalid(f"{name} is not set. Set it, or {name}_FILE to a file that holds it.")
    return value
