"""How many requests an identity may make: sliding windows, counted once for the whole installation."""

from appliance.limits.errors import RateLimited
from appliance.limits.service import Limiter

__all__ = ["Limiter", "RateLimited"]
