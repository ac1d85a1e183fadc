"""What a list of leads costs at least: FastAPI, asyncpg and orjson, one query, no key, no filter, no total.

python -m bench.bare_api postgresql://… 8091
"""

import sys
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

import asyncpg
import orjson
import uvicorn
from fastapi import FastAPI
from starlette.responses import Response

_QUERY = """
SELECT id, bot, user_id, name, contact, phone, email, source, status, stage, owner, notes, fit_score, version,
       created_at, updated_at, merged_into
FROM leads WHERE merged_into IS NULL ORDER BY created_at DESC, id DESC LIMIT $1
"""


def build(url: str) -> FastAPI:
    """Return the app."""

    @asynccontextmanager
    async def lifespan(app: FastAPI) -> AsyncIterator[None]:
        async with asyncpg.create_pool(url, min_size=5, max_size=5) as pool:
            app.state.pool = pool
            yield

    app = FastAPI(lifespan=lifespan)

    @app.get("/leads")
    async def leads(limit: int = 100) -> Response:
        rows = await app.state.pool.fetch(_QUERY, limit)
        return Response(orjson.dumps({"items": [dict(row) for row in rows]}), media_type="application/json")

    return app


if __name__ == "__main__":
    uvicorn.run(build(sys.argv[1]), host="127.0.0.1", port=int(sys.argv[2]), loop="uvloop", log_level="warning")
