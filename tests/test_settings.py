"""Settings are read once, and a slip of the pen is not silence."""

from __future__ import annotations

from dataclasses import replace
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
