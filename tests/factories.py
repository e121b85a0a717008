"""Rows for tests: one factory per model, each making the plainest row that is valid."""

from __future__ import annotations

import hashlib
import secrets
import uuid
from datetime import timedelta
from typing import Any

import factory
from django.utils import timezone
from factory.django import DjangoModelFactory
from oauth2_provider.models import AccessToken, Grant, RefreshToken

from connect.models import (
    AddressBudget,
    Arrivals,
    ConnectSession,
    FixLink,
    OwnerVisit,
    PersonVisit,
    RunStep,
    ShownFault,
)
from connect.problems import support_codes
from vehicles.models import (
    Application,
    ApplicationUser,
    Command,
    Connection,
    Event,
    Incident,
    Integration,
    Mode,
    RateBudget,
    RefusedRequest,
    Reservation,
    SigningSession,
    TeslaAccount,
    TeslaToken,
    User,
    Vehicle,
    VehicleAccess,
    VehicleGrant,
    Webhook,
    WebhookDelivery,
    WebhookSubscription,
)
from vehicles.tesla import scopes

EVERY_SCOPE = [*scopes.SIGN_IN, *scopes.LABELS]
PERMISSIONS = [
    "read_vehicle_info",
    "read_vin",
    "read_battery",
    "read_charge",
    "read_odometer",
    "read_location",
]


class UserFactory(DjangoModelFactory[User]):
    """A member of staff; `password="…"` sets a usable password."""

    class Meta:
        model = User
        skip_postgeneration_save = True

    username = factory.Sequence(lambda n: f"staff-{n}")
    is_staff = True

    @classmethod
    def _create(cls, model_class: type[User], *args: Any, **kwargs: Any) -> User:
        user = model_class(**{name: value for name, value in kwargs.items() if name != "password"})
        user.set_password(kwargs.get("password"))
        user.save()
        return user


class PersonFactory(UserFactory):
    """An owner or driver: signs in at Tesla, never here."""

    username = factory.Sequence(lambda n: f"person-{n}")
    is_staff = False
    is_person = True


class TeslaAccountFactory(DjangoModelFactory[TeslaAccount]):
    """An account in good standing that granted every scope."""

    class Meta:
        model = TeslaAccount

    person = factory.SubFactory(PersonFactory)
    mode = Mode.LIVE
    sub = factory.Sequence(lambda n: f"00000000-0000-4000-8000-{n:012d}")
    email = factory.Sequence(lambda n: f"owner-{n}@owners.example")
    region = "eu"
    granted_scopes = factory.LazyFunction(lambda: list(EVERY_SCOPE))
    consent = "active"
    consent_source = "login"
    consent_since = factory.LazyFunction(timezone.now)
    consent_observed_at = factory.LazyFunction(timezone.now)


class TeslaTokenFactory(DjangoModelFactory[TeslaToken]):
    """The row only; `vehicles.tokens.store.store_login` is what fills it."""

    class Meta:
        model = TeslaToken

    account = factory.SubFactory(TeslaAccountFactory)
    integration = Integration.FLEET


class VehicleFactory(DjangoModelFactory[Vehicle]):
    """A Model 3 whose commands must be signed and that lacks the key."""

    class Meta:
        model = Vehicle

    mode = Mode.LIVE
    vin = factory.Sequence(lambda n: f"5YJ3E7EA7KF{n:06d}")
    model = "Model 3"
    year = 2019
    display_name = "Comet"
    key = "absent"
    key_reason = ""
    key_source = "fleet_status"
    key_since = factory.LazyFunction(timezone.now)
    key_observed_at = factory.LazyFunction(timezone.now)
    protocol_required = True
    total_keys = 3


class VehicleAccessFactory(DjangoModelFactory[VehicleAccess]):
    class Meta:
        model = VehicleAccess

    account = factory.SubFactory(TeslaAccountFactory)
    vehicle = factory.SubFactory(VehicleFactory)
    access_type = "OWNER"
    tesla_id = factory.Sequence(lambda n: f"10000000{n:08d}")
    seen_at = factory.LazyFunction(timezone.now)


class SigningSessionFactory(DjangoModelFactory[SigningSession]):
    """Infotainment's session, as before the first handshake."""

    class Meta:
        model = SigningSession

    vehicle = factory.SubFactory(VehicleFactory)
    domain = 3


