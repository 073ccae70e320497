"""Settings that nobody means: refused when they are read, not when they have done harm."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from appliance.settings import LONGEST_SOCKET, InvalidSetting, load


def test_an_empty_data_directory_is_not_the_place_where_somebody_stands() -> None:
    with pytest.raises(InvalidSetting, match="data is empty"):
        load({"OUTPOST_DATA": ""})


def test_a_path_too_long_for_a_socket_is_refused_at_once() -> None:
    room = LONGEST_SOCKET - len(os.fsencode("/run/models-small.sock"))

    assert load({}, data="/" + "d" * (room - 1)).data.name == "d" * (room - 1)
    with pytest.raises(InvalidSetting, match="too long"):
        load({}, data="/" + "d" * room)
    # Bytes count, not characters.
    with pytest.raises(InvalidSetting, match="too long"):
        load({}, data="/" + "ř" * (room // 2 + 1))


@pytest.mark.parametrize(
    "environment",
    [
        {"OUTPOST_ROLE": "hub"},
        {"OUTPOST_DATABASE_URL": "postgresql://hub/outpost"},
        {"OUTPOST_ROLE": "node", "OUTPOST_DATABASE_URL": "postgresql://hub/outpost"},
        {"OUTPOST_ROLE": "both"},
        {"OUTPOST_LOG_LEVEL": "loud"},
        {"OUTPOST_": "x"},
        {"OUTPOST_data_": "x"},
    ],
)
def test_settings_that_do_not_go_together_are_refused(environment: dict[str, str]) -> None:
    with pytest.raises(InvalidSetting):
        load(environment)


@pytest.mark.parametrize(
    "listen", ["127.0.0.1:²", "127.0.0.1:８000", "127.0.0.1:-1", "127.0.0.1:+1", ":8000", "[::1]", "a:b:c"]
)
def test_a_port_is_made_of_plain_digits(listen: str) -> None:
    with pytest.raises(InvalidSetting):
        load({}, listen=listen)


@pytest.mark.parametrize(
    "listen", ["127.0.0.1.evil.example:80", "2130706433:80", "0:80", "[::ffff:10.0.0.1]:80", "127.1:80"]
)
def test_no_spelling_of_another_host_passes_for_loopback(listen: str) -> None:
    with pytest.raises(InvalidSetting):
        load({}, listen=listen)


def test_a_relative_path_means_the_same_to_every_process(tmp_path: Path) -> None:
    settings = load({}, data="var/here")

    assert settings.data == Path.cwd() / "var" / "here"
    assert load(settings.environment()).data == settings.data


def test_variables_of_other_programs_are_left_alone() -> None:
    assert load({"OUTPOSTS": "1", "PATH": "/bin", "outpost_data": "x"}).port == 8000
