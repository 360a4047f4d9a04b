"""Clients of Valkey that say at once when it is away.

By default the library would try three times over up to fourteen seconds, and hold up whoever only wanted to leave a
hint for what is durable already. One more try, at once, is for connections that a restart has left dead in the pool.
"""

import redis
import redis.asyncio
import redis.asyncio.retry
from redis.backoff import NoBackoff
from redis.retry import Retry

_TRIES_AGAIN = 1


def valkey_client(url: str) -> "redis.asyncio.Redis":
    return redis.asyncio.Redis.from_url(url, retry=redis.asyncio.retry.Retry(NoBackoff(), _TRIES_AGAIN))


def blocking_valkey_client(url: str) -> "redis.Redis":
    return redis.Redis.from_url(url, retry=Retry(NoBackoff(), _TRIES_AGAIN))
