"""A node asks whom its owner listed, inside the plant, and nobody else."""

from __future__ import annotations

import asyncio
import ipaddress
import socket
from typing import Any

import pytest

from appliance.plant import inside
from appliance.routing.addresses import checked, listed
from appliance.routing.errors import AddressRefused
from appliance.settings import InvalidSetting, load

ALLOWED = ["vllm.plant:8000", "10.1.2.3:8000", "127.0.0.1:9000", "[fd00::7]:8000", "vllm.plant:443"]


def resolving(monkeypatch: pytest.MonkeyPatch, *answers: str) -> None:
    async def looked_up(*_: object, **__: object) -> list[Any]:
        return [(socket.AF_INET, 0, 0, "", (one, 8000)) for one in answers]

    monkeypatch.setattr(asyncio.get_running_loop(), "getaddrinfo", looked_up)


@pytest.mark.parametrize(
    "url",
    [
        "http://10.1.2.4:8000",
        "http://10.1.2.3",
        "http://10.1.2.3:8001",
        "ftp://10.1.2.3:8000",
        "file:///etc/passwd",
        "gopher://10.1.2.3:8000",
        "http://user:secret@10.1.2.3:8000",
        "http://10.1.2.3:8000@evil.example",
        "http://evil.example#@10.1.2.3:8000",
        "http://evil.example\\@10.1.2.3:8000",
        "http://10.1.2.3:8000?x=1",
        "http://10.1.2.3:99999",
        "http://167838211:8000",
        "http://0x0a010203:8000",
        "http://012.1.2.3:8000",
        "http://10.1.515:8000",
        "http://169.254.169.254:80",
        "http://[::ffff:10.1.2.3]:8000",
        "http://10.1.2.3.:8000",
        "http://vllm.plant.evil.example:8000",
        "http://１０.1.2.3:8000",
        "http://10.1.2.3:8000/\r\nX: y",
        "http:///v1",
        "//10.1.2.3:8000",
        "",
        "http://10.1.2.3:8000/" + "a" * 400,
    ],
)
def test_what_is_not_on_the_list_is_not_asked(url: str) -> None:
    with pytest.raises(AddressRefused):
        listed(url, ALLOWED)


@pytest.mark.parametrize(
    ("url", "means"),
    [
        ("http://10.1.2.3:8000", ("http", "10.1.2.3", 8000, "")),
        ("http://10.1.2.3:8000/v1/", ("http", "10.1.2.3", 8000, "")),
        ("https://VLLM.plant/models/v1", ("https", "vllm.plant", 443, "/models")),
        ("http://[fd00::7]:8000", ("http", "[fd00::7]", 8000, "")),
    ],
)
def test_a_listed_address_is_understood(url: str, means: tuple[str, str, int, str]) -> None:
    assert listed(url, ALLOWED) == means


async def test_a_name_is_pinned_to_the_address_that_was_judged(monkeypatch: pytest.MonkeyPatch) -> None:
    resolving(monkeypatch, "10.7.7.7")

    found = await checked("http://vllm.plant:8000/v1", ALLOWED)

    assert (found.pinned, found.host) == ("http://10.7.7.7:8000", "vllm.plant:8000")


@pytest.mark.parametrize("answers", [["8.8.8.8"], ["10.7.7.7", "8.8.8.8"], ["169.254.169.254"], ["0.0.0.0"], []])
async def test_a_listed_name_that_leads_outside_is_not_asked(
    monkeypatch: pytest.MonkeyPatch, answers: list[str]
) -> None:
    resolving(monkeypatch, *answers)

    with pytest.raises(AddressRefused):
        await checked("http://vllm.plant:8000", ALLOWED)


async def test_a_name_that_nobody_knows_is_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    async def unknown(*_: object, **__: object) -> list[Any]:
        raise socket.gaierror(-2, "Name or service not known")

    monkeypatch.setattr(asyncio.get_running_loop(), "getaddrinfo", unknown)

    with pytest.raises(AddressRefused, match="not known"):
        await checked("http://vllm.plant:8000", ALLOWED)


@pytest.mark.parametrize(
    ("address", "is_inside"),
    [
        ("10.0.0.1", True), ("172.16.0.1", True), ("172.32.0.1", False), ("192.168.3.4", True), ("127.0.0.1", True),
        ("::1", True), ("fd12::1", True), ("fe80::1", False), ("169.254.169.254", False), ("100.64.0.1", False),
        ("192.0.2.1", False), ("198.18.0.1", False), ("224.0.0.1", False), ("255.255.255.255", False), ("0.0.0.0", False),
        ("::", False), ("::ffff:10.0.0.1", True), ("::ffff:8.8.8.8", False), ("64:ff9b::808:808", False), ("2001:db8::1", False),
    ],
)  # fmt: skip
def test_only_addresses_of_a_plant_are_inside(address: str, is_inside: bool) -> None:
    assert inside(ipaddress.ip_address(address)) is is_inside


@pytest.mark.parametrize(
    "hosts", ["vllm.plant", "http://vllm.plant:8000", "*:8000", "10.0.0.0/8:80", "a b:80", "::1:80"]
)
def test_a_list_that_cannot_be_understood_is_a_wrong_setting(hosts: str) -> None:
    with pytest.raises(InvalidSetting):
        load({"OUTPOST_MODEL_HOSTS": hosts})


def test_a_list_survives_the_way_to_the_processes() -> None:
    settings = load({"OUTPOST_MODEL_HOSTS": " VLLM.plant:8000, [fd00::7]:80 "})

    assert settings.model_hosts == ("vllm.plant:8000", "[fd00::7]:80")
    assert load(settings.environment()).model_hosts == settings.model_hosts
