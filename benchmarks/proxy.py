"""A proxy that holds back what it passes on: ``proxy.py SECONDS FROM=ADDRESS:PORT ...`` prints the ports it listens on."""

from __future__ import annotations

import asyncio
import contextlib
import sys


async def pass_on(reader: asyncio.StreamReader, writer: asyncio.StreamWriter, delay: float) -> None:
    """Pass bytes on, each `delay` seconds after it came."""
    loop = asyncio.get_running_loop()
    held: asyncio.Queue[tuple[float, bytes]] = asyncio.Queue()

    async def release() -> None:
        while True:
            moment, data = await held.get()
            await asyncio.sleep(max(0.0, moment - loop.time()))
            if not data:
                writer.close()
                return
            writer.write(data)
            await writer.drain()

    releasing = asyncio.create_task(release())
    data = b"-"
    while data:
        with contextlib.suppress(OSError):
            data = await reader.read(1 << 16)
            held.put_nowait((loop.time() + delay, data))
            continue
        data = b""
        held.put_nowait((loop.time() + delay, data))
    with contextlib.suppress(OSError):
        await releasing


async def serve(delay: float, ways: list[str]) -> None:
    """Listen on each address, on a free port, and pass on to the other."""
    servers = []
    for way in ways:
        own, _, other = way.partition("=")
        address, _, port = other.rpartition(":")

        async def met(
            reader: asyncio.StreamReader, writer: asyncio.StreamWriter, address: str = address, port: str = port
        ) -> None:
            await asyncio.sleep(2 * delay)  # TCP's own handshake
            inner, outer = await asyncio.open_connection(address, int(port))
            await asyncio.gather(pass_on(reader, outer, delay), pass_on(inner, writer, delay))

        servers.append(await asyncio.start_server(met, own, 0, backlog=512))
    print(*(server.sockets[0].getsockname()[1] for server in servers), flush=True)
    await asyncio.gather(*(server.serve_forever() for server in servers))


if __name__ == "__main__":
    asyncio.run(serve(float(sys.argv[1]), sys.argv[2:]))
