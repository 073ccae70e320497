"""Spans go to a real collector, hold no text, and harm nobody when there is none."""

from __future__ import annotations

import asyncio
import subprocess
import sys
import time
from collections.abc import AsyncGenerator, Callable
from uuid import uuid4

import pytest
import requests

from appliance import tracing
from appliance.compose.traces import MOST_WAITING, _Line, traced
from appliance.errors import Unavailable
from appliance.settings import InvalidSetting, Settings, load
from tests.collector import Collector, collecting
from tests.node import ROOT, free_port


def settings_for(address: str) -> Settings:
    return load({"OUTPOST_TRACE_COLLECTOR": address, "OUTPOST_ENVIRONMENT": "staging"})


def test_spans_arrive_as_a_tree_with_the_trace_of_the_request_and_the_resource_of_the_node() -> None:
    request = uuid4()
    with collecting() as collector, traced(settings_for(collector.address), "web"):
        with tracing.span("request", trace=request) as told:
            with tracing.span("gate.admit", action="chat.ask") as admitted:
                admitted.says(correlation_id=str(request))
            told.named("POST /v1/chat")
            told.says(http__response__status_code=200)
        with tracing.span("elsewhere"):
            pass
        until_taken(collector, 3)

    outer, inner, other = (collector.named(name)[0] for name in ("POST /v1/chat", "gate.admit", "elsewhere"))
    assert outer.trace == inner.trace == request != other.trace
    assert (inner.within, outer.within) == (outer.id, b"")
    assert inner.facts == {"outpost.action": "chat.ask", "outpost.correlation_id": str(request)}
    assert outer.facts == {"http.response.status_code": 200}
    assert outer.resource["service.name"] == "outpost"
    assert outer.resource["service.version"]
    assert outer.resource["deployment.environment"] == "staging"
    assert outer.resource["outpost.process"] == "web"
    assert collector.asked[0] == ("/v1/traces", "application/x-protobuf")


def test_what_waits_when_the_process_ends_is_still_sent() -> None:
    with collecting() as collector:
        with traced(settings_for(collector.address), "web"), tracing.span("last"):
            pass
        assert collector.named("last")


def test_an_error_leaves_its_code_and_never_its_message() -> None:
    with collecting() as collector, traced(settings_for(collector.address), "web"):
        for error in (Unavailable("Anna Berg's file is gone"), ValueError("Anna Berg")):
            with pytest.raises(type(error)), tracing.span("fails"):
                raise error

    found = collector.named("fails")
    assert {one.facts["error.type"] for one in found} == {"unavailable", "ValueError"}
    assert all(one.failed and not one.events for one in found)
    assert not any(b"Berg" in body for body in collector.bodies)


@pytest.mark.parametrize(
    "text", ["Anna Berg", "What is the torque?", "anna@plant.example", "Öl", "", "x" * 121, "a\nb"]
)
def test_a_text_is_withheld_and_a_plain_word_is_not(text: str) -> None:
    with (
        collecting() as collector,
        traced(settings_for(collector.address), "web"),
        tracing.span("says", given=text, number=7, word="chat.ask"),
    ):
        pass

    facts = collector.named("says")[0].facts
    assert facts == {"outpost.given": tracing.WITHHELD, "outpost.number": 7, "outpost.word": "chat.ask"}


async def test_a_generator_that_is_given_up_ends_its_span_and_leaves_the_outer_one_in_place() -> None:
    async def told() -> AsyncGenerator[int]:
        with tracing.span("inner"):
            yield 1
            yield 2

    with collecting() as collector, traced(settings_for(collector.address), "web"):
        with tracing.span("outer"):
            given_up = told()
            await anext(given_up)
            await asyncio.create_task(given_up.aclose())
        with tracing.span("after"):
            pass

    assert {one.name for one in collector.spans} == {"outer", "inner", "after"}
    assert collector.named("outer")[0].within == b""


def test_with_no_collector_nothing_is_imported_and_a_span_costs_nothing() -> None:
    loads = "import sys, appliance.cli, appliance.compose, appliance.processes, appliance.tracing"
    uses = "[appliance.tracing.span('x').__enter__().says(a=1)]"
    tells = "print(sorted(one for one in sys.modules if one.split('.')[0] in {'opentelemetry', 'requests'}))"
    command = [sys.executable, "-c", f"{loads}; {uses}; {tells}"]
    done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=True)

    assert done.stdout.strip() == "[]"


def test_a_collector_that_is_down_costs_a_bounded_queue_and_no_request() -> None:
    with traced(settings_for(f"127.0.0.1:{free_port()}"), "web"):
        for number in range(MOST_WAITING * 2):
            with tracing.span("nobody", number=number):
                pass
    with tracing.span("afterwards") as told:
        told.says(fine=True)


def test_a_collector_that_comes_back_is_sent_what_happens_then() -> None:
    with collecting() as collector:
        collector.refuses = 400
        with traced(settings_for(collector.address), "web"):
            with tracing.span("refused"):
                pass
            until(lambda: bool(collector.asked))
            collector.refuses = None
            with tracing.span("taken"):
                pass
            until_taken(collector, 1)

    assert [one.name for one in collector.spans] == ["taken"]


def test_a_redirect_leads_nowhere() -> None:
    with collecting() as elsewhere, collecting() as collector:
        collector.refuses, collector.location = 307, f"http://{elsewhere.address}/v1/traces"
        with traced(settings_for(collector.address), "web"), tracing.span("sent"):
            pass
        assert collector.asked
        assert not elsewhere.asked


def test_a_node_sends_to_no_collector_outside_the_plant_and_a_hub_may() -> None:
    # An address of documentation (RFC 5737); what tries to reach it is stopped by the tests themselves.
    with _Line("203.0.113.7", 4318, beyond=False) as line, pytest.raises(requests.ConnectionError, match="inside"):
        line.post(line.url)
    with (
        _Line("203.0.113.7", 4318, beyond=True) as line,
        pytest.raises(requests.ConnectionError, match="tried to reach"),
    ):
        line.post(line.url)


def test_the_collector_is_one_host_and_port() -> None:
    assert load({}).trace_collector == ""
    assert load(settings_for("[::1]:4318").environment()).trace_collector == "[::1]:4318"
    for wrong in ("http://127.0.0.1:4318", "127.0.0.1", "a:1,b:2", "127.0.0.1:4318/v1/traces"):
        with pytest.raises(InvalidSetting, match="trace_collector"):
            settings_for(wrong)


def until(condition: Callable[[], bool], seconds: float = 30) -> None:
    deadline = time.monotonic() + seconds
    while not condition():
        assert time.monotonic() < deadline, "it did not come"
        time.sleep(0.02)


def until_taken(collector: Collector, spans: int) -> None:
    until(lambda: len(collector.spans) >= spans)
