"""Who writes: providers of chat models, which of them answers what, and what happens when one fails."""

from appliance.routing.defaults import Defaults
from appliance.routing.providers import Providers
from appliance.routing.routes import Routes
from appliance.routing.values import Wanted
from appliance.routing.writing import Router

__all__ = ["Defaults", "Providers", "Router", "Routes", "Wanted"]
