"""The Fleet API and the Owner API: a function per endpoint used, frozen results, plain Python.

Each takes the base address and an access token and makes one call; failures are `vehicles.tesla.errors`.
"""

from __future__ import annotations

import base64
from collections.abc import Mapping, Sequence
from typing import Any

from vehicles.tesla import errors, paths, texts, transport
from vehicles.tesla.results import CommandResult, KeyStatus, ListedVehicle

_HARDLOCKED = "unsigned_cmds_hardlocked"
"""How a car that wants signed commands may answer an unsigned one (Owner API: what still works)."""
_MOST_PAGES = 1000
_MOST_KEYS = 1000


def profile(base: str, token: str) -> dict[str, Any]:
    """E-mail and name of the account (Fleet API: users/me; needs the profile scope)."""
    return _response(transport.send("GET", base + paths.USER_ME, token=token))


def vehicles(base: str, token: str) -> list[ListedVehicle]:
    """Every car of the account, page by page (Fleet API: vehicles)."""
    found: list[ListedVehicle] = []
    page = 1
    while True:
        answer = transport.send("GET", base + paths.VEHICLES, token=token, query={"page": str(page)})
        found += [_listed(item) for item in _items(answer)]
        pages = _object(answer.get("pagination")).get("pages")
        if not isinstance(pages, int) or page >= min(pages, _MOST_PAGES):
            return found
        page += 1


def products(base: str, token: str) -> list[ListedVehicle]:
    """The cars among the account's products: the Owner API's list, since its vehicle list is closed."""
    answer = transport.send("GET", base + paths.PRODUCTS, token=token)
    return [_listed(item) for item in _items(answer) if item.get("vin") and item.get("vehicle_id")]


def vehicle_state(base: str, token: str, tag: str) -> str:
    """`online`, `asleep` or `offline` as last known to Tesla; never wakes the car (Fleet API: vehicle)."""
    answer = transport.send("GET", base + paths.VEHICLE.format(vin=tag), token=token)
    return _state(_response(answer))


def vehicle(base: str, token: str, tag: str) -> ListedVehicle:
    """One car as the list shows it; never wakes it (Fleet API: vehicle)."""
    return _listed(_response(transport.send("GET", base + paths.VEHICLE.format(vin=tag), token=token)))


def recent_alerts(base: str, token: str, tag: str) -> dict[str, Any]:
    """What the car complained about of late, under `recent_alerts` (Fleet API: recent_alerts)."""
    return _response(transport.send("GET", base + paths.RECENT_ALERTS.format(vin=tag), token=token))


def charging_history(
    base: str, token: str, vin: str, query: Mapping[str, str]
) -> tuple[list[dict[str, Any]], int]:
    """One page of the car's sessions at public chargers, and how many there are on all pages (Fleet API: charging).

    `query`: `startTime`, `endTime`, `pageNo`, `pageSize`. Applications in the field read the page
    beside no envelope; a published client describes it inside `response`: either is taken.

    Raises `TeslaError`; `Unintelligible` for an answer without sessions.
    """
    answer = transport.send("GET", base + paths.CHARGING_HISTORY, token=token, query={"vin": vin, **query})
    inside = answer.get("response")
    page = inside if isinstance(inside, dict) else answer
    sessions = page.get("data")
    if not isinstance(sessions, list):
        raise errors.Unintelligible("the answer has no list of sessions")
    total = page.get("totalResults")
    found = [session for session in sessions if isinstance(session, dict)]
    return found, total if isinstance(total, int) else len(found)


def vehicle_data(base: str, token: str, tag: str, endpoints: Sequence[str]) -> dict[str, Any]:
    """Live data of the named sections; raises `VehicleUnavailable` when the car is not online."""
    query = {"endpoints": ";".join(endpoints)}
    answer = transport.send("GET", base + paths.VEHICLE_DATA.format(vin=tag), token=token, query=query)
    return _response(answer)


def wake_up(base: str, token: str, tag: str) -> str:
    """Ask the car to come online; returns the state Tesla knew at that moment."""
    answer = transport.send("POST", base + paths.WAKE_UP.format(vin=tag), token=token)
    return _state(_response(answer))


