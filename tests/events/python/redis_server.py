"""A Redis of the tests' own."""

import socket
import subprocess
import tempfile
import time

import redis

BOUND_S = 60
START_TRIES = 5


class RedisServer:
    """Started on a free port; ends with :meth:`stop`."""

    def __init__(self) -> None:
        self._directory = tempfile.TemporaryDirectory(prefix="redis-")
        for tries in range(1, START_TRIES + 1):
            self._start()
            try:
                self._wait(self._answers, "Redis answers")
                return
            except RuntimeError:
                # Somebody else may have taken the port since it was seen free.
                if tries == START_TRIES:
                    raise

    def _start(self) -> None:
        with socket.socket() as probe:
            probe.bind(("127.0.0.1", 0))
            self.port = probe.getsockname()[1]
        self._process = subprocess.Popen(
            ["redis-server", "--port", str(self.port), "--bind", "127.0.0.1", "--save", "", "--dir", self._directory.name],
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
        )
        self.client = redis.Redis(port=self.port)

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
