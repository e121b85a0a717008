"""What a VIN tells by itself."""

from __future__ import annotations

import pytest

from vehicles.tesla import vin


@pytest.mark.parametrize(
    ("number", "model", "year", "keys"),
    [
        ("5YJ3E1EA7KF000101", "Model 3", 2019, True),
        ("7SAYGDEE5NF000202", "Model Y", 2022, True),
        ("5YJSA1E25JF000303", "Model S", 2018, False),
        ("5YJXCAE20LF000303", "Model X", 2020, False),
        ("5YJSA1E61MF000303", "Model S", 2021, True),
        ("5YJSA1E11MF000303", "Model S", 2021, False),
        ("7G2CEHED5RA000001", "Cybertruck", 2024, True),
    ],
)
def test_model_year_and_key_need_follow_from_the_vin(number: str, model: str, year: int, keys: bool) -> None:
    assert (vin.model(number), vin.year(number), vin.takes_keys(number)) == (model, year, keys)


def test_a_text_that_is_no_vin_names_no_car() -> None:
    assert (vin.model("5YJ3"), vin.year("5YJ3")) == ("", None)


@pytest.mark.parametrize("code", ["5YJ", "7SA", "7G2", "LRW", "XP7", "SFZ"])
def test_tesla_is_known_by_its_manufacturer_codes(code: str) -> None:
    assert vin.is_tesla(f"{code}3E1EA7KF000101")
    assert not vin.is_tesla(f"{code[:2]}93E1EA7KF00010")
