"""Fixtures and settings that several folders of tests share."""

from hypothesis import settings

pytest_plugins = ("postgres",)

# Machines are shared: how long an example took says nothing about the code.
settings.register_profile("attune", deadline=None)
settings.load_profile("attune")
