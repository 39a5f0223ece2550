"""A provider that keeps the bill: it answers chat requests and counts every request per job.

It runs in a thread of the test, on a free loopback port, and is independent of the program under
test and of its sandbox.
"""

import asyncio
import collections
import json
import random
import threading


class BillServer:
    def __init__(self, seed=1, latency_s=(0.005, 0.03), fault_share=0.0):
        self.arrived = collections.Counter()   # By job id: complete requests read.
        self.answered = collections.Counter()  # By job id: a whole answer was handed to the socket.
        self._random = random.Random(seed)
        self._latency_s = latency_s
        self._fault_share = fault_share
        self._loop = asyncio.new_event_loop()
        self._ready = threading.Event()
        self._thread = threading.Thread(target=self._serve, daemon=True)

    def __enter__(self):
        self._thread.start()
        self._ready.wait()
        return self

    def __exit__(self, *_):
        self._loop.call_soon_threadsafe(self._loop.stop)
        self._thread.join()

    @property
    def base_url(self):
        return f"http://127.0.0.1:{self.port}/v1"

    def _serve(self):
        asyncio.set_event_loop(self._loop)
        server = self._loop.run_until_complete(
            asyncio.start_server(self._connection, "127.0.0.1", 0))
        self.port = server.sockets[0].getsockname()[1]
        self._ready.set()
        self._loop.run_forever()
        for task in asyncio.all_tasks(self._loop):
            task.cancel()
        server.close()

    async def _connection(self, reader, writer):
        try:
            while True:
                head = await reader.readuntil(b"\r\n\r\n")
                headers = dict(
                    (name.strip().lower(), value.strip())
                    for name, _, value in (line.partition(":")
                                           for line in head.decode().split("\r\n")[1:] if line))
                body = await reader.readexactly(int(headers.get("content-length", "0")))
                if not await self._answer(headers, body, writer):
                    return
        except (asyncio.IncompleteReadError, ConnectionError, asyncio.CancelledError):
            pass
        finally:
            writer.transport.abort()

    async def _answer(self, headers, body, writer):
        job = headers["x-client-request-id"]
        self.arrived[job] += 1
        await asyncio.sleep(self._random.uniform(*self._latency_s))
        if self._random.random() < self._fault_share:
            fault = self._random.choice(["reset", "error", "cut"])
            if fault == "reset":
                return False
            if fault == "error":
                writer.write(_reply(500, {"error": {"message": "made up", "type": "server_error"}}))
                await writer.drain()
                return True
            writer.write(_reply(200, _completion(job))[:-20])
            await writer.drain()
            return False
        writer.write(_reply(200, _completion(job)))
        await writer.drain()
        self.answered[job] += 1
        return True


def _completion(job):
    return {
        "id": "chatcmpl-1",
        "choices": [{"index": 0, "finish_reason": "stop",
                     "message": {"role": "assistant", "content": f"answer to {job}"}}],
        "usage": {"prompt_tokens": 7, "completion_tokens": 11, "total_tokens": 18},
    }


def _reply(status, content):
    body = json.dumps(content).encode()
    return (f"HTTP/1.1 {status} X\r\ncontent-type: application/json\r\n"
            f"content-length: {len(body)}\r\n\r\n").encode() + body
