"""ConnectSession: one passage of one person through the journey, held on the server so that it can be resumed."""

from __future__ import annotations

import uuid
from datetime import datetime

from django.db import models

from vehicles.models import Application, Connection, Integration, Mode, TeslaAccount, User, VehicleGrant


class Step(models.TextChoices):
    """Where the person is. The order is the order of the journey."""

    PREAMBLE = "preamble"
    BRAND = "brand"
    TESLA = "tesla"
    PERMISSIONS = "permissions"
    KEYS = "keys"
    DONE = "done"
    ENDED = "ended"


class ResponseType(models.TextChoices):
    """What the application gets at the end: a code, word that it is done, or the id of the car that works again."""

    CODE = "code"
    NONE = "none"
    VEHICLE_ID = "vehicle_id"


class Entry(models.TextChoices):
    """By which address an application sends people here. A `mode=test` is no journey and counts for itself."""

    CONNECT = "connect"
    REAUTHENTICATE = "reauthenticate"
    TEST = "test"


class ConnectSession(models.Model):
    """One run: what the application asked for, how far the person got, and how it ended. Holds no token."""

    id = models.UUIDField(primary_key=True, default=uuid.uuid4, editable=False)
    application = models.ForeignKey(Application, on_delete=models.CASCADE, related_name="connect_sessions")
    mode = models.CharField(max_length=10, choices=Mode.choices)
    any_login = models.BooleanField(
        default=False, help_text="mode=test: any login, no consent page, no key step"
    )
    integration = models.CharField(max_length=8, choices=Integration.choices)
    response_type = models.CharField(max_length=10, choices=ResponseType.choices, default=ResponseType.CODE)
    redirect_uri = models.TextField(blank=True, help_text="Empty where the person is not sent back")
    redirect_uri_given = models.BooleanField(
        default=True, help_text="Sent by the application, not filled in by us"
    )
    state = models.TextField(
        blank=True, help_text="Percent-encoded, so that the application gets back the very bytes it sent"
    )
    requested = models.JSONField(default=list, help_text="Permission names, in the order asked for")
    required = models.JSONField(default=list, help_text="Those without which the run cannot finish")
    make = models.CharField(max_length=32, blank=True)
    single_select = models.BooleanField(default=False)
    single_select_vin = models.CharField(max_length=17, blank=True)
    force_approval = models.BooleanField(default=False)
    code_challenge = models.CharField(max_length=128, blank=True)
    code_challenge_method = models.CharField(max_length=10, blank=True)
    external_user = models.CharField(max_length=255, blank=True)
    external_id = models.CharField(
        max_length=255,
        blank=True,
        help_text="The application's own id of the person; the text null clears the one that is kept",
    )

    support_code = models.CharField(
        max_length=8, blank=True, help_text="What the person reads out to support; empty for old runs"
    )
    browser_checksum = models.CharField(
        max_length=64, help_text="SHA-256 of the secret in the browser's cookie"
    )
    tesla_state_checksum = models.CharField(max_length=64, blank=True, db_index=True)
    account = models.ForeignKey(TeslaAccount, null=True, blank=True, on_delete=models.SET_NULL)
    signed_in_at = models.DateTimeField(
        null=True, blank=True, help_text="When the person came back from Tesla"
    )
    asked_in_vain = models.BooleanField(
        default=False, help_text="Asked at Tesla for what is missing, the person came back with the same"
    )
    connection = models.ForeignKey(
        Connection,
        null=True,
        blank=True,
        on_delete=models.CASCADE,
        help_text="The car of a reauthentication, which signs in again and grants nothing",
    )
    chosen_vehicles = models.JSONField(default=list, help_text="Ids of the cars the person chose")
    key_queue = models.JSONField(
        default=list, help_text="Ids of the chosen cars that lacked the key at approval; each gets a key page"
    )
    keys_added = models.JSONField(
        default=list, help_text="Ids of the cars whose key page was left with the key on the car"
    )
    skipped_keys = models.JSONField(
        default=list, help_text="Ids of the cars whose key step was left for later"
    )
    step = models.CharField(max_length=12, choices=Step.choices, default=Step.PREAMBLE)
    trail = models.JSONField(default=list, help_text="Each step with its time: [{step, at}]")
    exit_reason = models.CharField(max_length=64, blank=True)
    left_at = models.CharField(
        max_length=12,
        choices=Step.choices,
        blank=True,
        help_text="Where the person left; empty while the run is open, and when it was completed",
    )
    created_at = models.DateTimeField()
    expires_at = models.DateTimeField()
    ended_at = models.DateTimeField(null=True, blank=True)

    class Meta:
        indexes = [
            models.Index(fields=["application", "-created_at"], name="connect_session_recent"),
            models.Index(fields=["support_code"], name="connect_session_code"),
            models.Index(fields=["expires_at"], name="connect_session_expiry"),
            models.Index(fields=["-created_at"], name="connect_session_newest"),
            models.Index(fields=["step", "-created_at"], name="connect_session_step"),
            models.Index(fields=["exit_reason", "-created_at"], name="connect_session_reason"),
            models.Index(fields=["left_at", "-created_at"], name="connect_session_left"),
            models.Index(fields=["browser_checksum", "-created_at"], name="connect_session_browser"),
        ]

    def __str__(self) -> str:
        return f"Connect run {str(self.id)[:8]}"

    @property
    def entry(self) -> Entry:
        """By which way the person came."""
        if self.any_login:
            return Entry.TEST
        is_again = self.response_type == ResponseType.VEHICLE_ID
        return Entry.REAUTHENTICATE if is_again else Entry.CONNECT

    @property
    def moves_grants(self) -> bool:
        """Whether it is a reauthentication by make: it moves and widens what was given before, and ends here."""
        return self.response_type == ResponseType.VEHICLE_ID and self.connection_id is None

    def is_open(self, now: datetime) -> bool:
        """Whether the person can still go on with it."""
        return self.ended_at is None and now < self.expires_at


