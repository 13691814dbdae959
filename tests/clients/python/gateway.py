"""A gateway process for the tests, and tokens it accepts."""

import asyncio
import json
import os
import subprocess
import tempfile
import threading
import time
from pathlib import Path

import jwt
from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric import rsa

DEFAULT_BINARY = Path(__file__).parents[3] / "target/debug/switchboard"
INHERITED = ("PATH", "HOME", "TMPDIR", "RUST_BACKTRACE", "LLVM_PROFILE_FILE")


class Gateway:
    """Started on a free port with a key of its own; ends with :meth:`stop`."""

    def __init__(self, **settings: str) -> None:
        self._key = rsa.generate_private_key(public_exponent=65537, key_size=2048)
        self._directory = tempfile.TemporaryDirectory(prefix="gateway-key-")
        key_file = Path(self._directory.name) / "public.pem"
        key_file.write_bytes(
            self._key.public_key().public_bytes(
                serialization.Encoding.PEM, serialization.PublicFormat.SubjectPublicKeyInfo
            )
        )
        environment = {name: os.environ[name] for name in INHERITED if name in os.environ}
        environment |= {
            "HOST": "127.0.0.1",
            "PORT": "0",
            "ADMIN_PORT": "0",
            "LOG_FORMAT": "json",
            "RUST_LOG": "info",
            "CLIENT_URL": "http://app.example",
            "RATE_LIMITS": "off",
            "JWT_PUBLIC_KEY_FILE": str(key_file),
        }
        binary = os.environ.get("SWITCHBOARD_BIN", str(DEFAULT_BINARY))
        self._process = subprocess.Popen(
            [binary], env=environment | settings, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True
        )
        self.url = f"http://{self._listening()}"
        threading.Thread(target=self._process.stdout.read, daemon=True).start()

    def _listening(self) -> str:
        for line in self._process.stdout:
            entry = json.loads(line)
            fields = entry.get("fields", entry)
            if fields.get("message") == "listening":
                return fields["address"]
        raise RuntimeError(f"the gateway ended at start with {self._process.wait()}")

    def token(self, sub: str, **claims: object) -> str:
        payload = {"sub": sub, "username": sub, "exp": int(time.time()) + 3600, **claims}
        return jwt.encode(payload, self._key, algorithm="RS256")

    def stop(self) -> None:
        self._process.kill()
        self._process.wait()
        self._process.stdout.close()
        self._directory.cleanup()


class Events:
    """Everything one client saw, in order; lets tests wait for a part of it."""

    def __init__(self) -> None:
        self.entries: list[tuple[str, tuple]] = []
        self._changed = asyncio.Condition()

    async def add(self, event: str, *args: object) -> None:
        async with self._changed:
            self.entries.append((event, args))
            self._changed.notify_all()

    def all(self, event: str) -> list:
        return [args[0] for name, args in self.entries if name == event]

    async def wait(self, event: str, fits=lambda payload: True, bound: float = 60):
        def found():
            return next((payload for payload in self.all(event) if fits(payload)), None)

        async with self._changed:
            try:
                await asyncio.wait_for(self._changed.wait_for(lambda: found() is not None), bound)
            except asyncio.TimeoutError as error:
                raise AssertionError(f'no "{event}" came; seen: {self.entries}') from error
            return found()
