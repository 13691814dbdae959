"""A Python backend that emits through Redis, and Python clients that hear it."""

import sys
import unittest
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parents[2] / "clients/python"))

import socketio  # noqa: E402
from gateway import Events, Gateway  # noqa: E402
from redis_server import RedisServer  # noqa: E402
from socket_io_emitter import Emitter  # noqa: E402

BOUND_S = 60


class Client:
    def __init__(self, gateway: Gateway, user: str) -> None:
        self.events = Events()
        self._gateway = gateway
        self._user = user
        self.socket = socketio.AsyncClient(reconnection=False)
        self.socket.on("*", self.events.add)

    async def enter(self, code: str) -> None:
        auth = {"token": self._gateway.token(self._user)}
        await self.socket.connect(self._gateway.url, auth=auth, transports=["websocket"], wait_timeout=BOUND_S)
        answer = await self.socket.call("join:room", {"roomCode": code}, timeout=BOUND_S)
        assert answer["status"] == "ok", answer

    def heard(self, event: str) -> list:
        return [args for name, args in self.events.entries if name == event]


class EmitterInPython(unittest.IsolatedAsyncioTestCase):
    @classmethod
    def setUpClass(cls) -> None:
        cls.redis = RedisServer()
        cls.addClassCleanup(cls.redis.stop)
        cls.gateway = Gateway(REDIS_URL=cls.redis.url)
        cls.addClassCleanup(cls.gateway.stop)
        cls.redis.wait_for_listeners(1)

    async def client(self, user: str, code: str) -> Client:
        client = Client(self.gateway, user)
        self.addAsyncCleanup(client.socket.disconnect)
        await client.enter(code)
        return client

    async def test_its_events_reach_all_a_room_or_several_rooms_once(self) -> None:
        anna = await self.client("anna", "first")
        bert = await self.client("bert", "second")
        emitter = Emitter({"client": self.redis.client})
        emitter.Emit("everybody", {"z": 1, "a": [None, True, "ü"]}, 2)
        emitter.To("first").Emit("room", "one")
        emitter.To("user:bert").Emit("user")
        emitter.To("first").To("second").To("user:anna").Emit("several")
        emitter.Of("/other").Emit("elsewhere")
        emitter.Emit("done", True)
        for client in (anna, bert):
            await client.events.wait("done")
            self.assertEqual(client.heard("everybody"), [({"z": 1, "a": [None, True, "ü"]}, 2)])
            self.assertEqual(client.heard("several"), [()])
            self.assertEqual(client.heard("elsewhere"), [])
        self.assertEqual((anna.heard("room"), bert.heard("room")), ([("one",)], []))
        self.assertEqual((anna.heard("user"), bert.heard("user")), ([], [()]))


if __name__ == "__main__":
    unittest.main()
