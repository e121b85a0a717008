"""Authorization codes, and refresh tokens that rotate (Fleet API: third-party tokens)."""

from __future__ import annotations

import base64
import hashlib
import hmac
import json
import secrets
from dataclasses import dataclass
from typing import Any, Final

from vehicles.tesla.simulator.account.accounts import Account, Client
from vehicles.tesla.simulator.clock import Clock
from vehicles.tesla.simulator.login.json_web_tokens import TokenSigner
from vehicles.tesla.simulator.login.token_claims import (
    ISSUER,
    fleet_claims,
    id_claims,
    legacy_claims,
    partner_claims,
)

CODE_SECONDS: Final = 300
ACCESS_SECONDS: Final = 28_800
GRACE_SECONDS: Final = 24 * 3600
REFRESH_SECONDS: Final = 90 * 24 * 3600


class TokenRefused(Exception):
    """The token endpoint says no: HTTP status, Tesla's `error` word and a text for `error_description`."""

    def __init__(self, status: int, error: str, description: str) -> None:
        super().__init__(f"{status} {error}")
        self.status, self.error, self.description = status, error, description


def login_required() -> TokenRefused:
    """The one answer for a refresh token that is dead, whatever killed it."""
    return TokenRefused(401, "login_required", "Login required")


@dataclass(frozen=True, slots=True)
class Code:
    """What an authorization code stands for."""

    client_id: str
    sub: str
    scopes: tuple[str, ...]
    redirect_uri: str
    nonce: str
    challenge: str
    issued_at: float


@dataclass(slots=True)
class Family:
    """The refresh tokens of one account for one application: the newest, and the one used last."""

    client_id: str
    sub: str
    current: str
    issued_at: float
    previous: str = ""
    previous_issued_at: float = 0.0
    previous_used_at: float = 0.0


class Tokens:
    """Issues and redeems. Knows nothing of consent: callers check that before they issue."""

    def __init__(self, clock: Clock) -> None:
        self.signer = TokenSigner()
        self._clock = clock
        self._codes: dict[str, Code] = {}
        self._families: dict[tuple[str, str], Family] = {}
        self._by_token: dict[str, Family] = {}
        self._newest_access: dict[tuple[str, str], str] = {}

    def new_code(
        self, client: Client, account: Account, scopes: tuple[str, ...], query: dict[str, str]
    ) -> str:
        """A single-use authorization code for a login with that query."""
        self._drop_old_codes()
        code = f"{account.region.upper()}_{secrets.token_hex(28)}"
        self._codes[code] = Code(
            client.client_id,
            account.sub,
            scopes,
            query["redirect_uri"],
            query.get("nonce", ""),
            query.get("code_challenge", ""),
            self._clock.now(),
        )
        return code

    def _drop_old_codes(self) -> None:
        """Codes stand in the order in which they were given."""
        now = self._clock.now()
        while (first := next(iter(self._codes), "")) and now - self._codes[first].issued_at > CODE_SECONDS:
            del self._codes[first]

    def peek_code(self, code: str) -> Code | None:
        """Whom an unused code belongs to, without using it."""
        return self._codes.get(code)

    def redeem_code(self, client: Client, code: str, redirect_uri: str, verifier: str) -> Code:
        """Use a code up. Raises `TokenRefused`; a code that comes with wrong company is used up as well."""
        known = self._codes.pop(code, None)
        now = self._clock.now()
        if known is None or known.client_id != client.client_id or now - known.issued_at > CODE_SECONDS:
            raise TokenRefused(400, "invalid_auth_code", "The authorization code is invalid or expired")
        if known.redirect_uri != redirect_uri:
            raise TokenRefused(400, "invalid_redirect_url", "The redirect_uri differs from the first step")
        if known.challenge and not hmac.compare_digest(known.challenge, _s256(verifier)):
            raise TokenRefused(400, "invalid_auth_code", "The code verifier does not fit the challenge")
        return known

    def new_family(self, client: Client, account: Account) -> str:
        """The first refresh token after a login. Ends earlier unused ones of this account and application."""
        token = _new_refresh_token(client, account)
        old = self._families.get((client.client_id, account.sub))
        if old is None:
            self._adopt(Family(client.client_id, account.sub, token, self._clock.now()))
        else:
            self._replace_current(old, token)
        return token

    def family(self, token: str) -> Family | None:
        """Whose refresh token it is; None for one that is unknown or dead."""
        return self._by_token.get(token)

    def rotate(self, client: Client, account: Account, token: str) -> str:
        """The next refresh token. The one used now keeps working for a day, every other one is dead.

        Raises `TokenRefused` (`login_required`).
        """
        family = self._by_token.get(token)
        if family is None or family.client_id != client.client_id or not self._is_usable(family, token):
            raise login_required()
        if token == family.current:
            self._by_token.pop(family.previous, None)
            family.previous, family.previous_issued_at = token, family.issued_at
            family.previous_used_at = self._clock.now()
        fresh = _new_refresh_token(client, account)
        self._replace_current(family, fresh)
        return fresh

    def end(self, client_id: str, sub: str) -> None:
        """Kill the refresh tokens of one account for one application: consent was removed."""
        family = self._families.pop((client_id, sub), None)
        if family is not None:
            self._by_token.pop(family.current, None)
            self._by_token.pop(family.previous, None)

    def end_all(self, sub: str) -> None:
        """Kill every refresh token of an account: the password was changed."""
        for client_id, owner in list(self._families):
            if owner == sub:
                self.end(client_id, sub)

    def forget(self, sub: str) -> None:
        """Keep nothing of an account that is no more."""
        self.end_all(sub)
        for known in [each for each in self._newest_access if each[1] == sub]:
            del self._newest_access[known]

    def start(self, client: Client, account: Account) -> None:
        """Make the account's starting refresh token work, for people who are connected from the beginning."""
        token = starting_refresh_token(account.sub, account.region, uses_legacy_api=client.is_legacy)
        self._adopt(Family(client.client_id, account.sub, token, self._clock.now()))

    def access_token(self, client: Client, account: Account, scopes: tuple[str, ...]) -> str:
        """A signed token with the claims that Tesla's have."""
        make = legacy_claims if client.is_legacy else fleet_claims
        token = self.signer.sign(make(client, account, scopes) | self._lifetime())
        self._newest_access[client.client_id, account.sub] = token
        return token

    def is_newest_access(self, client: Client, account: Account, token: str) -> bool:
        """Whether no newer access token was issued to this application for the account."""
        return self._newest_access.get((client.client_id, account.sub)) == token

    def id_token(self, client: Client, account: Account, nonce: str) -> str:
        """The OpenID token; carries the nonce of the login where there was one."""
        return self.signer.sign(id_claims(client, account, nonce) | self._lifetime())

    def partner_token(self, client: Client, scopes: tuple[str, ...], audience: str) -> str:
        """A token of the application itself for one region's host (Fleet API: partner tokens)."""
        return self.signer.sign(partner_claims(client, scopes, audience) | self._lifetime())

    def _lifetime(self) -> dict[str, int]:
        now = int(self._clock.now())
        return {"iat": now, "exp": now + ACCESS_SECONDS, "auth_time": now}

    def _is_usable(self, family: Family, token: str) -> bool:
        """Three months from issue; once it was used, a day from its first use, but never longer than those months."""
        now = self._clock.now()
        if token == family.current:
            return now - family.issued_at < REFRESH_SECONDS
        in_grace = now - family.previous_used_at < GRACE_SECONDS
        return in_grace and now - family.previous_issued_at < REFRESH_SECONDS

    def _adopt(self, family: Family) -> None:
        self._families[family.client_id, family.sub] = family
        self._by_token[family.current] = family

    def _replace_current(self, family: Family, token: str) -> None:
        if family.current != family.previous:
            self._by_token.pop(family.current, None)
        family.current, family.issued_at = token, self._clock.now()
        self._by_token[token] = family