def fleet_status(base: str, token: str, vins: Sequence[str]) -> list[KeyStatus]:
    """Key and protocol state of up to 100 cars (Fleet API: fleet_status). One answer per VIN asked for."""
    body = {"vins": list(vins)}
    answer = _response(transport.send("POST", base + paths.FLEET_STATUS, token=token, json_body=body))
    paired, unpaired = _texts(answer.get("key_paired_vins")), _texts(answer.get("unpaired_vins"))
    info = _object(answer.get("vehicle_info"))
    return [_key_status(vin, paired, unpaired, _object(info.get(vin))) for vin in vins]


def command(
    base: str, token: str, tag: str, name: str, arguments: Mapping[str, Any], *, read_seconds: float = 20.0
) -> CommandResult:
    """Send one unsigned command. A refusal by the car is a result, not an error, unless it wants to see a signature.

    Raises `ProtocolRequired` then, and `TeslaError` for every other failure of the call.
    """
    path = paths.COMMAND.format(vin=tag, name=name)
    answer = transport.send("POST", base + path, token=token, json_body=arguments, read_seconds=read_seconds)
    result = _response(answer)
    if not isinstance(result.get("result"), bool):
        raise errors.Unintelligible("the command answer has no result")
    reason = texts.told(result.get("reason"), texts.MOST)
    if _HARDLOCKED in reason:
        raise errors.ProtocolRequired(reason)
    return CommandResult(result["result"], reason)


def signed_command(base: str, token: str, vin: str, message: bytes, *, read_seconds: float = 20.0) -> bytes:
    """Deliver one signed message to the car; its answer says inside whether it worked (Fleet API: signed_command).

    Raises `TeslaError`; `Unintelligible` for an answer that is no base64.
    """
    path = paths.SIGNED_COMMAND.format(vin=vin)
    body = {"routable_message": base64.b64encode(message).decode()}
    answer = transport.send("POST", base + path, token=token, json_body=body, read_seconds=read_seconds)
    if not isinstance(answer.get("response"), str):
        raise _not_a_response(answer)
    try:
        return base64.b64decode(answer["response"])
    except ValueError:
        raise errors.Unintelligible("the signed answer is no base64") from None


def _response(answer: Mapping[str, Any]) -> dict[str, Any]:
    response = answer.get("response")
    if not isinstance(response, dict):
        raise _not_a_response(answer)
    return response


def _not_a_response(answer: Mapping[str, Any]) -> errors.TeslaError:
    return errors.refusal_in_success(texts.told(answer.get("error"), texts.MOST))


def _object(value: object) -> dict[str, Any]:
    return value if isinstance(value, dict) else {}


def _texts(value: object) -> set[str]:
    return {each for each in value if isinstance(each, str)} if isinstance(value, list) else set()


def _state(vehicle: Mapping[str, Any]) -> str:
    return texts.told(vehicle.get("state"), 10)


def _items(answer: Mapping[str, Any]) -> list[dict[str, Any]]:
    response = answer.get("response")
    if not isinstance(response, list):
        raise _not_a_response(answer)
    return [item for item in response if isinstance(item, dict)]


def _listed(item: Mapping[str, Any]) -> ListedVehicle:
    return ListedVehicle(
        vin=texts.told(item.get("vin"), 64),
        tesla_id=texts.told(item.get("id_s") or item.get("id"), 32),
        access_type=texts.told(item.get("access_type"), 16) or "OWNER",
        display_name=texts.told(item.get("display_name"), 128),
        state=_state(item),
        in_service=item.get("in_service") is True,
        remote_access_disabled=item.get("mobile_access_disabled") is True,
    )


def _key_status(vin: str, paired: set[str], unpaired: set[str], info: Mapping[str, Any]) -> KeyStatus:
    required = info.get("vehicle_command_protocol_required")
    keys = info.get("total_number_of_keys")
    return KeyStatus(
        vin=vin,
        paired=True if vin in paired else False if vin in unpaired else None,
        protocol_required=required if isinstance(required, bool) else None,
        total_keys=keys if isinstance(keys, int) and 0 <= keys <= _MOST_KEYS else None,
        firmware=texts.told(info.get("firmware_version"), 32),
    )
