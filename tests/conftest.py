"""What all tests have in common."""

import gc

from hypothesis import settings

# Nearly all that a process of tests allocates stays until its end: to look for garbage among it as
# often as Python does by itself takes time and finds little.
gc.set_threshold(50_000, 10, 10)

# A busy machine is no fault of the code, and neither is an example that nobody has tried before:
# the suite says the same of the same code. `make fuzz` looks for new examples.
settings.register_profile("suite", deadline=None, derandomize=True)
settings.load_profile("suite")
