"""Tesla accounts, what they have consented to, and the registered applications."""

from __future__ import annotations

from dataclasses import dataclass, field

from vehicles.tesla import paths


@dataclass(slots=True)
class Client:
    """A registered application. Without a secret it is a public client that must use PKCE.

    `public_key_url` is where Tesla looks for the key at every pairing; `public_key_pem` stands in where there is none.
    """

    client_id: str
    client_secret: str | None
    redirect_uris: tuple[str, ...]
    key_domain: str = ""
    public_key_url: str = ""
    public_key_pem: str | None = field(default=None, repr=False)
    name: str = ""
    current_key: bytes | None = field(default=None, repr=False)
    """The uncompressed point last seen at `public_key_url` or in `public_key_pem`."""

    @property
    def is_legacy(self) -> bool:
        """Whether this is the Owner API's own client."""
        return self.client_id == paths.OWNER_API_CLIENT_ID


def owner_api_client() -> Client:
    """The client of Tesla's own app, through which the legacy API is used (Owner API: login)."""
    return Client(paths.OWNER_API_CLIENT_ID, None, (paths.OWNER_API_CALLBACK,), name="Tesla")


@dataclass(slots=True)
class Consent:
    """What one account lets one application do. Tokens made before `granted_at` belong to an earlier consent."""

    scopes: set[str]
    granted_at: float


@dataclass(slots=True)
class Account:
    """One person at Tesla. `access` maps the VIN of each visible car to `OWNER` or `DRIVER`."""

    email: str
    password: str = field(repr=False)
    sub: str
    name: str
    region: str
    access: dict[str, str] = field(default_factory=dict)
    consents: dict[str, Consent] = field(default_factory=dict)
    phone_key_vins: set[str] = field(default_factory=set)
    app_account: str = ""
    """The e-mail address that the Tesla app on this person's phone is signed in with."""
    has_used_app: bool = True
    """Whether this person ever signed in to the Tesla app; the API does not know them otherwise."""
    takes_any_password: bool = False
    """Whether the person was made for a login, and any password signs in."""

    def __post_init__(self) -> None:
        self.app_account = self.app_account or self.email
