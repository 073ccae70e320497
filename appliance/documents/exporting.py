"""Export control of a document: the regime it falls under, the category within it, and where it may be. Pure.

EAR are the Export Administration Regulations (15 CFR 730-774), whose categories are the ECCNs of 15 CFR 774; ITAR the
International Traffic in Arms Regulations (22 CFR 120-130), whose categories are those of 22 CFR 121. Countries are ISO 3166-1
alpha-2 codes.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import Final, get_args

from appliance.documents.errors import InvalidExportControl
from appliance.documents.values import Regime

MOST_COUNTRIES: Final = 250
REGIMES: Final[tuple[Regime, ...]] = get_args(Regime)
"""From the loosest to the strictest."""
_CATEGORY: Final = re.compile(r"[A-Za-z0-9][A-Za-z0-9 .()/-]{0,31}")
_COUNTRY: Final = re.compile(r"[A-Z]{2}")


@dataclass(frozen=True, slots=True)
class ExportControl:
    """`countries` is where the document may be; empty where none is named."""

    regime: Regime = "NONE"
    category: str = ""
    countries: tuple[str, ...] = ()

    @property
    def said(self) -> tuple[str, ...]:
        """What was said of it; empty where nothing was."""
        return () if self == ExportControl() else (self.regime, self.category, *self.countries)

    def may_be_in(self, country: str) -> bool:
        """Whether it may be in a country; an empty one is not known, and keeps nothing out."""
        return not country or not self.countries or country in self.countries


def is_looser(wanted: str, regime: str) -> bool:
    """Whether a regime asks for less than another does: NONE than EAR, EAR than ITAR."""
    ranks: tuple[str, ...] = REGIMES
    return ranks.index(wanted) < ranks.index(regime)


def export_control(said: object) -> ExportControl:
    """What an upload says: `{"regime": "EAR", "category": "5D002", "countries": ["DE", "US"]}`; nothing is NONE.

    Raises:
        InvalidExportControl: it is no such object, or says something it cannot.
    """
    if said is None:
        return ExportControl()
    if not isinstance(said, dict) or not said.keys() <= {"regime", "category", "countries"}:
        raise InvalidExportControl("export_control is an object of regime, category and countries.")
    regime, category, countries = said.get("regime"), said.get("category") or "", said.get("countries") or []
    named = next((one for one in REGIMES if one == regime), None)
    if named is None:
        raise InvalidExportControl("The regime is NONE, EAR or ITAR.")
    if not isinstance(category, str) or (category and not _CATEGORY.fullmatch(category)):
        raise InvalidExportControl("The category is at most 32 letters, digits and ` .()/-`, such as 5D002 or XI(b).")
    if not isinstance(countries, list) or not all(
        isinstance(one, str) and _COUNTRY.fullmatch(one) for one in countries
    ):
        raise InvalidExportControl("The countries are a list of codes of two capital letters, such as DE.")
    if len(countries) > MOST_COUNTRIES:
        raise InvalidExportControl(f"At most {MOST_COUNTRIES} countries can be named.")
    if named == "NONE" and (category or countries):
        raise InvalidExportControl("A category and countries belong to a regime: EAR or ITAR.")
    return ExportControl(named, category, tuple(sorted(set(countries))))
