"""A server that only tells when the first bytes of a request came. It never answers."""

import select
import socket
import threading
import time

from figures import BenchError

DEADLINE_S = 60


class FirstRequest:
    def __init__(self):
        self._listener = socket.create_server(("127.0.0.1", 0), backlog=64)
        self._stop, self._stopped = socket.socketpair()
        self._arrived = threading.Event()
        self._at_s = None
        self._thread = threading.Thread(target=self._watch, daemon=True)
        self._thread.start()

    @property
    def base_url(self):
        return f"http://127.0.0.1:{self._listener.getsockname()[1]}/v1"

    def _watch(self):
        connections = []
        while True:
            ready, _, _ = select.select([self._listener, self._stopped, *connections], [], [])
            if self._stopped in ready:
                break
            if self._listener in ready:
                connections.append(self._listener.accept()[0])
            for connection in [one for one in connections if one in ready]:
                if connection.recv(65536):
                    self._at_s = self._at_s or time.monotonic()
                    self._arrived.set()
                else:
                    connection.close()
                    connections.remove(connection)
        for connection in connections:
            connection.close()

    def wait(self):
        """The monotonic time of the first bytes."""
        if not self._arrived.wait(DEADLINE_S):
            raise BenchError(f"no request came within {DEADLINE_S} s")
        return self._at_s

    def close(self):
        self._stop.send(b"x")
        self._thread.join()
        for one in (self._listener, self._stop, self._stopped):
            one.close()
