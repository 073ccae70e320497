"""L2: the shelf of local models: which packages are here, which is in force, and what each costs on this box."""

from __future__ import annotations

from appliance.shelf.service import Shelf
from appliance.shelf.values import Measured, ModelPackage

__all__ = ["Measured", "ModelPackage", "Shelf"]