class RunStep(models.Model):
    """The first time that a run came to a step, for the funnel. The run's `trail` also has every return to one."""

    session = models.ForeignKey(ConnectSession, on_delete=models.CASCADE, related_name="steps")
    application = models.ForeignKey(Application, on_delete=models.CASCADE, related_name="+")
    mode = models.CharField(max_length=10, choices=Mode.choices)
    began_at = models.DateTimeField(help_text="When the run began")
    step = models.CharField(max_length=12, choices=Step.choices)
    seconds = models.PositiveIntegerField(help_text="From the beginning of the run to this step")
    next_step = models.CharField(
        max_length=12, choices=Step.choices, blank=True, help_text="Where the run went on to, when it did"
    )
    stay = models.PositiveIntegerField(
        null=True, blank=True, help_text="Seconds until then; of the finish, the seconds of the whole run"
    )

    class Meta:
        constraints = [models.UniqueConstraint(name="run_step_once", fields=["session", "step"])]
        indexes = [
            models.Index(fields=["mode", "began_at"], name="run_step_window"),
            models.Index(fields=["application", "mode", "began_at"], name="run_step_of_application"),
        ]

    def __str__(self) -> str:
        return f"{self.step} of run {str(self.session_id)[:8]}"


class Arrivals(models.Model):
    """How many people one application sent here in one hour. Who presses nothing leaves no other trace."""

    application = models.ForeignKey(Application, on_delete=models.CASCADE, related_name="+")
    mode = models.CharField(max_length=10, choices=Mode.choices)
    entry = models.CharField(max_length=16, choices=Entry.choices)
    hour = models.DateTimeField(db_index=True, help_text="Its beginning")
    number = models.PositiveIntegerField(default=0)

    class Meta:
        verbose_name_plural = "arrivals"
        constraints = [
            models.UniqueConstraint(name="arrivals_once", fields=["application", "mode", "entry", "hour"])
        ]

    def __str__(self) -> str:
        return f"{self.number} at {self.hour:%Y-%m-%d %H} h"


class AddressBudget(models.Model):
    """How many rows one network address made in the minute that it was last seen in. Tells no address."""

    address = models.UUIDField(primary_key=True, help_text="A checksum with a secret of ours")
    minute = models.BigIntegerField(db_index=True, help_text="Minutes since 1970")
    used = models.PositiveIntegerField(default=0)

    def __str__(self) -> str:
        return f"{self.used} from {str(self.address)[:8]}"


