"""Settings that hold for every test."""

from hypothesis import settings

# Machines differ in speed: a slow example is not a failure. The seed that repeats
# a failed run is printed by pytest-randomly.
settings.register_profile("airgap", deadline=None)
settings.load_profile("airgap")
