"""A Media Service process for the tests, and signalling over its HTTP API."""

import asyncio
import json
import os
import subprocess
import threading
import urllib.error
import urllib.request
from pathlib import Path
from typing import Any
from urllib.parse import quote

PROJECT = Path(__file__).parents[2]
INHERITED = ("PATH", "HOME", "TMPDIR", "MEDIASOUP_WORKER_BIN")


class Refused(Exception):
    """An answer other than 200."""

    def __init__(self, message: str, status: int) -> None:
        super().__init__(message)
        self.status = status


class Service:
    """Started on a free port, media on the loopback address only; ends with :meth:`stop`."""

    def __init__(self, **settings: str) -> None:
        environment = {name: os.environ[name] for name in INHERITED if name in os.environ}
        environment |= {"PORT": "0", "LISTEN_IP": "127.0.0.1", "MEDIA_WORKERS": "1"}
        self._process = subprocess.Popen(
            ["node", str(PROJECT / "src/main.js")],
            env=environment | settings,
            stdout=subprocess.PIPE,
            text=True,
        )
        self.url = f"http://{self._listening()}"
        threading.Thread(target=self._process.stdout.read, daemon=True).start()

    def _listening(self) -> str:
        for line in self._process.stdout:
            entry = json.loads(line)
            if entry["message"] == "listening":
                return entry["address"]
        raise RuntimeError(f"the media service ended at start with {self._process.wait()}")

    async def call(self, method: str, path: str, body: dict[str, Any] | None = None) -> Any:
        return await asyncio.to_thread(self._call, method, path, body)

    def _call(self, method: str, path: str, body: dict[str, Any] | None) -> Any:
        request = urllib.request.Request(
            self.url + path,
            method=method,
            data=None if body is None else json.dumps(body).encode(),
            headers={"content-type": "application/json"},
        )
        try:
            with urllib.request.urlopen(request, timeout=20) as answer:
                return json.load(answer)
        except urllib.error.HTTPError as refusal:
            raise Refused(f"{method} {path}: {refusal.code} {refusal.read().decode()}", refusal.code) from refusal

    async def knows(self, room: str) -> bool:
        """Whether the room is there."""
        try:
            await self.call("GET", f"/rooms/{quote(room, safe='')}")
        except Refused as refusal:
            if refusal.status == 404:
                return False
            raise
        return True

    async def peers(self, room: str) -> set[str]:
        """Who is in a room, as somebody sees who joins it for a moment."""
        at_room = f"/rooms/{quote(room, safe='')}/broadcasters"
        answer = await self.call("POST", at_room, {"id": "visitor"})
        await self.call("DELETE", f"{at_room}/visitor")
        return {peer["id"] for peer in answer["peers"]}

    def stop(self) -> None:
        self._process.terminate()
        try:
            self._process.wait(20)
        finally:
            self._process.kill()
            self._process.wait()


async def http_signalling(service: Service, room: str, peer: str):
    """Joins a room and returns what :class:`media_peer.MediaPeer` asks with."""
    at_room = f"/rooms/{quote(room, safe='')}"
    at_peer = f"{at_room}/broadcasters/{quote(peer, safe='')}"
    await service.call("POST", f"{at_room}/broadcasters", {"id": peer, "displayName": peer})

    async def ask(event: str, payload: dict[str, Any]) -> dict[str, Any]:
        payload = dict(payload)
        at_transport = f"{at_peer}/transports/{payload.pop('transportId', '')}"
        match event:
            case "sfu_get_router_capabilities":
                return {"rtpCapabilities": await service.call("GET", at_room)}
            case "sfu_create_transport":
                return await service.call("POST", f"{at_peer}/transports", {"type": "webrtc", **payload})
            case "sfu_connect_transport":
                return await service.call("POST", f"{at_transport}/connect", payload)
            case "sfu_produce":
                return await service.call("POST", f"{at_transport}/producers", payload)
            case "sfu_consume":
                producer = payload.pop("producerId")
                return await service.call("POST", f"{at_transport}/consume?producerId={producer}", payload)
            case "sfu_resume_consumer":
                return await service.call("POST", f"{at_peer}/consumers/{payload['consumerId']}/resume", {})
        raise ValueError(f"no such event: {event}")

    return ask
