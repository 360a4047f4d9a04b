"""Rewriting libpq URLs."""

from urllib.parse import parse_qsl, quote, urlencode, urlsplit


def with_role(url: str, role: str, password: str) -> str:
    """The same database as another role."""
    scheme, netloc, path, query, _ = urlsplit(url)
    host = netloc.rpartition("@")[2]
    kept = [(name, value) for name, value in parse_qsl(query) if name not in {"user", "password"}]
    tail = f"?{urlencode(kept)}" if kept else ""
    return f"{scheme}://{role}:{quote(password)}@{host}{path}{tail}"
