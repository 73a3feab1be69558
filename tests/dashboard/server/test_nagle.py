import asyncio
import socket

import pytest
import uvicorn

from emoscope.dashboard.server.nagle import answer_promptly


async def answer(scope, receive, send):
    await send({"type": "http.response.start", "status": 200, "headers": [(b"content-length", b"2")]})
    await send({"type": "http.response.body", "body": b"ok"})


@pytest.mark.parametrize("family", [socket.AF_INET, socket.AF_INET6])
def test_connections_send_what_is_written_without_waiting(monkeypatch, family):
    monkeypatch.setattr(uvicorn.Server, "startup", uvicorn.Server.startup)  # undoes the change after the test
    answer_promptly()
    address = "127.0.0.1" if family == socket.AF_INET else "::1"

    async def options() -> list[int]:
        with socket.socket(family) as listener:  # without TCP's number, as Streamlit makes it
            try:
                listener.bind((address, 0))
            except OSError:
                pytest.skip("this machine has no such addresses")
            listener.listen()
            listener.setblocking(False)
            server = uvicorn.Server(uvicorn.Config(answer, lifespan="off", log_level="error"))
            serving = asyncio.create_task(server.serve(sockets=[listener]))
            while not server.started and not serving.done():
                await asyncio.sleep(0.01)
            reader, writer = await asyncio.open_connection(*listener.getsockname()[:2])
            writer.write(b"GET / HTTP/1.1\r\nHost: x\r\n\r\n")
            assert (await reader.readuntil(b"ok")).startswith(b"HTTP/1.1 200")
            (connection,) = server.server_state.connections
            ours = connection.transport.get_extra_info("socket")
            found = [s.getsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY) for s in (listener, ours)]
            writer.close()
            server.should_exit = True
            await serving
            return found

    assert all(asyncio.run(options()))


def test_a_server_that_binds_by_itself_still_starts(monkeypatch):
    monkeypatch.setattr(uvicorn.Server, "startup", uvicorn.Server.startup)
    answer_promptly()

    async def started() -> bool:
        server = uvicorn.Server(uvicorn.Config(answer, port=0, lifespan="off", log_level="error"))
        serving = asyncio.create_task(server.serve())
        while not server.started and not serving.done():
            await asyncio.sleep(0.01)
        was_started, server.should_exit = server.started, True
        await serving
        return was_started

    assert asyncio.run(started())
