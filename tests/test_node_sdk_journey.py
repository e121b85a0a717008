"""The click path of the published Node SDK's own end-to-end tests, with TESLA as the make and nothing else changed.

NODE_SDK names a folder in which `npm install smartcar` was run. Without it, or without node, this is skipped.
"""

from __future__ import annotations

import json
import os
import re
import secrets
import shutil
import subprocess
from pathlib import Path
from typing import Any
from urllib.parse import parse_qs, urlsplit

import pytest
from playwright.sync_api import Browser, expect

from portal import application_credentials
from tests.connect.browsing import opened
from tests.factories import ApplicationFactory
from vehicles.tesla.simulator.server import SimulatorServer

pytestmark = [pytest.mark.browser, pytest.mark.django_db(transaction=True)]

FOLDER = os.environ.get("NODE_SDK", "")
REDIRECT = "https://example.com/auth"
SCOPE = "required:read_vehicle_info read_vin read_odometer read_battery control_security control_charge"
SCRIPT = """
const smartcar = require("smartcar");
const given = JSON.parse(process.env.GIVEN);
const client = new smartcar.AuthClient({ ...given.client, mode: "test" });

async function use(code) {
  const first = await client.exchangeCode(code);
  const { accessToken } = await client.exchangeRefreshToken(first.refreshToken);
  const user = await smartcar.getUser(accessToken);
  const { vehicles } = await smartcar.getVehicles(accessToken);
  const vehicle = new smartcar.Vehicle(vehicles[0], accessToken);
  const told = {
    user, vehicles,
    attributes: await vehicle.attributes(),
    vin: await vehicle.vin(),
    odometer: await vehicle.odometer(),
    permissions: await vehicle.permissions(),
    lock: await vehicle.lock(),
    limit: await vehicle.setChargeLimit(0.8),
    connections: await smartcar.getConnections(given.amt),
  };
  const batch = await vehicle.batch(["/", "/odometer", "/location", "/battery/capacity"]);
  told.batch = {
    attributes: batch.attributes(),
    odometer: batch.odometer(),
    capacity: batch.batteryCapacity(),
  };
  try { batch.location(); } catch (error) { told.batch.refused = `${error.type} ${error.docURL}`; }
  told.nested = await vehicle.batch(["/batch"]).catch((error) => `${error.type} ${error.statusCode}`);
  const scope = ["read_odometer", "read_fuel"];
  told.compatibility = await smartcar.getCompatibility(told.vin.vin, scope, given.client);
  told.matrix = await smartcar.getCompatibilityMatrix("US", { ...given.client, make: ["NISSAN", "TESLA"] });
  told.refused = await vehicle.location().catch((error) => `${error.type} ${error.statusCode}`);
  told.used = await client.exchangeCode(code).catch((error) => error.message);
  told.disconnected = await vehicle.disconnect();
  return told;
}

const told = given.code ? use(given.code) : Promise.resolve(client.getAuthUrl(given.scope, { state: "a state" }));
told.then((value) => console.log(JSON.stringify(value)), (error) => { console.error(error); process.exit(1); });
"""


@pytest.fixture
def node() -> str:
    program = shutil.which("node")
    if not FOLDER or not program:
        pytest.skip("set NODE_SDK to a folder in which the npm package smartcar is installed")
    return program


def told_by(node: str, origin: str, **given: Any) -> Any:
    """What the SDK answers; it knows nothing but its origins and what is given."""
    origins = {f"SMARTCAR_{name}_ORIGIN": origin for name in ("API", "AUTH", "CONNECT", "MANAGEMENT_API")}
    done = subprocess.run(
        [node, "-e", SCRIPT],
        cwd=Path(FOLDER),
        env={"PATH": os.environ["PATH"], "GIVEN": json.dumps(given), **origins},
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    return json.loads(done.stdout)


def test_the_sdks_own_click_path_leads_to_a_car(
    node: str, browser: Browser, live_server: Any, simulator: SimulatorServer
) -> None:
    secret = secrets.token_urlsafe(32)
    application = ApplicationFactory(client_secret=secret, redirect_uris=REDIRECT)
    amt = application_credentials.new_management_token(application).management_token
    client = {"clientId": str(application.client_id), "clientSecret": secret, "redirectUri": REDIRECT}
    page = opened(browser, "desktop")
    page.goto(told_by(node, live_server.url, client=client, scope=SCOPE.split()))
    page.click("button#continue-button")
    page.click("button#TESLA.brand-list-item")
    page.fill("#username", f"{secrets.token_hex(8)}@email.com")
    page.fill("#password", "password")
    page.click("#sign-in-button")
    page.wait_for_selector(".page-content")
    page.click("button#approval-button")
    expect(page).to_have_url(re.compile(r"example\.com/auth\?code="))
    query = {name: value for name, [value] in parse_qs(urlsplit(page.url).query).items()}
    page.context.close()

    told = told_by(node, live_server.url, client=client, code=query["code"], amt=amt)

    assert query["state"] == "a state" and told["user"]["id"] == query["user_id"]
    assert len(told["vehicles"]) == 1 and told["attributes"]["make"] == "TESLA"
    assert len(told["vin"]["vin"]) == 17 and told["odometer"]["distance"] > 0
    assert "control_charge" in told["permissions"]["permissions"]
    assert told["lock"]["message"] == "Successfully sent request to vehicle"
    assert told["limit"]["status"] == "success"
    together = told["batch"]
    assert together["attributes"]["model"] == told["attributes"]["model"]
    assert together["odometer"]["distance"] == told["odometer"]["distance"]
    assert together["odometer"]["meta"]["unitSystem"] == "metric" and together["capacity"]["capacity"] > 0
    assert together["refused"].startswith("PERMISSION https://") and told["nested"] == "VALIDATION 400"
    assert told["compatibility"]["compatible"] is True
    assert [each["reason"] for each in told["compatibility"]["capabilities"]] == [None, "VEHICLE_NOT_CAPABLE"]
    assert told["matrix"]["TESLA"][0]["type"] == "BEV"
    assert told["refused"] == "PERMISSION 403" and "Invalid code" in told["used"]
    assert len(told["connections"]["connections"]) == 1
    assert told["disconnected"]["status"] == "success"
