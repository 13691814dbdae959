"""The websockets library against /ws and /signal/{roomId}."""

import asyncio
import itertools
import json
import unittest

from gateway import Events, Gateway
from websockets.asyncio.client import ClientConnection, connect
from websockets.exceptions import ConnectionClosed, InvalidStatus

BOUND_S = 60
_numbers = itertools.count(1)


def fresh_code() -> str:
    return f"python-{next(_numbers)}"


class Client:
    """One connected client that records what it sees, each frame under its type."""

    def __init__(self, socket: ClientConnection, own: dict) -> None:
        self.socket = socket
        self.own = own
        self.events = Events()
        self.reading = asyncio.create_task(self._read())

    async def _read(self) -> None:
        try:
            async for text in self.socket:
                frame = json.loads(text)
                await self.events.add(frame["type"], frame)
        except ConnectionClosed:
            pass

    async def send(self, kind: str, **fields: object) -> None:
        await self.socket.send(json.dumps({"type": kind, **self.own, **fields}))

    async def close(self) -> None:
        await self.socket.close()
        await self.reading

    async def ended(self) -> tuple[int, str]:
        await asyncio.wait_for(self.socket.wait_closed(), BOUND_S)
        return self.socket.close_code, self.socket.close_reason


class RawClients(unittest.IsolatedAsyncioTestCase):
    @classmethod
    def setUpClass(cls) -> None:
        cls.gateway = Gateway(RECONNECT_WINDOW_MS="300", MAX_PAYLOAD_BYTES="50000")
        cls.addClassCleanup(cls.gateway.stop)

    def address(self, path: str) -> str:
        return self.gateway.url.replace("http", "ws", 1) + path

    def cookie(self, name: str) -> dict:
        return {"Cookie": f"access_token={self.gateway.token(name)}"}

    async def client(self, path: str, name: str, own: dict, **options: object) -> Client:
        options.setdefault("additional_headers", self.cookie(name))
        # No proxy of the machine's is to come between.
        options.setdefault("proxy", None)
        socket = await connect(self.address(path), **options)
        client = Client(socket, own)
        self.addAsyncCleanup(client.close)
        return client

    async def signal(self, code: str, name: str, **options: object) -> Client:
        client = await self.client(f"/signal/{code}", name, {"senderId": name}, **options)
        client.joined = await client.events.wait("joined")
        return client

    async def ws(self, code: str, name: str, **options: object) -> Client:
        client = await self.client("/ws", name, {"room": code, "sender": name.upper()}, **options)
        await client.send("join")
        client.joined = await client.events.wait("joined")
        return client

    async def pair(self) -> tuple[Client, Client]:
        code = fresh_code()
        one = await self.signal(code, "one")
        other = await self.ws(code, "other")
        await one.events.wait("peer-joined")
        return one, other

    async def test_both_protocols_see_each_other(self) -> None:
        one, other = await self.pair()
        [peer] = other.joined["peers"]
        self.assertEqual((peer["sender"], peer["userId"], peer["peerId"]), ("one", "one", one.joined["peerId"]))
        [came] = one.events.all("peer-joined")
        self.assertEqual((came["senderId"], came["peerId"]), ("other", other.joined["peerId"]))
        self.assertEqual(other.joined["hostId"], one.joined["peerId"])

    async def test_relays_arrive_as_sent_and_in_order(self) -> None:
        one, other = await self.pair()
        sdp = {"type": "offer", "sdp": "v=0\r\n grüß 👋" + "x" * 20_000, "extra": [1.5, None, {"": ""}]}
        await one.send("sdp", sdp=sdp, targetId="other")
        for number in range(20):
            await one.send("ice", candidate=f"n {number}", targetId="other")
        await one.send("ice", candidate=None, targetId="other")
        await other.events.wait("ice-candidate", lambda frame: frame["payload"] is None)
        relays = [(name, args[0]) for name, args in other.events.entries if name in ("offer", "ice-candidate")]
        self.assertEqual((relays[0][0], relays[0][1]["payload"]), ("offer", sdp))
        self.assertEqual([frame["payload"] for _, frame in relays[1:]], [*(f"n {n}" for n in range(20)), None])
        await other.send("answer", recipient="one", payload="as text")
        answer = await one.events.wait("sdp")
        self.assertEqual((answer["sdp"], answer["senderId"]), ({"type": "answer", "sdp": "as text"}, "other"))

    async def test_chat_reaches_both(self) -> None:
        one, other = await self.pair()
        await one.send("chat", content="grüß dich 👋", clientMessageId="1")
        ack = await one.events.wait("chat-ack")
        self.assertEqual(ack["clientMessageId"], "1")
        mine, theirs = await one.events.wait("chat"), await other.events.wait("chat")
        self.assertEqual((mine["id"], mine["content"]), (ack["id"], "grüß dich 👋"))
        self.assertEqual((theirs["payload"]["id"], theirs["payload"]["senderId"]), (ack["id"], "one"))

    async def test_a_message_sent_in_pieces_is_one(self) -> None:
        one, other = await self.pair()
        text = json.dumps({"type": "chat", "room": other.own["room"], "sender": "OTHER", "payload": "in pieces 👋"})
        await other.socket.send([text[start:start + 7] for start in range(0, len(text), 7)])
        self.assertEqual((await one.events.wait("chat"))["content"], "in pieces 👋")

    async def test_pings_are_answered(self) -> None:
        for client in await self.pair():
            answered = await client.socket.ping("hello")
            self.assertGreaterEqual(await asyncio.wait_for(answered, BOUND_S), 0)

    async def test_the_library_may_ask_for_compression_and_keep_the_connection_alive_by_itself(self) -> None:
        client = await self.ws(fresh_code(), "alive", compression="deflate", ping_interval=0.05, ping_timeout=BOUND_S)
        while client.socket.latency == 0:
            await asyncio.sleep(0.02)
        await client.send("chat", payload="x" * 4000)
        await client.events.wait("chat-ack")

    async def test_a_proper_close_is_told_at_once_and_a_broken_connection_as_a_loss(self) -> None:
        one, other = await self.pair()
        await other.close()
        self.assertEqual((await one.events.wait("peer-left"))["reason"], "left")
        one, other = await self.pair()
        other.socket.transport.abort()
        self.assertEqual((await one.events.wait("peer-left"))["reason"], "disconnected")

    async def test_leave_on_signal_is_closed_by_the_server(self) -> None:
        one, _ = await self.pair()
        await one.send("leave")
        self.assertEqual((await one.ended())[0], 1000)

    async def test_a_lost_client_comes_back_as_the_same_peer(self) -> None:
        gateway = Gateway(RECONNECT_WINDOW_MS="60000")
        self.addCleanup(gateway.stop)
        self.gateway, shared = gateway, self.gateway
        try:
            one, other = await self.pair()
            other.socket.transport.abort()
            await other.reading
            token = other.joined["resumeToken"]
            back = await self.client(f"/ws?resumeToken={token}", "other", other.own)
            resumed = await back.events.wait("resumed")
            self.assertEqual((resumed["peerId"], resumed["sender"]), (other.joined["peerId"], "OTHER"))
            await one.send("ice", candidate="live", targetId=other.joined["peerId"])
            await back.events.wait("ice-candidate", lambda frame: frame["payload"] == "live")
        finally:
            self.gateway = shared

    async def test_bad_frames_get_an_error_and_the_connection_stays(self) -> None:
        one, other = await self.pair()
        await one.socket.send("nonsense")
        self.assertEqual((await one.events.wait("error"))["code"], "INVALID_PAYLOAD")
        await other.send("offer", payload=7)
        error = await other.events.wait("error")
        self.assertEqual((error["code"], error["field"], error["frame"]), ("INVALID_PAYLOAD", "payload", "offer"))
        await other.send("chat", payload="still here")
        await one.events.wait("chat")

    async def test_binary_and_oversized_messages_close(self) -> None:
        one, other = await self.pair()
        await one.socket.send(b"\x00\xff")
        self.assertEqual((await one.ended())[0], 1003)
        await other.socket.send("x" * 50_001)
        self.assertEqual((await other.ended())[0], 1009)

    async def test_the_token_may_be_in_each_place(self) -> None:
        token = self.gateway.token("someone")
        places = {
            "cookie": {"additional_headers": {"Cookie": f"access_token={token}"}},
            "header": {"additional_headers": {"Authorization": f"Bearer {token}"}},
            "subprotocol": {"additional_headers": {}, "subprotocols": ["bearer", token]},
        }
        for place, options in places.items():
            with self.subTest(place):
                client = await self.ws(fresh_code(), "someone", **options)
                self.assertEqual(client.joined["userId"], "someone")
                self.assertEqual(client.socket.subprotocol, "bearer" if place == "subprotocol" else None)

    async def test_bad_tokens_and_foreign_origins_are_refused(self) -> None:
        cases = [
            ({}, 401),
            ({"additional_headers": {"Authorization": "Bearer garbage"}}, 401),
            ({"subprotocols": ["bearer", self.gateway.token("x", exp=1)]}, 401),
            ({"additional_headers": self.cookie("x"), "origin": "http://evil.example"}, 403),
        ]
        for path, (options, status) in itertools.product(("/ws", "/signal/x"), cases):
            with self.subTest(path=path, status=status), self.assertRaises(InvalidStatus) as refused:
                await connect(self.address(path), proxy=None, **options)
            self.assertEqual(refused.exception.response.status_code, status)


if __name__ == "__main__":
    unittest.main()
