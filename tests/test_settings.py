"""Settings are read once, and a slip of the pen is not silence."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest

from appliance.settings import InvalidSetting, load
from appliance.tls.errors import TlsRequired
from appliance.tls.required import require


def test_a_flag_wins_over_the_environment_and_the_environment_over_the_default() -> None:
    assert load({}).port == 8000
    assert load({"OUTPOST_LISTEN": "127.0.0.1:9000"}).port == 9000
    assert load({"OUTPOST_LISTEN": "127.0.0.1:9000"}, listen="127.0.0.1:9001").port == 9001


def test_an_unknown_variable_is_an_error() -> None:
    with pytest.raises(InvalidSetting, match="OUTPOST_LISTNE"):
        load({"OUTPOST_LISTNE": "127.0.0.1:9000"})


@pytest.mark.parametrize("listen", ["0.0.0.0:8443", "[::]:8443", "10.0.0.1:443"])
def test_a_node_that_others_can_reach_needs_a_certificate_and_loopback_does_not(listen: str, tmp_path: Path) -> None:
    settings = load({}, listen=listen, data=str(tmp_path))
    with pytest.raises(TlsRequired):
        require(settings)
    assert not require(load({}, listen="127.0.0.2:8000", data=str(tmp_path)))

    certified(tmp_path)
    assert require(settings)


def certified(data: Path) -> Path:
    (data / "tls").mkdir()
    (data / "tls" / "node.sealed").touch()
    return data


def test_a_node_with_a_certificate_listens_for_tls_and_says_https_everywhere(tmp_path: Path) -> None:
    assert load({}, data=str(tmp_path)).public_url == "http://127.0.0.1:8000"

    settings = load({}, data=str(certified(tmp_path)))

    assert (settings.host, settings.port) == ("127.0.0.1", 8443)
    assert settings.public_url == "https://127.0.0.1:8443"
    assert load({}, data=str(tmp_path), listen="[::1]:9000").public_url == "https://[::1]:9000"
    assert load(settings.environment()).public_url == settings.public_url


def test_a_certificate_made_later_changes_the_address_of_the_settings_at_hand(tmp_path: Path) -> None:
    settings = load({}, data=str(tmp_path), listen="127.0.0.1:8443")
    certified(tmp_path)

    assert settings.public_url == "https://127.0.0.1:8443"


def test_nobody_is_sent_to_an_address_in_the_clear_where_tls_is_served(tmp_path: Path) -> None:
    given = {"OUTPOST_PUBLIC_URL": "http://outpost.plant"}
    assert not require(load(given, data=str(tmp_path)))
    certified(tmp_path)
    with pytest.raises(InvalidSetting, match="serves TLS"):
        require(load(given, data=str(tmp_path)))
    assert require(load({"OUTPOST_PUBLIC_URL": "https://outpost.plant"}, data=str(tmp_path)))


@pytest.mark.parametrize("minimum", ["1.1", "1.0", "1", "", "tls1.2", "1.4"])
def test_tls_below_1_2_cannot_be_asked_for(minimum: str) -> None:
    assert load({"OUTPOST_TLS_MINIMUM": "1.2"}).tls_minimum == "1.2"
    assert load({}).tls_minimum == "1.3"
    with pytest.raises(InvalidSetting):
        load({"OUTPOST_TLS_MINIMUM": minimum})


@pytest.mark.parametrize("listen", ["127.0.0.1:0", "localhost:8000", "[::1]:8000"])
def test_loopback_in_its_three_spellings_is_fine(listen: str) -> None:
    assert load({}, listen=listen).host in {"127.0.0.1", "::1"}


@pytest.mark.parametrize("listen", ["8000", "127.0.0.1", "127.0.0.1:x", "127.0.0.1:70000", "plant.local:80"])
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


@pytest.mark.parametrize(
    ("told", "demo", "needed"),
    [
        ("", False, False),
        ("", True, False),
        ("required", True, True),
        ("required", False, True),
        ("offered", False, False),
    ],
)
def test_on_loopback_an_admin_needs_a_second_factor_only_where_it_is_said(told: str, demo: bool, needed: bool) -> None:
    assert load({"OUTPOST_ADMIN_SECOND_FACTOR": told}).admins_need_factor(demo=demo) is needed


def test_where_others_reach_the_node_admins_need_a_second_factor() -> None:
    reachable = replace(load({}), host="10.1.2.3")

    assert reachable.admins_need_factor(demo=False)
    assert not reachable.admins_need_factor(demo=True)
    assert not replace(reachable, admin_second_factor="offered").admins_need_factor(demo=False)


def test_another_word_for_the_second_factor_is_refused() -> None:
    with pytest.raises(InvalidSetting):
        load({"OUTPOST_ADMIN_SECOND_FACTOR": "perhaps"})


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


@pytest.mark.parametrize(("given", "kept"), [("", ""), ("DE", "DE"), (" us ", "US")])
def test_the_sites_country_is_a_code_of_two_letters(given: str, kept: str) -> None:
    settings = load({"OUTPOST_SITE_COUNTRY": given})
    assert settings.site_country == kept
    assert load(settings.environment()) == settings
    for wrong in ("DEU", "D", "D1", "Germany"):
        with pytest.raises(InvalidSetting):
            load({"OUTPOST_SITE_COUNTRY": wrong})


def test_limits_and_origins_are_known_by_their_plain_names_too() -> None:
    plain = {"RATE_LIMIT_PER_MINUTE": "42", "CORS_ALLOWED_ORIGINS": '["https://mes.plant", "https://bi.plant:8443"]'}

    assert load(plain).rate_limit_per_minute == 42
    assert load(plain).cors_allowed_origins == ("https://mes.plant", "https://bi.plant:8443")
    assert load(plain | {"OUTPOST_RATE_LIMIT_PER_MINUTE": "7"}).rate_limit_per_minute == 7
    assert load(load(plain).environment()).cors_allowed_origins == load(plain).cors_allowed_origins


@pytest.mark.parametrize("listed", ["[", '["https://mes.plant", 7]', '["https://mes.plant/page"]', '["*"]', "*"])
def test_a_list_of_origins_that_is_none_is_refused(listed: str) -> None:
    with pytest.raises(InvalidSetting):
        load({"CORS_ALLOWED_ORIGINS": listed})


def test_passwords_are_for_emergencies_on_a_hub_and_for_every_day_on_a_node() -> None:
    hub = {"OUTPOST_ROLE": "hub", "OUTPOST_DATABASE_URL": "postgresql:///outpost"}
    off, on = {"OUTPOST_LOCAL_SIGN_IN": "off"}, {"OUTPOST_LOCAL_SIGN_IN": "on"}

    assert [load(one).local_sign_in for one in ({}, off, on)] == [True, False, True]
    assert [load(hub | one).local_sign_in for one in ({}, off, on)] == [False, False, True]
    assert not load(load(off).environment()).local_sign_in
    with pytest.raises(InvalidSetting):
        load({"OUTPOST_LOCAL_SIGN_IN": "yes"})


def test_a_node_behind_a_proxy_is_used_by_others_also_on_loopback() -> None:
    behind = load({"OUTPOST_TRUSTED_PROXIES": "127.0.0.1, 10.7.0.0/24,::1"})

    assert behind.trusted_proxies == ("127.0.0.1", "10.7.0.0/24", "::1")
    assert (behind.reachable, behind.exposed) == (False, True)
    assert behind.admins_need_factor(demo=False)
    assert load(behind.environment()) == behind
    assert not load({}).exposed


@pytest.mark.parametrize("listed", ["proxy.plant", "10.7.0.0/33", "0.0.0.0/0", "::/0", "127.0.0.1:80"])
def test_proxies_are_few_and_known_by_their_addresses(listed: str) -> None:
    with pytest.raises(InvalidSetting, match="trusted_proxies"):
        load({"OUTPOST_TRUSTED_PROXIES": listed})
