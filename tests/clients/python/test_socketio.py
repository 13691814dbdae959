"""python-socketio against the gateway, by WebSocket and by polling."""

import itertools
import unittest

import socketio
from engineio.payload import Payload
from gateway import Events, Gateway

# The library's own bound of 16 packets in one polled payload is meant to be raised by those who expect bursts.
Payload.max_decode_packets = 1000

TRANSPORTS = {
    "websocket": ["websocket"],
    "polling": ["polling"],
    "polling, then upgrade": ["polling", "websocket"],
}
_numbers = itertools.count(1)


def fresh_code() -> str:
    return f"python-{next(_numbers)}"


class Client:
    """One connected client that records what it sees."""

    def __init__(self) -> None:
        self.events = Events()
        self.peer_id = ""
        self.socket = socketio.AsyncClient(reconnection=False)
        self.socket.on("*", self.events.add)
        self.socket.on("connect_error", self._refused)
        self.refusals: list[object] = []

    async def _refused(self, reason: object = None) -> None:
        self.refusals.append(reason)

    async def connect(self, gateway: Gateway, name: str, transports: list[str], **places) -> None:
        if not places:
            places = {"headers": {"Cookie": f"access_token={gateway.token(name)}"}}
        await self.socket.connect(gateway.url, transports=transports, wait_timeout=60, **places)

    async def ask(self, event: str, payload: object = None) -> dict:
        return await self.socket.call(event, payload, timeout=60)

    async def join(self, code: str) -> dict:
        answer = await self.ask("join:room", {"roomCode": code})
        assert answer["status"] == "ok", answer
        self.peer_id = answer["peerId"]
        return answer


