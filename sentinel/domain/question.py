"""What a question put to a calculator must look like, so that a fault names its field.

The calculators (severity, retention) answer about the law: a value that is nearly right, such as
``true`` for 1, is refused and never read as something that its writer may not have meant.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping

from sentinel.errors import InvalidValue

LONGEST = 60


def shown(value: object) -> str:
    """Return a value as an error may show it: short, on one line, without raw control characters.

    An object or a list is shown by its kind alone.
    """
    if isinstance(value, dict | list):
        return "an object" if isinstance(value, dict) else "a list"
    if value is None or isinstance(value, bool):
        return {None: "null", True: "true", False: "false"}[value]
    written = ascii(value)
    return written if len(written) <= LONGEST else written[:LONGEST] + "..."


def fields(
    question: object,
    needed: Collection[str],
    optional: Collection[str] = (),
    *,
    within: str = "",
) -> Mapping[str, object]:
    """Return the fields of an object that has all the ``needed`` ones, and no unknown one.

    ``within``: name of the field that holds the object, for the error. Raises InvalidValue.
    """
    if not isinstance(question, dict):
        raise InvalidValue(f"{within or 'the question'} is {shown(question)}, not an object")
    prefix = f"{within}." if within else ""
    for name in needed:
        if name not in question:
            raise InvalidValue(f"{prefix}{name} is missing")
    for name in question:
        if name not in needed and name not in optional:
            known = ", ".join([*needed, *optional])
            raise InvalidValue(f"the field {prefix}{shown(name)[1:-1]} is unknown", hint=known)
    return question


def number(value: object, field: str, allowed: Collection[float]) -> float:
    """Return one of the ``allowed`` numbers. Raises InvalidValue; a bool is no number."""
    if isinstance(value, bool) or not isinstance(value, int | float) or value not in allowed:
        choices = ", ".join(f"{one:g}" for one in allowed)
        raise InvalidValue(f"{field} is {shown(value)}", hint=f"one of {choices}")
    return float(value)


def whole(value: object, field: str, *, least: int, most: int | None = None) -> int:
    """Return a whole number from ``least`` to ``most``. Raises InvalidValue; 2.0 is refused."""
    if (
        not isinstance(value, int)
        or isinstance(value, bool)
        or value < least
        or (most is not None and value > most)
    ):
        span = f"from {least} to {most}" if most is not None else f"from {least} up"
        raise InvalidValue(f"{field} is {shown(value)}", hint=f"a whole number {span}")
    return value


def yes_or_no(value: object, field: str) -> bool:
    """Return a bool. Raises InvalidValue for anything else, 0 and 1 included."""
    if not isinstance(value, bool):
        raise InvalidValue(f"{field} is {shown(value)}", hint="true or false")
    return value


def text(value: object, field: str, allowed: Collection[str]) -> str:
    """Return one of the ``allowed`` texts. Raises InvalidValue."""
    if not isinstance(value, str) or value not in allowed:
        raise InvalidValue(f"{field} is {shown(value)}", hint=f"one of {', '.join(allowed)}")
    return value
