"""What all tests have in common."""

from hypothesis import settings

# A busy machine is no fault of the code, and neither is an example that nobody has tried before:
# the suite says the same of the same code. `make fuzz` looks for new examples.
settings.register_profile("suite", deadline=None, derandomize=True)
settings.load_profile("suite")
