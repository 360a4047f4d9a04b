"""Valkey clients that fail fast when Valkey is unreachable.

By default the library would try three times over up to fourteen seconds, and delay callers that only send a hint about
durable jobs. One immediate retry covers connections in the pool that a restart has closed. A half-open link would never
respond: calls time out after a few seconds.
"""

from typing import Any

import redis
import redis.asyncio
import redis.asyncio.retry
from redis.backoff import NoBackoff
from redis.retry import Retry

_TRIES_AGAIN = 1
_CONNECT_SECONDS = 2.0
_ANSWER_SECONDS = 5.0
"""More than a consumer's blocking wait for a lane, which is a second."""


def valkey_client(url: str) -> "redis.asyncio.Redis":
    retry = redis.asyncio.retry.Retry(NoBackoff(), _TRIES_AGAIN)
    return redis.asyncio.Redis.from_url(url, retry=retry, **_options(url))


def blocking_valkey_client(url: str) -> "redis.Redis":
    return redis.Redis.from_url(url, retry=Retry(NoBackoff(), _TRIES_AGAIN), **_options(url))


def _options(url: str) -> dict[str, Any]:
    kept_alive = {} if url.startswith("unix") else {"socket_keepalive": True}
    return {
        "socket_connect_timeout": _CONNECT_SECONDS,
        "socket_timeout": _ANSWER_SECONDS,
        # By default each connection reads the library's version from a file and sends it to Valkey.
        "driver_info": None,
        **kept_alive,
    }