def starting_refresh_token(sub: str, region: str, *, uses_legacy_api: bool) -> str:
    """The refresh token with which a scenario's connected people start, so that sample data can be loaded with it."""
    proof = hashlib.sha256(f"starting refresh token of {sub}".encode()).hexdigest()
    if not uses_legacy_api:
        return f"{region.upper()}_{sub.replace('-', '')}{proof[:24]}"
    return ".".join(_part(part) for part in ({"alg": "RS256", "typ": "JWT"}, {"sub": sub}, proof))


def sub_of_starting_token(token: str) -> str | None:
    """The account id inside a starting refresh token; None for any other text."""
    try:
        if token.startswith("eyJ"):
            payload = token.split(".")[1]
            sub = json.loads(base64.urlsafe_b64decode(payload + "=" * (-len(payload) % 4)))["sub"]
            region, legacy = "", True
        else:
            region, _, rest = token.partition("_")
            sub, legacy = "-".join((rest[:8], rest[8:12], rest[12:16], rest[16:20], rest[20:32])), False
    except (ValueError, KeyError, IndexError, TypeError):
        return None
    is_genuine = starting_refresh_token(str(sub), region, uses_legacy_api=legacy) == token
    return str(sub) if is_genuine else None


def _part(value: Any) -> str:
    text = value if isinstance(value, str) else json.dumps(value)
    return base64.urlsafe_b64encode(text.encode()).rstrip(b"=").decode()


def _new_refresh_token(client: Client, account: Account) -> str:
    if client.is_legacy:
        header, payload = {"alg": "RS256", "typ": "JWT"}, {"iss": ISSUER, "data": secrets.token_hex(24)}
        return ".".join(_part(part) for part in (header, payload, secrets.token_hex(32)))
    return f"{account.region.upper()}_{secrets.token_hex(32)}"


def _s256(verifier: str) -> str:
    return base64.urlsafe_b64encode(hashlib.sha256(verifier.encode()).digest()).rstrip(b"=").decode()