class PythonClients(unittest.IsolatedAsyncioTestCase):
    @classmethod
    def setUpClass(cls) -> None:
        cls.gateway = Gateway()
        cls.addClassCleanup(cls.gateway.stop)

    async def client(self, name: str, transports: list[str]) -> Client:
        client = Client()
        await client.connect(self.gateway, name, transports)
        self.addAsyncCleanup(client.socket.disconnect)
        return client

    async def pair(self, transports: list[str]) -> tuple[Client, Client]:
        """One by these transports, its partner by WebSocket, in one room."""
        code = fresh_code()
        partner = await self.client("partner", ["websocket"])
        await partner.join(code)
        client = await self.client("client", transports)
        await client.join(code)
        await partner.events.wait("peer:joined")
        return client, partner

    async def test_joining_tells_both_sides(self) -> None:
        for name, transports in TRANSPORTS.items():
            with self.subTest(name):
                client, partner = await self.pair(transports)
                [joined] = client.events.all("room:joined")
                partner_as_peer = {"id": partner.peer_id, "userId": "partner", "userInfo": {"username": "partner"}}
                self.assertEqual(joined["peers"], [partner_as_peer])
                self.assertEqual(joined["hostId"], partner.peer_id)
                announced = {"peerId": client.peer_id, "userId": "client", "userInfo": {"username": "client"}}
                self.assertEqual(partner.events.all("peer:joined"), [announced])

    async def test_relays_reach_the_other_in_order_and_both_ways(self) -> None:
        for name, transports in TRANSPORTS.items():
            with self.subTest(name):
                client, partner = await self.pair(transports)
                for one, other in ((client, partner), (partner, client)):
                    target = {"targetPeerId": other.peer_id}
                    offer = {"type": "offer", "sdp": "v=0\r\n", "extra": [1, None]}
                    await one.socket.emit("webrtc:offer", {**target, "offer": offer})
                    for number in range(20):
                        await one.socket.emit("webrtc:ice", {**target, "candidate": f"n {number}"})
                    self.assertEqual((await one.ask("webrtc:ice", {**target, "candidate": None}))["status"], "ok")
                    await other.events.wait("webrtc:ice", lambda ice: ice["candidate"] is None)
                    relays = [(event, args[0]) for event, args in other.events.entries if event.startswith("webrtc:")]
                    self.assertEqual(relays[0], ("webrtc:offer", {"from": one.peer_id, **target, "offer": offer}))
                    candidates = [relay["candidate"] for _, relay in relays[1:]]
                    self.assertEqual(candidates, [*(f"n {number}" for number in range(20)), None])

    async def test_chat_reaches_both(self) -> None:
        for name, transports in TRANSPORTS.items():
            with self.subTest(name):
                client, partner = await self.pair(transports)
                answer = await client.ask("chat_message", {"content": "grüß dich 👋", "clientMessageId": "1"})
                self.assertEqual(answer["status"], "ok")
                for witness in (client, partner):
                    chat = await witness.events.wait("chat_message")
                    self.assertEqual(chat["id"], answer["id"])
                    self.assertEqual((chat["content"], chat["senderId"]), ("grüß dich 👋", "client"))
                history = await partner.ask("chat_history", {"limit": 10})
                self.assertEqual([message["id"] for message in history["messages"]], [answer["id"]])

    async def test_leaving_and_disconnecting_are_told(self) -> None:
        for name, transports in TRANSPORTS.items():
            with self.subTest(name):
                client, partner = await self.pair(transports)
                self.assertEqual((await client.ask("leave:room"))["status"], "ok")
                left = await partner.events.wait("peer:left")
                self.assertEqual(left, {"peerId": client.peer_id, "reason": "left"})
                client, partner = await self.pair(transports)
                await client.socket.disconnect()
                left = await partner.events.wait("peer:left")
                self.assertEqual(left, {"peerId": client.peer_id, "reason": "left"})

    async def test_errors_come_in_the_ack_or_as_an_event(self) -> None:
        for name, transports in TRANSPORTS.items():
            with self.subTest(name):
                client = await self.client("client", transports)
                answer = await client.ask("chat_message", {"content": "outside"})
                self.assertEqual((answer["status"], answer["code"]), ("error", "NOT_IN_ROOM"))
                await client.socket.emit("join:room", {"roomCode": "no code"})
                error = await client.events.wait("error")
                self.assertEqual((error["code"], error["event"]), ("INVALID_PAYLOAD", "join:room"))
                self.assertIn("roomCode", error["message"])
                self.assertEqual(len(client.events.all("error")), 1)

    async def test_binary_is_refused(self) -> None:
        client, _ = await self.pair(["websocket"])
        answer = await client.ask("chat_message", {"content": b"\x00\xff"})
        self.assertEqual((answer["status"], answer["code"]), ("error", "INVALID_PAYLOAD"))
        self.assertEqual((await client.ask("heartbeat"))["status"], "ok")


class PythonSignIn(unittest.IsolatedAsyncioTestCase):
    @classmethod
    def setUpClass(cls) -> None:
        cls.gateway = Gateway()
        cls.addClassCleanup(cls.gateway.stop)

    async def test_the_token_may_be_in_each_place(self) -> None:
        token = self.gateway.token("someone")
        # Made anew for each use: the library takes the cookie out of the headers it is given.
        places = {
            "cookie": lambda: {"headers": {"Cookie": f"access_token={token}"}},
            "header": lambda: {"headers": {"Authorization": f"Bearer {token}"}},
            "auth": lambda: {"auth": {"token": token}},
        }
        for transports, (name, place) in itertools.product(TRANSPORTS.values(), places.items()):
            with self.subTest(transports=transports, place=name):
                client = Client()
                await client.connect(self.gateway, "someone", transports, **place())
                self.addAsyncCleanup(client.socket.disconnect)
                self.assertEqual((await client.ask("heartbeat"))["status"], "ok")

    async def test_a_bad_token_is_refused(self) -> None:
        expired = self.gateway.token("someone", exp=1)
        for transports, token in itertools.product(TRANSPORTS.values(), ("garbage", expired)):
            with self.subTest(transports=transports):
                client = Client()
                with self.assertRaises(socketio.exceptions.ConnectionError):
                    await client.connect(self.gateway, "someone", transports, auth={"token": token})
                self.assertEqual(client.refusals, [{"message": "Authentication error"}])


if __name__ == "__main__":
    unittest.main()
