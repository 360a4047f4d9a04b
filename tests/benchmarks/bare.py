"""Reference servers for the intake benchmark: `python -m tests.benchmarks.bare <port> <database url>`.

/bare   a Litestar route that decodes the body and does one autocommit INSERT: no signature, no tenant, no queue
/list   one SELECT of at most 50 rows, as JSON
/orm    the usual pattern: an SQLAlchemy session per request, set_config, one added object, a commit
/nothing   answers without reading, below any framework: the upper limit of the load generator
The uvicorn settings are those of the product's web process.
"""

import asyncio
import gc
import sys
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from datetime import datetime
from typing import Any
from uuid import UUID

import msgspec
import uvicorn
import uvloop
from litestar import Litestar, get, post
from psycopg_pool import AsyncConnectionPool
from sqlalchemy import text
from sqlalchemy.ext.asyncio import AsyncSession, create_async_engine
from sqlalchemy.orm import DeclarativeBase, Mapped, mapped_column

from foundation.clock import utc_now
from foundation.ids import new_id

TENANT = UUID(int=7)
TABLE = """
CREATE TABLE bench_event (
    id uuid PRIMARY KEY, tenant_id uuid NOT NULL, sku varchar NOT NULL, element varchar NOT NULL,
    amount bigint NOT NULL, version bigint NOT NULL, received_at timestamptz NOT NULL
)
"""


class Body(msgspec.Struct):
    sku: str
    element: str
    amount: int
    currency: str
    version: int
    committed_at: datetime


class _Base(DeclarativeBase):
    pass


class _Event(_Base):
    __tablename__ = "bench_event"
    id: Mapped[UUID] = mapped_column(primary_key=True)
    tenant_id: Mapped[UUID]
    sku: Mapped[str]
    element: Mapped[str]
    amount: Mapped[int]
    version: Mapped[int]
    received_at: Mapped[datetime]


def create_bare_app(database: str) -> Litestar:
    pool = AsyncConnectionPool(database, min_size=8, max_size=8, kwargs={"autocommit": True}, open=False)
    engine = create_async_engine(database.replace("postgresql://", "postgresql+psycopg://"), pool_size=8)

    @asynccontextmanager
    async def lifespan(_: Litestar) -> AsyncIterator[None]:
        await pool.open(wait=True)
        yield
        await pool.close()
        await engine.dispose()

    @post("/bare", status_code=202)
    async def bare(data: Body) -> dict[str, str]:
        async with pool.connection() as connection:
            await connection.execute(
                "INSERT INTO bench_event VALUES (%s, %s, %s, %s, %s, %s, %s)",
                (new_id(), TENANT, data.sku, data.element, data.amount, data.version, utc_now()),
            )
        return {"status": "new"}

    @get("/list")
    async def list_events() -> dict[str, list[str]]:
        async with pool.connection() as connection:
            found = await connection.execute("SELECT id FROM bench_event WHERE tenant_id = %s LIMIT 50", [TENANT])
            return {"items": [str(row[0]) for row in await found.fetchall()]}

    @post("/orm", status_code=202)
    async def orm(data: Body) -> dict[str, str]:
        async with AsyncSession(engine) as session:
            await session.execute(text("SELECT set_config('app.tenant_id', :t, true)"), {"t": str(TENANT)})
            session.add(
                _Event(
                    id=new_id(), tenant_id=TENANT, sku=data.sku, element=data.element, amount=data.amount,
                    version=data.version, received_at=utc_now(),
                )
            )  # fmt: skip
            await session.commit()
        return {"status": "new"}

    return Litestar(route_handlers=[bare, orm, list_events], lifespan=[lifespan], openapi_config=None)


class _Nothing(asyncio.Protocol):
    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self._transport: Any = transport

    def data_received(self, data: bytes) -> None:
        self._transport.write(b"HTTP/1.1 202 Accepted\r\ncontent-length: 0\r\n\r\n")


async def _serve_nothing(port: int) -> None:
    server = await asyncio.get_running_loop().create_server(_Nothing, "127.0.0.1", port)
    await server.serve_forever()


def main() -> None:
    port, database = int(sys.argv[1]), sys.argv[2]
    if database == "none":
        uvloop.run(_serve_nothing(port))
        return
    config = uvicorn.Config(
        create_bare_app(database), port=port, log_config=None, access_log=False, loop="uvloop", http="httptools",
        server_header=False, backlog=4096,
    )  # fmt: skip
    gc.collect()
    gc.freeze()
    uvicorn.Server(config).run()


if __name__ == "__main__":
    main()