class RateBudgetFactory(DjangoModelFactory[RateBudget]):
    """A minute long past, so that nothing is used up."""

    class Meta:
        model = RateBudget

    kind = "commands"
    subject = factory.LazyFunction(uuid.uuid4)
    minute = 0


class ApplicationFactory(DjangoModelFactory[Application]):
    """A confidential client; pass `client_secret="…"` to know the secret, it is stored hashed."""

    class Meta:
        model = Application

    name = factory.Sequence(lambda n: f"Application {n}")
    client_type = Application.CLIENT_CONFIDENTIAL
    authorization_grant_type = Application.GRANT_AUTHORIZATION_CODE
    redirect_uris = "https://example.com/auth"


class ApplicationUserFactory(DjangoModelFactory[ApplicationUser]):
    class Meta:
        model = ApplicationUser

    application = factory.SubFactory(ApplicationFactory)
    person = factory.SubFactory(PersonFactory)


class ConnectionFactory(DjangoModelFactory[Connection]):
    class Meta:
        model = Connection

    application = factory.SubFactory(ApplicationFactory)
    vehicle = factory.SubFactory(VehicleFactory)


class VehicleGrantFactory(DjangoModelFactory[VehicleGrant]):
    """A grant with its account's OWNER access to the car (`access=None` leaves that out).

    `application=` and `vehicle=` reach the connection; several grants may share it.
    """

    class Meta:
        model = VehicleGrant
        skip_postgeneration_save = True

    class Params:
        application = factory.SubFactory(ApplicationFactory)
        vehicle = factory.SubFactory(VehicleFactory)

    connection = factory.LazyAttribute(
        lambda made: Connection.objects.get_or_create(application=made.application, vehicle=made.vehicle)[0]
    )
    account = factory.SubFactory(TeslaAccountFactory)
    mode = factory.SelfAttribute("account.mode")
    integration = Integration.FLEET
    requested = factory.LazyFunction(lambda: [*PERMISSIONS, "control_security"])
    approved = factory.SelfAttribute("requested")
    approved_at = factory.LazyFunction(timezone.now)
    last_used_at = factory.LazyFunction(timezone.now)

    @factory.post_generation
    def access(self: VehicleGrant, create: bool, access_type: str | None, **_: Any) -> None:
        if create:
            ApplicationUser.objects.get_or_create(
                application=self.connection.application, person=self.account.person
            )
            _give_access(self, access_type or "OWNER")


def _give_access(grant: VehicleGrant, access_type: str) -> None:
    VehicleAccess.objects.get_or_create(
        account=grant.account,
        vehicle=grant.connection.vehicle,
        defaults={"access_type": access_type, "seen_at": timezone.now(), "tesla_id": "1000000000000001"},
    )


class CommandFactory(DjangoModelFactory[Command]):
    class Meta:
        model = Command

    grant = factory.SubFactory(VehicleGrantFactory)
    application = factory.SelfAttribute("grant.connection.application")
    name = "lock"
    fingerprint = factory.Sequence(lambda n: f"{n:064x}")
    outcome = "succeeded"
    created_at = factory.LazyFunction(timezone.now)
    deadline_at = factory.LazyFunction(lambda: timezone.now() + timedelta(seconds=75))
    ended_at = factory.LazyFunction(timezone.now)


class EventFactory(DjangoModelFactory[Event]):
    class Meta:
        model = Event

    kind = "grant:given"
    actor = "system"
    at = factory.LazyFunction(timezone.now)


class IncidentFactory(DjangoModelFactory[Incident]):
    """A mass revocation that is over; `ended_at=None` is one that stands."""

    class Meta:
        model = Incident

    kind = "mass_revocation"
    mode = Mode.LIVE
    began_at = factory.LazyFunction(lambda: timezone.now() - timedelta(hours=3))
    ended_at = factory.LazyFunction(lambda: timezone.now() - timedelta(hours=2))
    ended_by = "system"
    accounts = 40
    observed = 100


class ConnectSessionFactory(DjangoModelFactory[ConnectSession]):
    """An open run that has just begun."""

    class Meta:
        model = ConnectSession

    application = factory.SubFactory(ApplicationFactory)
    mode = Mode.LIVE
    integration = Integration.FLEET
    redirect_uri = "https://example.com/auth"
    requested = factory.LazyFunction(lambda: list(PERMISSIONS))
    browser_checksum = hashlib.sha256(b"browser").hexdigest()
    created_at = factory.LazyFunction(timezone.now)
    expires_at = factory.LazyFunction(lambda: timezone.now() + timedelta(hours=1))


