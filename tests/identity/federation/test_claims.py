"""What claims mean here, as the providers really write them."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from appliance.identity import rules
from appliance.identity.federation import claims
from appliance.identity.federation.errors import OutsideRefused
from appliance.identity.federation.values import Profile, Provider
from appliance.identity.values import Role
from appliance.store import TenantId, new_id

TENANT = TenantId(new_id())
roles = st.sampled_from(claims.ROLES)


def provider(profile: Profile = "generic", **changed: Any) -> Provider:
    given_ones = {"issuer": "https://idp.example/", "client_id": "outpost", "title": "Works login"} | changed
    return Provider(id=new_id(), tenant_id=TENANT, kind="oidc", profile=profile, **given_ones)


ENTRA = {
    "aud": "6e74172b-be56-4843-9ff4-e66a39bb12e3", "iss": "https://login.microsoftonline.com/72f988bf/v2.0",
    "iat": 1537231048, "exp": 1537234948, "sub": "HKZpfaHyWadeOouYlitjrI-KffTm222X5rrV3xDqfKQ",
    "oid": "690222be-ff1a-4d56-abd1-7e4f7d38e474", "tid": "72f988bf-86f1-41af-91ab-2d7cd011db47", "ver": "2.0",
    "name": "Nora North", "preferred_username": "nora@works.example", "email": "nora.north@works.example",
    "roles": ["PlatformUser"], "groups": ["3f1c9f2e-0d3e-4c34-9d8f-7a7a0b7e1c11"],
}  # fmt: skip
KEYCLOAK = {
    "iss": "https://keycloak.works.plant/realms/works", "aud": ["outpost", "account"], "azp": "outpost", "typ": "Bearer",
    "iat": 1700000000, "exp": 1700000300, "sub": "f:8d6:nora", "preferred_username": "nora", "name": "Nora North",
    "email": "nora@works.example", "email_verified": True, "groups": ["/works/line-2", "/works"],
    "realm_access": {"roles": ["offline_access", "maintenance"]},
    "resource_access": {"outpost": {"roles": ["plant-admin"]}, "account": {"roles": ["manage-account"]}},
}  # fmt: skip
AUTH0 = {
    "iss": "https://works.eu.auth0.com/", "aud": "outpost", "iat": 1700000000, "exp": 1700000300, "sub": "auth0|65f0c1",
    "nickname": "nora.north", "name": "Nora North", "email": "nora@works.example", "https://works.example/roles": ["operators"],
    "https://works.example/plant": "north",
}  # fmt: skip


@pytest.mark.parametrize(
    ("profile", "body", "name", "groups"),
    [
        ("entra", ENTRA, "nora@works.example", {"PlatformUser", "3f1c9f2e-0d3e-4c34-9d8f-7a7a0b7e1c11"}),
        ("keycloak", KEYCLOAK, "nora", {"/works", "/works/line-2", "offline_access", "maintenance", "plant-admin"}),
        ("auth0", AUTH0, "nora.north", {"operators"}),
        ("generic", AUTH0 | {"groups": "operators"}, "nora@works.example", {"operators"}),
    ],
)
def test_each_profile_finds_who_it_is_and_their_groups(
    profile: Profile, body: dict[str, Any], name: str, groups: set[str]
) -> None:
    found = claims.outsider(body, provider(profile))

    assert (found.external_id, found.username, found.display_name) == (body["sub"], name, "Nora North")
    assert found.groups == groups
    assert found.said_at.timestamp() == body["iat"]


def test_roles_of_another_client_mean_nothing() -> None:
    assert "manage-account" not in claims.groups(KEYCLOAK, provider("keycloak"))


def test_groups_and_name_may_stand_where_the_settings_say() -> None:
    body = KEYCLOAK | {"works": {"plant": {"rights": ["line-2"]}}, "badge": "N-0042"}
    settings = provider("keycloak", groups_claim="works.plant.rights", name_claim="badge")

    found = claims.outsider(body, settings)

    assert (found.username, found.groups) == ("n-0042", frozenset({"line-2"}))


@pytest.mark.parametrize("value", [None, 7, True, {"a": 1}, [["admin"]], [1, None, ""], ["x" * 257], ""])
def test_groups_of_another_shape_mean_nothing(value: Any) -> None:
    assert claims.groups({"groups": value}, provider()) == frozenset()


def test_more_groups_than_anybody_has_are_refused() -> None:
    with pytest.raises(OutsideRefused):
        claims.groups({"groups": [f"g{number}" for number in range(1001)]}, provider())


@given(
    st.dictionaries(st.text(max_size=8), roles, max_size=8), st.sets(st.text(max_size=8), max_size=8), st.none() | roles
)
def test_a_role_is_the_highest_that_a_group_means_and_otherwise_the_default(
    mapping: dict[str, Role], said: set[str], default: Role | None
) -> None:
    found = claims.role(said, mapping, default)

    meant = {mapping[group] for group in said & mapping.keys()}
    if meant:
        assert found in meant
        assert found is not None
        assert all(claims.ROLES.index(one) <= claims.ROLES.index(found) for one in meant)
    else:
        assert found == default


@given(st.sets(st.text(max_size=8), max_size=8))
def test_no_group_means_a_role_by_its_own_name(said: set[str]) -> None:
    assert claims.role(said | {"admin", "operator", "viewer", "user"}, {}, None) is None


def test_user_is_read_as_operator_and_roles_are_ordered() -> None:
    assert claims.ALIASES["user"] == "operator"
    assert claims.ROLES == ("viewer", "operator", "admin")


@given(st.text(max_size=300), st.text(max_size=300))
def test_whatever_a_provider_calls_somebody_the_names_here_can_be_used(name: str, subject: str) -> None:
    try:
        username = claims.username((name,), subject)
    except OutsideRefused:
        return

    assert rules.username(username) == username
    assert 1 <= len(claims.display_name(name, subject)) <= 120


@given(
    st.recursive(
        st.none() | st.booleans() | st.integers() | st.text(max_size=5),
        lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=5), inner, max_size=3),
        max_leaves=8,
    ),
    st.sampled_from(["entra", "keycloak", "auth0", "generic"]),
)
def test_claims_of_any_shape_are_read_or_refused_and_never_fail(value: Any, profile: Profile) -> None:
    names = (
        "sub",
        "iat",
        "groups",
        "roles",
        "realm_access",
        "resource_access",
        "name",
        "tid",
        "tenant_id",
        "https://a/roles",
    )
    for name in names:
        body = {"sub": "s", "iat": 1, "tenant_id": str(TENANT)} | {name: value}
        settings = provider(profile)
        try:
            claims.check_tenant(body, settings, slug="north")
            claims.outsider(body, settings)
        except OutsideRefused:
            continue
