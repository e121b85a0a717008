"""An application that signs commands for one car and sends them through the simulated Tesla."""

from __future__ import annotations

import base64
from dataclasses import dataclass
from typing import Any

from urllib3 import BaseHTTPResponse

from tests.vehicles.tesla.simulator.visitors import Application
from vehicles.tesla import paths
from vehicles.tesla.signing import (
    PrivateKey,
    Response,
    SessionInfo,
    SignedRequest,
    authorize,
    handshake_request,
    open_handshake,
    open_response,
)
from vehicles.tesla.vehicle_commands import COMMANDS, encode


@dataclass
class Signer:
    """Signs with `key` on the simulated clock."""

    application: Application
    vin: str
    key: PrivateKey

    @property
    def now(self) -> float:
        return self.application.tesla.world.clock.now()

    def deliver(self, message: bytes) -> BaseHTTPResponse:
        body = {"routable_message": base64.b64encode(message).decode()}
        return self.application.call("POST", paths.SIGNED_COMMAND.format(vin=self.vin), body)

    def shake_hands(self, name: str) -> SessionInfo:
        domain = COMMANDS[name].domain
        request = handshake_request(domain, self.key.public_key)
        answer = _message(self.deliver(request.message))
        return open_handshake(
            answer, uuid=request.uuid, vin=self.vin, domain=domain, key=self.key, now=self.now
        )

    def sign(self, session: SessionInfo, name: str, **arguments: Any) -> SignedRequest:
        payload = encode(name, arguments)
        return authorize(session, payload, counter=session.counter + 1, now=self.now, key=self.key)

    def command(self, name: str, session: SessionInfo | None = None, **arguments: Any) -> Response:
        """Shake hands unless there is a session, sign and send."""
        session = session or self.shake_hands(name)
        request = self.sign(session, name, **arguments)
        answer = _message(self.deliver(request.message))
        return open_response(answer, request, session, key=self.key, now=self.now)


def _message(answer: BaseHTTPResponse) -> bytes:
    assert answer.status == 200, answer.data
    return base64.b64decode(answer.json()["response"])
