"""A Tesla that answers signed messages at once and checks nothing: what is left of a call's time is ours.

`python -m tests.bench.instant_tesla` prints its port and serves until it is ended.
"""

from __future__ import annotations

import asyncio
import base64
import json
import sys
import time

from tesla_protocol.command import universal_message_pb2

from vehicles.tesla.signing import Domain
from vehicles.tesla.simulator.car.security_verifier import CarComputer

STARTED = time.time() - 1000
COMPUTERS = {domain: CarComputer(domain, started_at=STARTED) for domain in Domain}


def answer(vin: str, request: bytes) -> bytes:
    """Session info for a handshake, "done" for anything else (the vehicle security computer's is an empty payload)."""
    asked = universal_message_pb2.RoutableMessage.FromString(request)
    domain = Domain(asked.to_destination.domain)
    told = universal_message_pb2.RoutableMessage(request_uuid=asked.uuid)
    told.to_destination.CopyFrom(asked.from_destination)
    told.from_destination.domain = asked.to_destination.domain
    if asked.HasField("session_info_request"):
        client, computer = asked.session_info_request.public_key, COMPUTERS[domain]
        told.session_info = computer.session_info(client, time.time())
        tag = computer.session_info_tag(client, vin, asked.uuid, told.session_info)
        told.signature_data.session_info_tag.tag = tag
    serialised: bytes = told.SerializeToString()
    return serialised


class InstantTesla(asyncio.Protocol):
    """Just enough HTTP for one client: POST with a length, answers kept short, connections kept open."""

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        assert isinstance(transport, asyncio.Transport)
        self.transport, self.received = transport, b""

    def data_received(self, data: bytes) -> None:
        self.received += data
        head, separator, body = self.received.partition(b"\r\n\r\n")
        lengths = [line[15:] for line in head.lower().split(b"\r\n") if line.startswith(b"content-length:")]
        if not separator or len(body) < int(lengths[0]):
            return
        self.received = b""
        vin = head.split(b"/vehicles/")[1].split(b"/")[0].decode()
        message = base64.b64decode(json.loads(body)["routable_message"])
        text = json.dumps({"response": base64.b64encode(answer(vin, message)).decode()}).encode()
        self.transport.write(
            b"HTTP/1.1 200 OK\r\nContent-Type: application/json\r\nContent-Length: %d\r\n\r\n%b"
            % (len(text), text)
        )


async def serve() -> None:
    """Listen on a free port of this machine."""
    server = await asyncio.get_running_loop().create_server(InstantTesla, "127.0.0.1", 0)
    sys.stdout.write(f"{server.sockets[0].getsockname()[1]}\n")
    sys.stdout.flush()
    await server.serve_forever()


if __name__ == "__main__":
    asyncio.run(serve())