class RunStepFactory(DjangoModelFactory[RunStep]):
    """The beginning of a run of its own."""

    class Meta:
        model = RunStep

    session = factory.SubFactory(ConnectSessionFactory)
    application = factory.SelfAttribute("session.application")
    mode = factory.SelfAttribute("session.mode")
    began_at = factory.SelfAttribute("session.created_at")
    step = "preamble"
    seconds = 0


class ArrivalsFactory(DjangoModelFactory[Arrivals]):
    """One person, in the hour that runs."""

    class Meta:
        model = Arrivals

    application = factory.SubFactory(ApplicationFactory)
    mode = Mode.LIVE
    entry = "connect"
    hour = factory.LazyFunction(lambda: timezone.now().replace(minute=0, second=0, microsecond=0))
    number = 1


class AddressBudgetFactory(DjangoModelFactory[AddressBudget]):
    """A minute long past."""

    class Meta:
        model = AddressBudget

    address = factory.LazyFunction(uuid.uuid4)
    minute = 0


class OwnerVisitFactory(DjangoModelFactory[OwnerVisit]):
    """An owner who opened a driver's link and has not signed in yet."""

    class Meta:
        model = OwnerVisit

    grant = factory.SubFactory(VehicleGrantFactory)
    link_made_at = factory.LazyFunction(timezone.now)
    browser_checksum = hashlib.sha256(b"owner's browser").hexdigest()
    began_at = factory.LazyFunction(timezone.now)


class PersonVisitFactory(DjangoModelFactory[PersonVisit]):
    """Somebody who has just signed in to see what they allowed."""

    class Meta:
        model = PersonVisit

    mode = Mode.LIVE
    browser_checksum = factory.Sequence(lambda n: f"{n:064x}")
    account = factory.SubFactory(TeslaAccountFactory)
    began_at = factory.LazyFunction(timezone.now)
    signed_in_at = factory.LazyFunction(timezone.now)


class FixLinkFactory(DjangoModelFactory[FixLink]):
    """A link that works; `connect.links.fix_link.address` is what its person opens."""

    class Meta:
        model = FixLink

    application = factory.SubFactory(ApplicationFactory)
    person = factory.SubFactory(PersonFactory)
    support_code = factory.LazyFunction(support_codes.new)
    created_by = "staff:1"
    created_at = factory.LazyFunction(timezone.now)
    expires_at = factory.LazyFunction(lambda: timezone.now() + timedelta(days=7))


class ShownFaultFactory(DjangoModelFactory[ShownFault]):
    """A page without a run that told somebody of a fault."""

    class Meta:
        model = ShownFault

    support_code = factory.LazyFunction(support_codes.new)
    reason = "This page does not exist"
    page = "connect:page"
    request_id = factory.LazyFunction(lambda: str(uuid.uuid4()))
    shown_at = factory.LazyFunction(timezone.now)


class WebhookFactory(DjangoModelFactory[Webhook]):
    """An address that answered its challenge; nobody listens there."""

    class Meta:
        model = Webhook

    application = factory.SubFactory(ApplicationFactory)
    url = "http://127.0.0.1:9/hook"
    host = "127.0.0.1:9"
    created_at = factory.LazyFunction(timezone.now)


class WebhookSubscriptionFactory(DjangoModelFactory[WebhookSubscription]):
    """A car that somebody gave the webhook's application."""

    class Meta:
        model = WebhookSubscription

    class Params:
        grant = factory.SubFactory(
            VehicleGrantFactory, application=factory.SelfAttribute("..webhook.application")
        )

    webhook = factory.SubFactory(WebhookFactory)
    connection = factory.LazyAttribute(lambda made: made.grant.connection)
    vehicle_id = factory.LazyAttribute(lambda made: made.connection.vehicle_id)
    vehicle_public_id = factory.LazyAttribute(lambda made: made.connection.public_id)
    since_event = 0
    created_at = factory.LazyFunction(timezone.now)


class WebhookDeliveryFactory(DjangoModelFactory[WebhookDelivery]):
    """A key that was added, waiting to be told."""

    class Meta:
        model = WebhookDelivery

    subscription = factory.SubFactory(WebhookSubscriptionFactory)
    webhook = factory.LazyAttribute(lambda made: made.subscription.webhook)
    event = factory.Sequence(lambda n: n + 1)
    event_id = factory.LazyFunction(uuid.uuid4)
    name = "virtual_key.added"
    occurred_at = factory.LazyFunction(timezone.now)
    data = factory.LazyFunction(lambda: {"before": "absent", "after": "present"})
    sequence = factory.Sequence(lambda n: n + 1)
    created_at = factory.LazyFunction(timezone.now)


