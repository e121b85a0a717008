"""Every fault number is a class that says whether to try again and whether the command may have happened."""

import pytest
from tesla_protocol.command import universal_message_pb2

from vehicles.tesla.signing import FAULTS, KeyNotOnVehicle, MessageFault, SigningError, UnknownFault, fault


def test_the_numbers_and_names_are_those_of_tesla_s_definition() -> None:
    published = {number: name for name, number in universal_message_pb2.MessageFault_E.items() if number}
    assert {number: kind.protocol_name for number, kind in FAULTS.items()} == published


def answers(property_name: str) -> set[int]:
    return {number for number, kind in FAULTS.items() if getattr(kind, property_name)}


def test_what_to_do_next_follows_tesla_s_own_client() -> None:
    assert answers("is_temporary") == {1, 2, 5, 6, 11, 15, 17, 20, 26}
    assert answers("resync") == {5, 6, 15, 17, 20, 26}
    assert answers("may_have_happened") == {25}


@pytest.mark.parametrize("number", sorted(FAULTS))
def test_a_fault_can_be_raised_and_tells_its_name_and_number(number: int) -> None:
    failure = fault(number)
    assert (
        isinstance(failure, MessageFault)
        and isinstance(failure, SigningError)
        and isinstance(failure, Exception)
    )
    assert type(failure) is FAULTS[number]
    assert f"({number})" in str(failure) and failure.protocol_name in str(failure)


def test_number_zero_is_no_fault() -> None:
    assert fault(0) is None


def test_a_number_nobody_knows_is_kept_and_promises_nothing() -> None:
    failure = fault(4711)
    assert isinstance(failure, UnknownFault)
    assert failure.number == 4711 and "4711" in str(failure)
    assert failure.may_have_happened and not failure.is_temporary


def test_the_missing_key_is_fault_three() -> None:
    assert KeyNotOnVehicle is FAULTS[3]
    assert not KeyNotOnVehicle.is_temporary
