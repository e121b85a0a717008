"""The straight way through Connect, over a simulated Tesla on real HTTP."""

from __future__ import annotations

from tests.connect.conftest import Journey, answer_of
from vehicles.models import VehicleGrant


def test_an_owner_whose_car_needs_no_key_goes_straight_back_with_a_code(journey: Journey, bernd) -> None:
    journey.authorize()
    journey.sign_in(bernd.email)

    back = journey.approve()

    assert back.headers["Location"].startswith("https://example.com/auth?")
    assert answer_of(back).keys() == {"code", "state", "user_id", "virtual_key_url"}
    assert answer_of(back)["state"] == "a state"
    assert VehicleGrant.objects.get().approved == ["read_vehicle_info", "read_odometer", "control_security"]
