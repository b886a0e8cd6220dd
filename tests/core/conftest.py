"""Hypothesis without a clock: the same examples in every run, as many as the whole tier has time for."""

from __future__ import annotations

from hypothesis import settings

settings.register_profile("core", deadline=None, derandomize=True, max_examples=100)
settings.load_profile("core")
