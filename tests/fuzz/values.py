"""Values that somebody careless or hostile would put where something else belongs."""

from __future__ import annotations

from typing import Any

from hypothesis import strategies as st

TEXTS = (
    "",
    " ",
    "\0",
    "a\0b",
    "\x1b[2J\x1b[31mred",
    "\x9b31m",
    "exe\u202egpj\u2066",
    "\ud800",
    "\udcff",
    "\u2028\u2029\r\n",
    "<script>alert(1)</script>",
    "</style></script><img src=x onerror=alert(1)>",
    "javascript:alert(1)",
    "{{ 7 * 7 }}{% for x in y %}",
    "| a | `b` | [c](d) |\n# e",
    "../../etc/passwd",
    "/dev/zero",
    "/etc/hostname",
    "C:\\Users\\ada\\x",
    "~nobody-at-all/x",
    "weights-٣.safetensors",
    "%s%n{0}{}",
    "9" * 5000,
    "A" * 100_000,
    "W" * 300 + " " + "ö" * 300,
    "NaN",
    "None",
    "-0",
    "１２",
)
NUMBERS = (
    0, -1, 1, 2, -0.0, 0.5, 1e-320, 5e-324, 1e16, 1e300, 1.7976931348623157e308, -1e308,
    2**31, 2**53 + 1, 2**63 - 1, 2**63, -(2**63) - 1, 10**30, 10**400,
)  # fmt: skip
FINITE = tuple(number for number in NUMBERS if abs(number) < 10**309)
WHOLE = tuple(number for number in NUMBERS if isinstance(number, int))
TOO_LONG = 10**4999
"""Python turns no number of so many digits into text."""

texts = st.sampled_from(TEXTS) | st.text(max_size=20)
numbers = st.sampled_from(NUMBERS) | st.integers(-5, 20) | st.floats()
scalars = st.none() | st.booleans() | numbers | texts
leaves = scalars | st.just([]) | st.just({}) | st.just([[]]) | st.just([None, "x"])
values = leaves | st.recursive(
    scalars, lambda inner: st.lists(inner, max_size=3) | st.dictionaries(texts, inner, max_size=3),
    max_leaves=5,
)  # fmt: skip


def nested(depth: int) -> Any:
    """Return a list in a list in a list."""
    inner: Any = []
    for _ in range(depth):
        inner = [inner]
    return inner
