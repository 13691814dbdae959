"""A peer of an SFU room without a browser: pymediasoup on aiortc.

How it is signalled is up to the caller: :class:`MediaPeer` takes one asynchronous callable
``ask(event, payload)`` that speaks the gateway's ``sfu_*`` events and returns what is in the
acknowledgement (or raises). Over Socket.IO that is about ``client.call(event, payload)``;
``service.http_signalling`` does the same against the HTTP API of a Media Service.
"""

import array
import asyncio
import fractions
import math
from collections.abc import Awaitable, Callable
from typing import Any

import av
from aiortc import MediaStreamTrack
from aiortc.mediastreams import VideoStreamTrack
from pymediasoup import AiortcHandler, Device
from pymediasoup.models.transport import DtlsParameters, IceCandidate, IceParameters
from pymediasoup.rtp_parameters import RtpCapabilities, RtpParameters

Ask = Callable[[str, dict[str, Any]], Awaitable[dict[str, Any]]]

SAMPLE_RATE = 48_000
SAMPLES_PER_FRAME = SAMPLE_RATE // 50
LOUDNESS = 12_000


def plain(model) -> dict[str, Any]:
    """A pydantic model as it goes over the wire: what is not set is not there."""
    return model.model_dump(mode="json", exclude_none=True)


class ColourTrack(VideoStreamTrack):
    """Video of one colour, given as (Y, U, V)."""

    def __init__(self, colour: tuple[int, int, int], width: int = 320, height: int = 240) -> None:
        super().__init__()
        self._colour, self._width, self._height = colour, width, height

    async def recv(self) -> av.VideoFrame:
        frame = av.VideoFrame(self._width, self._height, "yuv420p")
        for plane, value in zip(frame.planes, self._colour, strict=True):
            plane.update(bytes([value]) * plane.buffer_size)
        frame.pts, frame.time_base = await self.next_timestamp()
        return frame


class ToneTrack(MediaStreamTrack):
    """Sound of one frequency, in hertz."""

    kind = "audio"

    def __init__(self, frequency: float) -> None:
        super().__init__()
        self._frequency = frequency
        self._sent = 0
        self._start: float | None = None

    async def recv(self) -> av.AudioFrame:
        loop = asyncio.get_running_loop()
        self._start = self._start or loop.time()
        await asyncio.sleep(self._start + self._sent / SAMPLE_RATE - loop.time())
        step = 2 * math.pi * self._frequency / SAMPLE_RATE
        times = range(self._sent, self._sent + SAMPLES_PER_FRAME)
        frame = av.AudioFrame(format="s16", layout="mono", samples=SAMPLES_PER_FRAME)
        frame.planes[0].update(array.array("h", (round(LOUDNESS * math.sin(step * time)) for time in times)).tobytes())
        frame.sample_rate, frame.pts = SAMPLE_RATE, self._sent
        frame.time_base = fractions.Fraction(1, SAMPLE_RATE)
        self._sent += SAMPLES_PER_FRAME
        return frame


def colour_of(frame: av.VideoFrame) -> tuple[int, int, int]:
    """The mean (Y, U, V) of a picture."""

    def mean(plane) -> int:
        # Rows are padded to whole words of the machine.
        content, row = memoryview(plane), range(plane.height)
        rows = (content[at * plane.line_size : at * plane.line_size + plane.width] for at in row)
        return round(sum(map(sum, rows)) / (plane.width * plane.height))

    return tuple(map(mean, frame.planes))


def frequency_of(frames: list[av.AudioFrame]) -> float:
    """Of a pure tone, in hertz, from how often it rises; 0 for silence."""
    samples = array.array("h")
    for frame in frames:
        size = frame.samples * len(frame.layout.channels)
        samples.extend(memoryview(frame.planes[0]).cast("h")[: size : len(frame.layout.channels)])
    rises = sum(1 for before, after in zip(samples, samples[1:]) if before < 0 <= after)
    return rises * frames[0].sample_rate / len(samples)


class MediaPeer:
    """Produces and consumes in a room that its signalling has joined already."""

    def __init__(self, ask: Ask) -> None:
        self._ask = ask
        self._device = Device(handlerFactory=AiortcHandler.createFactory())
        self._transports: dict[str, Any] = {}
        self._opening = asyncio.Lock()

    async def load(self) -> None:
        """Learns what the room speaks; comes before everything else."""
        answer = await self._ask("sfu_get_router_capabilities", {})
        await self._device.load(RtpCapabilities.model_validate(answer["rtpCapabilities"]))

    async def produce(self, track: MediaStreamTrack, **app_data: Any) -> str:
        """Sends a track. Returns the id of the producer."""
        transport = await self._transport("send")
        return (await transport.produce(track=track, appData=app_data)).id

    async def consume(self, producer_id: str) -> MediaStreamTrack:
        """Receives what somebody produces: a track to call ``recv()`` on."""
        transport = await self._transport("recv")
        offer = await self._ask(
            "sfu_consume",
            {
                "transportId": transport.id,
                "producerId": producer_id,
                "rtpCapabilities": plain(self._device.rtpCapabilities),
            },
        )
        consumer = await transport.consume(
            id=offer["id"],
            producerId=offer["producerId"],
            kind=offer["kind"],
            rtpParameters=RtpParameters.model_validate(offer["rtpParameters"]),
        )
        await self._ask("sfu_resume_consumer", {"consumerId": consumer.id})
        return consumer.track

    async def close(self) -> None:
        for transport in self._transports.values():
            await transport.close()

    async def _transport(self, direction: str):
        async with self._opening:
            if direction not in self._transports:
                self._transports[direction] = await self._open(direction)
            return self._transports[direction]

    async def _open(self, direction: str):
        answer = await self._ask("sfu_create_transport", {"direction": direction})
        create = {"send": self._device.createSendTransport, "recv": self._device.createRecvTransport}[direction]
        transport = create(
            id=answer["id"],
            iceParameters=IceParameters.model_validate(answer["iceParameters"]),
            iceCandidates=[IceCandidate.model_validate(candidate) for candidate in answer["iceCandidates"]],
            dtlsParameters=DtlsParameters.model_validate(answer["dtlsParameters"]),
            sctpParameters=None,
            # None would make aiortc ask a public STUN server.
            iceServers=[],
        )

        @transport.on("connect")
        async def on_connect(parameters: DtlsParameters) -> None:
            payload = {"transportId": transport.id, "dtlsParameters": plain(parameters)}
            await self._ask("sfu_connect_transport", payload)

        @transport.on("produce")
        async def on_produce(kind: str, parameters: RtpParameters, app_data: dict[str, Any]) -> str:
            payload = {
                "transportId": transport.id,
                "kind": kind,
                "rtpParameters": plain(parameters),
                "appData": app_data,
            }
            return (await self._ask("sfu_produce", payload))["id"]

        return transport
