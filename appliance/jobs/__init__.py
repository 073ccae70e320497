"""Durable work: rows beside the tenant's data, claimed by a worker, followed by events."""
