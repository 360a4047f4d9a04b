"""Rows of this slice for the canary: none of them may reach another tenant."""

from tests.governance.control_reviews.reviewed import open_review
from tests.support.client_env import ClientEnv


async def add_rows(env: ClientEnv, text: str) -> None:
    await open_review(env.services.db, env.scope)
