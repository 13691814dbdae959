"""Real media between two Python clients: signalled through the gateway, forwarded by mediasoup."""

import asyncio
import sys
import unittest
from pathlib import Path

PROJECT = Path(__file__).parents[3]
sys.path[:0] = [str(PROJECT / "tests/clients/python"), str(PROJECT / "media-service/test/python")]

import socketio  # noqa: E402
from gateway import Events, Gateway  # noqa: E402
from media_peer import ColourTrack, MediaPeer, ToneTrack, colour_of, frequency_of  # noqa: E402
from service import Service  # noqa: E402

BOUND_S = 60
BLUE = (60, 200, 100)
RED = (90, 90, 220)
# VP8 blurs, but not one of these into the other.
CLOSE = 12
TONE_HZ = 440.0
# Fifty frames are one second: enough to tell two tones from each other.
HEARD = 50
# Frames before the decoder and the jitter buffer have settled.
SETTLING = 10


class Client:
    """A Socket.IO client and its media."""

    def __init__(self, token: str) -> None:
        self.events = Events()
        self.media = MediaPeer(self.ask)
        self.peer_id = ""
        self._token = token
        self.socket = socketio.AsyncClient(reconnection=False)
        self.socket.on("*", self.events.add)

    async def ask(self, event: str, payload: dict) -> dict:
        answer = await self.socket.call(event, payload, timeout=BOUND_S)
        if answer["status"] != "ok":
            raise AssertionError(f"{event}: {answer}")
        return answer

    async def enter(self, url: str, code: str) -> dict:
        await self.socket.connect(url, auth={"token": self._token}, transports=["websocket"], wait_timeout=BOUND_S)
        room = await self.ask("join:room", {"roomCode": code})
        self.peer_id = room["peerId"]
        return room

    async def close(self) -> None:
        await self.media.close()
        await self.socket.disconnect()


class MediaThroughTheGateway(unittest.IsolatedAsyncioTestCase):
    @classmethod
    def setUpClass(cls) -> None:
        cls.service = Service()
        cls.addClassCleanup(cls.service.stop)
        # Two peers are at home in a room without a media service: the third makes it need one.
        cls.gateway = Gateway(MEDIA_SERVICE_URL=cls.service.url, MAX_P2P_PEERS="2")
        cls.addClassCleanup(cls.gateway.stop)

    async def room(self, code: str, *names: str) -> list[Client]:
        """Three clients or more, so that the room is one of the media service."""
        clients = []
        for name in names:
            client = Client(self.gateway.token(name))
            self.addAsyncCleanup(client.close)
            room = await client.enter(self.gateway.url, code)
            clients.append(client)
        self.assertEqual(room["mode"], "sfu")
        for client in clients[:2]:
            await client.events.wait("room:mode", lambda told: told["mode"] == "sfu")
        for client in clients:
            await client.media.load()
        return clients

    async def frames(self, track, count: int) -> list:
        async def collect() -> list:
            return [await track.recv() for _ in range(count)]

        return await asyncio.wait_for(collect(), BOUND_S)

    async def assert_shows(self, track, colour: tuple[int, int, int]) -> None:
        seen = colour_of((await self.frames(track, SETTLING))[-1])
        for got, sent in zip(seen, colour, strict=True):
            self.assertLess(abs(got - sent), CLOSE, f"{seen} instead of {colour}")

    async def test_video_and_sound_arrive_as_they_were_sent(self) -> None:
        alice, bob, carol = await self.room("call", "alice", "bob", "carol")
        await alice.media.produce(ColourTrack(BLUE), source="camera")
        await alice.media.produce(ToneTrack(TONE_HZ), source="microphone")
        for client in (bob, carol):
            video = await client.events.wait("sfu_new_producer", lambda told: told["kind"] == "video")
            audio = await client.events.wait("sfu_new_producer", lambda told: told["kind"] == "audio")
            self.assertEqual({video["peerId"], audio["peerId"]}, {alice.peer_id})
            self.assertEqual(video["appData"], {"source": "camera"})
            await self.assert_shows(await client.media.consume(video["producerId"]), BLUE)
            heard = await self.frames(await client.media.consume(audio["producerId"]), SETTLING + HEARD)
            self.assertAlmostEqual(frequency_of(heard[SETTLING:]), TONE_HZ, delta=3)

    async def test_who_comes_late_sees_who_is_there(self) -> None:
        alice, bob, _ = await self.room("late", "alice", "bob", "carol")
        sent = {
            await alice.media.produce(ColourTrack(BLUE)): BLUE,
            await bob.media.produce(ColourTrack(RED)): RED,
        }
        late = Client(self.gateway.token("late"))
        self.addAsyncCleanup(late.close)
        room = await late.enter(self.gateway.url, "late")
        await late.media.load()
        self.assertEqual({producer["producerId"] for producer in room["producers"]}, set(sent))
        for producer in room["producers"]:
            await self.assert_shows(await late.media.consume(producer["producerId"]), sent[producer["producerId"]])


if __name__ == "__main__":
    unittest.main()
