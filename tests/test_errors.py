"""The error tree: every leaf can be shown, told apart, and acted upon."""

from __future__ import annotations

from pathlib import Path

from appliance.errors import Forbidden, OutpostError, every_error, problem
from appliance.reference import errors_page

ROOT = Path(__file__).parent.parent


def test_every_error_is_documented_with_a_code_of_its_own_and_something_to_do() -> None:
    page = errors_page()
    ours = [one for one in every_error() if one is not OutpostError and one.__module__.startswith("appliance.")]
    codes = [one.code for one in ours]

    assert len(ours) > 30
    assert sorted(codes) == sorted(set(codes))
    for error in ours:
        assert f"`{error.code}`" in page
        assert error.hint
        assert 400 <= error.status < 600
        assert 1 <= error.exit_code < 128


def test_the_reference_page_in_the_repository_is_the_one_the_code_writes() -> None:
    assert (ROOT / "docs" / "reference" / "errors.md").read_text(encoding="utf-8") == errors_page()


def test_context_never_overrides_the_members_of_a_problem() -> None:
    body = problem(Forbidden("No.", status=200, policy="x"), instance="/v1/x")

    assert body["status"] == 403
    assert body["policy"] == "x"
    assert body["type"] == "urn:outpost:problem:forbidden"
