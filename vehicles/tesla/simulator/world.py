"""Everything the simulated Tesla knows, in memory: accounts, cars, applications, tokens, settings and its clock."""

from __future__ import annotations

import secrets
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from typing import Final

from vehicles.tesla import paths
from vehicles.tesla.simulator.account.accounts import Account, Client, Consent, owner_api_client
from vehicles.tesla.simulator.api.rate_limits import RateLimits
from vehicles.tesla.simulator.car.car import Car, new_car
from vehicles.tesla.simulator.clock import Clock
from vehicles.tesla.simulator.control.calls import CallLog
from vehicles.tesla.simulator.control.faults import Faults
from vehicles.tesla.simulator.login.tokens import Tokens, sub_of_starting_token
from vehicles.tesla.simulator.samples import made_people
from vehicles.tesla.simulator.samples.sample_fleet import SampleFleet
from vehicles.tesla.simulator.samples.scenarios import SCENARIOS, ScenarioPerson, ScenarioVehicle

MOST_MADE_CARS: Final = 2000
"""As many cars as people made for a login have together; who was made first makes room."""
_MOST_SESSIONS: Final = 10_000
SAMPLE_SEED: Final = 1
"""The seed of the sample fleet, unless another is asked for."""


class UnknownScenario(LookupError):
    """There is no scenario of that name."""


@dataclass(slots=True)
class Provider:
    """Switches for Tesla as a whole."""

    legacy_open: bool = True
    mass_revocation_fault: float = 0.0
    """Share of accounts, 0 to 1, that are treated as if consent had been removed."""
    registered_regions: set[str] = field(default_factory=lambda: set(paths.FLEET_API_HOSTS))
    revoked_status: int = 401
    """How API calls are refused after consent was removed: 401 or 403, both were seen."""
    asks_for_missing_scopes: bool = True
    """Whether `prompt_missing_scopes` shows the consent page again; before 2024, access had to be removed first."""
    drivers_may_pair: bool = False
    keys_leave_with_consent: bool = False
    """Whether removing an application also takes its key off the cars; reports differ."""
    access_tokens_end_at_refresh: bool = False
    """Whether a refresh or a new login ends the access token before at once; Tesla's documentation allows both."""
    is_starting: bool = False
    """While it is, logins and the control API work, and all else is 503: it has to be told what was agreed before."""


