"""Writes connections.csv from the API that you are leaving, for `manage.py import_connections`.

    python export_connections.py < access_tokens.txt > connections.csv

One access token a line: exchange your refresh tokens first, and store the new ones. Run it while that API answers.
The origins come from the environment of the official SDK, so it reads from Smartcar unless you say otherwise.
"""

from __future__ import annotations

import csv
import sys
from collections.abc import Iterator

import smartcar

COLUMNS = ["vehicle_id", "user_id", "vin", "external_id", "email", "scopes"]
PAGE = 50


def rows_of(access_token: str) -> Iterator[dict[str, str]]:
    """The cars behind one token. A car that does not answer is told and left out: look at it before you move."""
    user_id = smartcar.get_user(access_token).id
    for vehicle_id in vehicle_ids(access_token):
        car = smartcar.Vehicle(vehicle_id, access_token)
        try:
            scopes = car.permissions({"limit": PAGE}).permissions
            yield {
                "vehicle_id": vehicle_id,
                "user_id": user_id,
                "vin": car.vin().vin,
                "email": email_of(car, access_token) if "read_user_profile" in scopes else "",
                "scopes": " ".join(scopes),
            }
        except smartcar.SmartcarException as problem:
            sys.stderr.write(f"{vehicle_id} of user {user_id}: {problem.type} {problem.code or ''}\n")


def vehicle_ids(access_token: str) -> Iterator[str]:
    """Every car that the token reaches, page by page."""
    offset = count = 0
    while offset == 0 or offset < count:
        page = smartcar.get_vehicles(access_token, {"limit": PAGE, "offset": offset})
        yield from page.vehicles
        offset, count = offset + PAGE, page.paging.count


def email_of(car: smartcar.Vehicle, access_token: str) -> str:
    """The address of the Tesla account: with it, nobody else can be taken for this person."""
    headers = {"Authorization": f"Bearer {access_token}"}
    return str(car.request("GET", "tesla/user/info", {}, headers).body["email"] or "")


def main() -> None:
    """Read tokens, write rows. The column external_id is for what you call the people in your Connect links."""
    writer = csv.DictWriter(sys.stdout, COLUMNS, restval="", lineterminator="\n")
    writer.writeheader()
    for line in sys.stdin:
        if token := line.strip():
            writer.writerows(rows_of(token))


if __name__ == "__main__":
    main()
