"""A value beyond 64 bits becomes text wherever it stands: alone, in a list, in an object of one."""

from __future__ import annotations

from typing import Any

import pytest

from sentinel.collect.field_types import typed
from sentinel.collect.profile import FieldType

LARGE = 2**63
TEXT = str(LARGE)


@pytest.mark.parametrize(
    ("wanted", "given", "found"),
    [
        ("any", LARGE - 1, LARGE - 1),
        ("any", -LARGE, -LARGE),
        ("any", LARGE, TEXT),
        ("any", [LARGE, 1, True, "a"], [TEXT, 1, True, "a"]),
        (
            "any",
            [{"a": LARGE, "b": [LARGE, {"c": LARGE}]}],
            [{"a": TEXT, "b": [TEXT, {"c": TEXT}]}],
        ),
        ("list", LARGE, [TEXT]),
        ("list", [{"a": LARGE}], [{"a": TEXT}]),
        ("int", LARGE, None),
        ("int", "12", 12),
        ("text", [1], None),
    ],
)
def test_what_no_store_can_hold_becomes_text(wanted: FieldType, given: Any, found: Any) -> None:
    assert typed(given, wanted) == found
