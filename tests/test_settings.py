"""Settings are read once, and a slip of the pen is not silence."""

from __future__ import annotations

from pathlib import Path

import pytest

from appliance.settings import InvalidSetting, load


def test_a_flag_wins_over_the_environment_and_the_environment_over_the_default() -> None:
    assert load({}).port == 8000
    assert load({"OUTPOST_LISTEN": "127.0.0.1:9000"}).port == 9000
    assert load({"OUTPOST_LISTEN": "127.0.0.1:9000"}, listen="127.0.0.1:9001").port == 9001


def test_an_unknown_variable_is_an_error() -> None:
    with pytest.raises(InvalidSetting, match="OUTPOST_LISTNE"):
        load({"OUTPOST_LISTNE": "127.0.0.1:9000"})


@pytest.mark.parametrize("listen", ["0.0.0.0:8000", "[::]:8000", "10.0.0.1:80", "plant.local:80"])
def test_a_node_without_tls_refuses_to_listen_beyond_loopback(listen: str) -> None:
    with pytest.raises(InvalidSetting):
        load({}, listen=listen)


@pytest.mark.parametrize("listen", ["127.0.0.1:0", "localhost:8000", "[::1]:8000"])
def test_loopback_in_its_three_spellings_is_fine(listen: str) -> None:
    assert load({}, listen=listen).host in {"127.0.0.1", "::1"}


@pytest.mark.parametrize("listen", ["8000", "127.0.0.1", "127.0.0.1:x", "127.0.0.1:70000"])
def test_an_address_that_is_none_is_refused(listen: str) -> None:
    with pytest.raises(InvalidSetting):
        load({}, listen=listen)


def test_settings_survive_the_way_through_a_childs_environment(tmp_path: Path) -> None:
    settings = load({}, data=str(tmp_path), listen="[::1]:8123", kiosk_idle_seconds="30")

    assert load(settings.environment()) == settings


@pytest.mark.parametrize("value", ["0", "x", "99999"])
def test_a_number_out_of_range_is_refused(value: str) -> None:
    with pytest.raises(InvalidSetting):
        load({"OUTPOST_UPLOAD_LIMIT_MIB": value})


def test_the_file_of_keys_is_known_by_the_name_that_other_products_give_it_and_ours_wins() -> None:
    both = {"JWKS_LOCAL_PATH": "/config/jwks.json", "OUTPOST_JWKS_LOCAL_PATH": "/etc/outpost/jwks.json"}

    assert load({}).jwks_local_path is None
    assert load({"JWKS_LOCAL_PATH": "/config/jwks.json"}).jwks_local_path == Path("/config/jwks.json")
    assert load(both).jwks_local_path == Path("/etc/outpost/jwks.json")


@pytest.mark.parametrize(
    ("given", "url"),
    [
        ("", "http://127.0.0.1:8000"),
        ("https://Outpost.plant/", "https://outpost.plant"),
        ("https://[fd00::1]:8443", "https://[fd00::1]:8443"),
    ],
)
def test_the_public_address_is_the_one_it_listens_on_unless_said(given: str, url: str) -> None:
    assert load({"OUTPOST_PUBLIC_URL": given}).public_url == url


@pytest.mark.parametrize(
    "variables",
    [
        {"OUTPOST_PUBLIC_URL": "outpost.plant"}, {"OUTPOST_PUBLIC_URL": "https://outpost.plant/path"},
        {"OUTPOST_PUBLIC_URL": "https://a@b"}, {"OUTPOST_PUBLIC_URL": "javascript:alert(1)"},
        {"OUTPOST_IDENTITY_HOSTS": "login.example"}, {"OUTPOST_IDENTITY_HOSTS": "https://login.example:443"},
    ],
    ids=str,
)  # fmt: skip
def test_addresses_of_another_shape_are_refused(variables: dict[str, str]) -> None:
    with pytest.raises(InvalidSetting):
        load(variables)
