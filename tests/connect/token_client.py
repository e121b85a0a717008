"""An application at the token endpoint, for tests: it has a code for the asking, and a person behind it."""

from __future__ import annotations

import base64
import hashlib
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from django.test import Client

from connect.models import ConnectSession
from connect.oauth.validator import issue_code
from tests.factories import ConnectSessionFactory
from vehicles.models import Application, User

SECRET = "a-secret-that-only-this-test-knows"
MOMENT = datetime.fromisoformat("2026-03-01T12:00:00+00:00")


VERIFIER = "v" * 43
_DIGEST = hashlib.sha256(VERIFIER.encode()).digest()
CHALLENGE = {
    "code_challenge": base64.urlsafe_b64encode(_DIGEST).rstrip(b"=").decode(),
    "code_challenge_method": "S256",
}


@dataclass(frozen=True)
class Proof:
    """What a run and an exchange carry so that the client can prove that it began the run."""

    run: dict[str, str]
    form: dict[str, str]


@dataclass
class Party:
    """An application with its secret, a person, and a token endpoint that it talks to."""

    application: Application
    person: User

    def become(self, client_type: str) -> Proof:
        """Make it a client of this type; a public one has no secret and proves itself by a challenge."""
        type(self.application).objects.filter(pk=self.application.pk).update(client_type=client_type)
        self.application.refresh_from_db()
        is_public = client_type == self.application.CLIENT_PUBLIC
        return Proof(CHALLENGE, {"code_verifier": VERIFIER}) if is_public else Proof({}, {})

    def code(self, at: datetime | None = None, **session: Any) -> str:
        return issue_code(self.session(**session), self.person, at or datetime.now(MOMENT.tzinfo))

    def session(self, **more: Any) -> ConnectSession:
        made: ConnectSession = ConnectSessionFactory(application=self.application, **more)
        return made

    def basic(self, secret: str = SECRET) -> str:
        return "Basic " + base64.b64encode(f"{self.application.client_id}:{secret}".encode()).decode()

    def post(self, path: str = "/oauth/token", *, secret: str = SECRET, **form: str) -> Any:
        client = Client(enforce_csrf_checks=True, raise_request_exception=False)
        if self.application.client_type == self.application.CLIENT_PUBLIC:
            return client.post(path, {"client_id": self.application.client_id, **form})
        return client.post(path, form, headers={"Authorization": self.basic(secret)})

    def exchange(self, code: str, path: str = "/oauth/token", **form: str) -> Any:
        form = {"redirect_uri": "https://example.com/auth", **form}
        return self.post(path, grant_type="authorization_code", code=code, **form)

    def refresh(self, token: str, **form: str) -> Any:
        return self.post(grant_type="refresh_token", refresh_token=token, **form)

    def pair(self, *, code_verifier: str = "", **session: Any) -> dict[str, Any]:
        answer: dict[str, Any] = self.exchange(self.code(**session), code_verifier=code_verifier).json()
        return answer


def works(token: str) -> bool:
    answer = Client().get("/v2.0/user", headers={"Authorization": f"Bearer {token}"})
    assert answer.status_code in (200, 401)
    return bool(answer.status_code == 200)


def refused(answer: Any, description: str, error: str = "invalid_grant", status: int = 400) -> bool:
    assert answer.headers["Content-Type"] == "application/json"
    assert (answer.status_code, answer.json()) == (status, {"error": error, "error_description": description})
    return True
