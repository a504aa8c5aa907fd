"""A bare loop on aiohttp and msgspec."""

from __future__ import annotations

import asyncio

import aiohttp
from loop import OK, Loop


async def main() -> None:
    """Write the RECORD lines of one list."""
    loop = Loop()
    async with aiohttp.ClientSession(loop.url, headers=loop.headers) as session:
        while loop.target is not None:
            async with session.get(loop.target) as response:
                if response.status != OK:
                    raise SystemExit(response.status)
                loop.write(await response.read())


if __name__ == "__main__":
    asyncio.run(main())