class FixLink(models.Model):
    """A page that tells one person what to do so that one application's connections work again.

    `steps` remembers what was to do, by grant and action, so that it is ticked when it is done.
    """

    id = models.UUIDField(primary_key=True, default=uuid.uuid4, editable=False)
    application = models.ForeignKey(Application, on_delete=models.CASCADE, related_name="fix_links")
    person = models.ForeignKey(User, on_delete=models.CASCADE, related_name="fix_links")
    connection = models.ForeignKey(
        Connection,
        null=True,
        blank=True,
        on_delete=models.CASCADE,
        related_name="+",
        help_text="The one car that the token which made it reaches; empty: every car of the person",
    )
    support_code = models.CharField(max_length=8, unique=True)
    steps = models.JSONField(default=dict)
    created_by = models.CharField(max_length=64, help_text="Who made it, as history names actors")
    created_at = models.DateTimeField(db_index=True)
    expires_at = models.DateTimeField()
    opened_at = models.DateTimeField(null=True, blank=True)
    withdrawn_at = models.DateTimeField(null=True, blank=True)

    class Meta:
        permissions = [("make_fixlink", "Can make and withdraw fix-it links")]

    def __str__(self) -> str:
        return f"fix-it link {str(self.pk)[:8]}"


class PersonVisit(models.Model):
    """A person who looks at what they allowed, in one browser, after signing in at Tesla. Holds no token."""

    id = models.UUIDField(primary_key=True, default=uuid.uuid4, editable=False)
    mode = models.CharField(max_length=10, choices=Mode.choices)
    browser_checksum = models.CharField(
        max_length=64, unique=True, help_text="SHA-256 of the secret in the person's browser's cookie"
    )
    tesla_state_checksum = models.CharField(max_length=64, blank=True, db_index=True)
    account = models.ForeignKey(
        TeslaAccount, null=True, blank=True, on_delete=models.CASCADE, related_name="+"
    )
    began_at = models.DateTimeField(db_index=True)
    signed_in_at = models.DateTimeField(null=True, blank=True)

    def __str__(self) -> str:
        return f"Person's visit {str(self.pk)[:8]}"


class OwnerVisit(models.Model):
    """An owner who follows a driver's link, in one browser: signs in at Tesla, then adds the key.

    It is no run, so that nothing in it can become a grant or a code: no application gains anything by it.
    """

    id = models.UUIDField(primary_key=True, default=uuid.uuid4, editable=False)
    grant = models.ForeignKey(
        VehicleGrant, on_delete=models.CASCADE, related_name="owner_visits", help_text="The driver's"
    )
    link_made_at = models.DateTimeField(db_index=True)
    browser_checksum = models.CharField(
        max_length=64, help_text="SHA-256 of the secret in the owner's browser's cookie"
    )
    tesla_state_checksum = models.CharField(max_length=64, blank=True, db_index=True)
    account = models.ForeignKey(
        TeslaAccount,
        null=True,
        blank=True,
        on_delete=models.CASCADE,
        related_name="+",
        help_text="Empty until somebody signed in who owns the car",
    )
    began_at = models.DateTimeField()
    signed_in_at = models.DateTimeField(null=True, blank=True)

    class Meta:
        constraints = [models.UniqueConstraint(name="owner_visit_once", fields=["grant", "browser_checksum"])]

    def __str__(self) -> str:
        return f"Owner's visit {str(self.pk)[:8]}"


class ShownFault(models.Model):
    """A page without a run that told somebody of a fault, so that its support code can be found. Names nobody."""

    support_code = models.CharField(max_length=8, unique=True)
    reason = models.CharField(max_length=100, help_text="What stood on the page, in English")
    sent = models.CharField(
        max_length=200, blank=True, help_text="What was wrong of what the application sent"
    )
    page = models.CharField(
        max_length=64, blank=True, help_text="Name of the address; empty where it leads nowhere"
    )
    run = models.UUIDField(null=True, blank=True, help_text="The run that the address names, if there is one")
    application = models.ForeignKey(
        Application, null=True, blank=True, on_delete=models.CASCADE, related_name="+"
    )
    request_id = models.CharField(max_length=36, help_text="By which the log has more")
    shown_at = models.DateTimeField(db_index=True)

    class Meta:
        verbose_name = "fault page"
        indexes = [models.Index(fields=["reason", "-shown_at"], name="shown_fault_reason")]

    def __str__(self) -> str:
        return f"{self.reason} ({self.page or 'no page'})"
