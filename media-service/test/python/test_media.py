"""Media flows from one peer through the service to others, and is what was sent."""

import asyncio
import unittest

from media_peer import ColourTrack, MediaPeer, ToneTrack, colour_of, frequency_of
from service import Service, http_signalling

BOUND_S = 20
BLUE = (60, 200, 100)
RED = (90, 90, 220)
# VP8 blurs, but not one of these into the other.
CLOSE = 12
# Fifty frames are one second: enough to tell two tones from each other.
HEARD = 50
TONE_HZ = 440.0
# Frames before the decoder and the jitter buffer have settled.
SETTLING = 10


class Media(unittest.IsolatedAsyncioTestCase):
    @classmethod
    def setUpClass(cls) -> None:
        cls.service = Service()
        cls.addClassCleanup(cls.service.stop)

    async def peer(self, room: str, name: str) -> MediaPeer:
        peer = MediaPeer(await http_signalling(self.service, room, name))
        self.addAsyncCleanup(peer.close)
        await peer.load()
        return peer

    async def frames(self, track, count: int) -> list:
        async def collect() -> list:
            return [await track.recv() for _ in range(count)]

        return await asyncio.wait_for(collect(), BOUND_S)

    async def assert_shows(self, track, colour: tuple[int, int, int]) -> None:
        seen = colour_of((await self.frames(track, SETTLING))[-1])
        for got, sent in zip(seen, colour, strict=True):
            self.assertLess(abs(got - sent), CLOSE, f"{seen} instead of {colour}")

    async def test_video_and_sound_arrive_as_they_were_sent(self) -> None:
        alice, bob = await self.peer("call", "alice"), await self.peer("call", "bob")
        video = await bob.consume(await alice.produce(ColourTrack(BLUE)))
        audio = await bob.consume(await alice.produce(ToneTrack(TONE_HZ)))
        await self.assert_shows(video, BLUE)
        heard = (await self.frames(audio, SETTLING + HEARD))[SETTLING:]
        self.assertAlmostEqual(frequency_of(heard), TONE_HZ, delta=3)

    async def test_three_peers_see_each_other(self) -> None:
        colours = {"alice": BLUE, "bob": RED, "carol": (150, 60, 60)}
        peers = {name: await self.peer("party", name) for name in colours}
        producers = {name: await peers[name].produce(ColourTrack(colour)) for name, colour in colours.items()}
        for watcher in peers:
            for sender in peers.keys() - {watcher}:
                await self.assert_shows(await peers[watcher].consume(producers[sender]), colours[sender])


class Idle(unittest.IsolatedAsyncioTestCase):
    """Peers that nobody takes away, as after the end of all gateways."""

    # Receivers report at least every 1.5 seconds.
    IDLE_S = 3

    async def test_who_only_watches_stays_and_who_vanishes_is_removed(self) -> None:
        service = Service(PEER_IDLE_S=str(self.IDLE_S))
        self.addCleanup(service.stop)
        alice = MediaPeer(await http_signalling(service, "call", "alice"))
        bob = MediaPeer(await http_signalling(service, "call", "bob"))
        await alice.load()
        await bob.load()
        video = await bob.consume(await alice.produce(ColourTrack(BLUE)))

        end = asyncio.get_running_loop().time() + 1.5 * self.IDLE_S
        while asyncio.get_running_loop().time() < end:
            await asyncio.wait_for(video.recv(), BOUND_S)
        self.assertEqual({"alice", "bob"}, await service.peers("call"))

        await alice.close()
        await bob.close()
        async with asyncio.timeout(BOUND_S):
            while await service.knows("call"):
                await asyncio.sleep(0.1)


if __name__ == "__main__":
    unittest.main()