class World:
    """The state behind every request. Accounts and cars of the sample fleet come into being when first asked for."""

    def __init__(
        self,
        *,
        clients: Iterable[Client] = (),
        scenario: str = "default",
        vehicles: int = 0,
        seed: int = SAMPLE_SEED,
    ) -> None:
        self.clock = Clock()
        self.clients = {client.client_id: client for client in (*clients, owner_api_client())}
        self.seed = seed
        self.reset(scenario, vehicles)

    def reset(self, scenario: str = "default", vehicles: int = 0) -> None:
        """Start over; registered applications stay. Raises `UnknownScenario`, or `ValueError` for too many cars."""
        if scenario not in SCENARIOS:
            raise UnknownScenario(scenario)
        self.sample = SampleFleet(self.seed, vehicles)
        self.clock.reset()
        self.provider = Provider()
        self.tokens = Tokens(self.clock)
        self.calls = CallLog()
        self.faults = Faults()
        self.rate_limits = RateLimits(self.clock)
        self.sessions: dict[str, str] = {}
        self.accounts: dict[str, Account] = {}
        self._made: dict[str, int] = {}
        self._subs: dict[str, str] = {}
        self.cars: dict[str, Car] = {}
        for person in SCENARIOS[scenario]:
            self.add_person(person)

    @property
    def operator(self) -> Client | None:
        """The first registered application, on whose side the scenarios' keys and consents are."""
        return next((client for client in self.clients.values() if not client.is_legacy), None)

    def add_person(self, person: ScenarioPerson) -> Account:
        """Make an account with its cars, consent and starting refresh token."""
        account = Account(person.email, person.password, person.sub, person.name, person.region)
        account.takes_any_password = person.takes_any_password
        self.accounts[person.email] = account
        self._subs[person.sub] = person.email
        for vehicle in person.vehicles:
            self.give_access(account, self._car_of(vehicle), vehicle.access_type)
        if person.has_phone_key:
            account.phone_key_vins = {vehicle.vin for vehicle in person.vehicles}
        self._connect_from_the_start(account, person)
        return account

    def make_person(self, email: str, *, without_keys: bool) -> Account | None:
        """The new person behind an address that nobody has; None for what is no address or names somebody's car.

        Those made longest ago are forgotten where too many cars are in the world.
        """
        person = made_people.person(email, without_keys=without_keys)
        if person is None or any(self._is_somebodys(vehicle.vin) for vehicle in person.vehicles):
            return None
        self._made[email] = len(person.vehicles) + 1
        while sum(self._made.values()) > MOST_MADE_CARS:
            self._forget(next(iter(self._made)))
        return self.add_person(person)

    def _is_somebodys(self, vin: str) -> bool:
        """Whether people have the car who were not made for a login; those share a car that they all name."""
        car = self.car(vin)
        return car is not None and not self._made.keys() >= car.people.keys()

    def _forget(self, email: str) -> None:
        del self._made[email]
        account = self.accounts.pop(email)
        del self._subs[account.sub]
        self.tokens.forget(account.sub)
        self._end_sessions(account)
        for vin in list(account.access):
            self.take_access(account, vin)
            if not self.cars[vin].people:
                del self.cars[vin]

    def account(self, email: str) -> Account | None:
        """The account with that e-mail address."""
        found = self.accounts.get(email)
        if found is None and (person := self.sample.person(email)):
            found = self.accounts.get(person.email) or self.add_person(person)
        return found

    def account_by_sub(self, sub: str) -> Account | None:
        """The account with that Tesla id."""
        return self.account(self._subs.get(sub, sub))

    def account_of_refresh_token(self, token: str) -> Account | None:
        """Whose refresh token it is; starting tokens bring their account into being."""
        if starting_sub := sub_of_starting_token(token):
            self.account_by_sub(starting_sub)
        family = self.tokens.family(token)
        return self.account_by_sub(family.sub) if family else None

    def car(self, vin: str) -> Car | None:
        """The car with that VIN."""
        found = self.cars.get(vin)
        if found is None and (sample := self.sample.vehicle(vin)):
            vehicle, people = sample
            found = self._car_of(vehicle)
            found.people = dict(people)
        return found

    def cars_of(self, account: Account) -> Iterator[Car]:
        """Every car that the account sees, in the order in which it got them."""
        for vin in account.access:
            car = self.car(vin)
            if car is not None:
                yield car

    def give_access(self, account: Account, car: Car, access_type: str) -> None:
        """Let the account see the car as `OWNER` or `DRIVER`."""
        account.access[car.vin] = access_type
        car.people[account.email] = access_type

    def take_access(self, account: Account, vin: str) -> None:
        """The car is no longer in the account: sold, or no longer shared."""
        account.access.pop(vin, None)
        if car := self.car(vin):
            car.people.pop(account.email, None)

    def grant(self, account: Account, client: Client, scopes: Iterable[str]) -> Consent:
        """Record what the account lets the application do; a changed consent keeps its tokens."""
        existing = account.consents.get(client.client_id)
        if existing is None:
            existing = account.consents[client.client_id] = Consent(set(), self.clock.now())
        existing.scopes = set(scopes)
        return existing

    def remove_consent(self, account: Account, client_id: str) -> bool:
        """Take all access from an application; False if it had none."""
        if account.consents.pop(client_id, None) is None:
            return False
        self.tokens.end(client_id, account.sub)
        if self.provider.keys_leave_with_consent:
            self._take_keys_off(account, client_id)
        return True

    def change_password(self, account: Account, password: str) -> None:
        """Set a password; every refresh token of the account dies and browsers are signed out."""
        account.password = password
        self.tokens.end_all(account.sub)
        self._end_sessions(account)

    def sign_in(self, account: Account) -> str:
        """The id of a new browser session."""
        session = secrets.token_urlsafe(24)
        self.sessions[session] = account.sub
        if len(self.sessions) > _MOST_SESSIONS:
            del self.sessions[next(iter(self.sessions))]
        return session

    def _end_sessions(self, account: Account) -> None:
        self.sessions = {key: sub for key, sub in self.sessions.items() if sub != account.sub}

    def _car_of(self, vehicle: ScenarioVehicle) -> Car:
        car = self.cars.get(vehicle.vin)
        if car is None:
            operator = self.operator
            car = self.cars[vehicle.vin] = new_car(vehicle, operator.client_id if operator else "")
        return car

    def _connect_from_the_start(self, account: Account, person: ScenarioPerson) -> None:
        if person.uses_legacy_api:
            self.tokens.start(self.clients[paths.OWNER_API_CLIENT_ID], account)
        elif person.consent is not None and self.operator:
            self.grant(account, self.operator, person.consent)
            self.tokens.start(self.operator, account)

    def _take_keys_off(self, account: Account, client_id: str) -> None:
        client = self.clients.get(client_id)
        for car in self.cars_of(account):
            car.operators.discard(client_id)
            if client and client.current_key:
                car.keys.pop(client.current_key, None)