class RefusedRequestFactory(DjangoModelFactory[RefusedRequest]):
    """A lock that was refused because the key is not on the car; `grant=` says of whom."""

    class Meta:
        model = RefusedRequest

    class Params:
        grant = factory.SubFactory(VehicleGrantFactory)

    request_id = factory.LazyFunction(lambda: str(uuid.uuid4()))
    at = factory.LazyFunction(timezone.now)
    application = factory.LazyAttribute(lambda made: made.grant.connection.application)
    vehicle_id = factory.LazyAttribute(lambda made: made.grant.connection.vehicle_id)
    grant_id = factory.LazyAttribute(lambda made: made.grant.pk)
    method = "POST"
    route = "/v2.0/vehicles/{vehicle_id}/security"
    control = "lock"
    error = "CONNECTED_SERVICES_ACCOUNT:VIRTUAL_KEY_REQUIRED"
    cause = "key_absent"


class AccessTokenFactory(DjangoModelFactory[AccessToken]):
    """A bearer token, stored hashed. The usable value is `.raw` on the returned row (or pass `raw=`)."""

    class Meta:
        model = AccessToken

    application = factory.SubFactory(ApplicationFactory)
    user = factory.SubFactory(PersonFactory)
    scope = "vehicles"
    expires = factory.LazyFunction(lambda: timezone.now() + timedelta(seconds=7200))
    raw = factory.LazyFunction(lambda: secrets.token_urlsafe(32))

    @classmethod
    def _create(cls, model_class: type[AccessToken], *args: Any, raw: str, **kwargs: Any) -> AccessToken:
        return _save_with_checksum(model_class(**kwargs), raw)


class RefreshTokenFactory(DjangoModelFactory[RefreshToken]):
    """A refresh token, stored hashed. The usable value is `.raw` on the returned row (or pass `raw=`)."""

    class Meta:
        model = RefreshToken

    application = factory.SubFactory(ApplicationFactory)
    user = factory.SubFactory(PersonFactory)
    access_token = factory.SubFactory(
        AccessTokenFactory,
        application=factory.SelfAttribute("..application"),
        user=factory.SelfAttribute("..user"),
    )
    token_family = factory.LazyFunction(uuid.uuid4)
    raw = factory.LazyFunction(lambda: secrets.token_urlsafe(32))

    @classmethod
    def _create(cls, model_class: type[RefreshToken], *args: Any, raw: str, **kwargs: Any) -> RefreshToken:
        return _save_with_checksum(model_class(**kwargs), raw)


def _save_with_checksum(row: Any, raw: str) -> Any:
    row._raw_token = (
        raw  # what the toolkit hashes into `token_checksum` on saving; the column itself stays empty
    )
    row.save()
    row.raw = raw
    return row


class AuthorizationCodeFactory(DjangoModelFactory[Grant]):
    """An authorization code (the toolkit calls the row a grant) for the first redirect URI of the application."""

    class Meta:
        model = Grant

    application = factory.SubFactory(ApplicationFactory)
    user = factory.SubFactory(PersonFactory)
    code = factory.LazyFunction(lambda: secrets.token_urlsafe(32))
    expires = factory.LazyFunction(lambda: timezone.now() + timedelta(seconds=600))
    redirect_uri = "https://example.com/auth"
    scope = "vehicles"


def bearer(token: AccessToken) -> dict[str, str]:
    """Headers for Django's test client: `client.get(url, headers=bearer(token))`."""
    return {"Authorization": f"Bearer {token.raw}"}  # type: ignore[attr-defined]


class ReservationFactory(DjangoModelFactory[Reservation]):
    """Ids that an application knew before it moved here, for a car that nobody connected yet."""

    class Meta:
        model = Reservation

    application = factory.SubFactory(ApplicationFactory)
    vehicle_public_id = factory.LazyFunction(uuid.uuid4)
    user_public_id = factory.LazyFunction(uuid.uuid4)
    vin = factory.Sequence(lambda n: f"LRW3E7FA7PC{n:06d}")
    scopes = factory.LazyFunction(lambda: ["read_vin", "control_security"])
    created_at = factory.LazyFunction(timezone.now)
