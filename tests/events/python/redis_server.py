"""A Redis of the tests' own."""

import socket
import subprocess
import tempfile
import time

import redis

BOUND_S = 20


class RedisServer:
    """Started on a free port; ends with :meth:`stop`."""

    def __init__(self) -> None:
        with socket.socket() as probe:
            probe.bind(("127.0.0.1", 0))
            self.port = probe.getsockname()[1]
        self._directory = tempfile.TemporaryDirectory(prefix="redis-")
        self._process = subprocess.Popen(
            ["redis-server", "--port", str(self.port), "--bind", "127.0.0.1", "--save", "", "--dir", self._directory.name],
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
        )
        self.client = redis.Redis(port=self.port)
        self._wait(self._answers, "Redis answers")

    @property
    def url(self) -> str:
        return f"redis://127.0.0.1:{self.port}"

    def wait_for_listeners(self, nodes: int) -> None:
        """Waits until so many gateways hear emitters."""

        def listened() -> bool:
            return sum(int(client["psub"]) > 0 for client in self.client.client_list()) == nodes

        self._wait(listened, f"{nodes} gateways listen")

    def stop(self) -> None:
        self.client.close()
        self._process.kill()
        self._process.wait()
        self._directory.cleanup()

    def _answers(self) -> bool:
        if self._process.poll() is not None:
            raise RuntimeError(f"redis-server ended at start with {self._process.returncode}")
        try:
            return bool(self.client.ping())
        except redis.ConnectionError:
            return False

    @staticmethod
    def _wait(probe, what: str) -> None:
        end = time.monotonic() + BOUND_S
        while not probe():
            if time.monotonic() > end:
                raise AssertionError(f"waited in vain until {what}")
            time.sleep(0.02)
