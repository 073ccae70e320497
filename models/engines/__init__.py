"""Engines that run one model package each."""
