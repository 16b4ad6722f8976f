"""Which format and which profile read a source: as declared, or as its lines show."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence

from sentinel.collect.formats.base import Format, Parsed
from sentinel.collect.formats.registry import AUTO, all_formats, detect_format, format_named
from sentinel.collect.formats.unknown import Unknown
from sentinel.collect.profile import Profile
from sentinel.errors import ContentError, UsageError

SAMPLE_LINES = 64


def profile_named(profiles: Mapping[str, Profile], name: str) -> Profile:
    """Return the profile ``name``. Raises UsageError that lists the names."""
    if name not in profiles:
        raise UsageError(
            f"no source profile is called {name!r}", hint="profiles: " + ", ".join(profiles)
        )
    return profiles[name]


def choose(
    profiles: Mapping[str, Profile], *, format_name: str, profile_name: str, sample: Sequence[str]
) -> tuple[Format, Profile]:
    """Return what reads ``sample``. ``auto`` and the empty name mean: find out.

    Where nothing reads a line, the lines are given to the first format of the profile (else to
    ``unknown``), which says of each why it is unparsed. Raises UsageError for an unknown name,
    ContentError where no profile is shipped for the format.
    """
    if profile_name:
        profile = profile_named(profiles, profile_name)
        return _format_for(profile, format_name, sample), profile
    detected = detect_format(sample) or Unknown() if format_name == AUTO else None
    fmt = detected or format_named(format_name)
    return fmt, _profile_for(fmt, profiles.values(), sample)


def _format_for(profile: Profile, format_name: str, sample: Sequence[str]) -> Format:
    if format_name != AUTO:
        return format_named(format_name)
    known = all_formats()
    candidates = [known[name] for name in profile.formats]
    return detect_format(sample, candidates) or candidates[0]


def _profile_for(fmt: Format, profiles: Iterable[Profile], sample: Sequence[str]) -> Profile:
    names = _first_names(fmt, sample)
    default: Profile | None = None
    for profile in profiles:
        recognised = bool(profile.recognise) and names.issuperset(profile.recognise)
        if recognised and _speaks(profile, fmt):
            return profile
        if fmt.name in profile.default_for or (fmt.name == "unknown" and default is None):
            default = profile
    if default is None:
        raise ContentError(
            f"no source profile reads the format {fmt.name}",
            hint="name it under default_for in a file of rules/sources",
        )
    return default


def _speaks(profile: Profile, fmt: Format) -> bool:
    """Tell whether the profile is for this format; any JSON dialect will do for another."""
    dialects = {"json", "ecs"}
    return fmt.name in profile.formats or (
        fmt.name in dialects and not dialects.isdisjoint(profile.formats)
    )


def _first_names(fmt: Format, sample: Sequence[str]) -> set[str]:
    """Return the field names of the lines of the sample taken together."""
    parser = fmt.fresh()
    names: set[str] = set()
    for line in sample:
        parsed = parser.parse(line)
        if isinstance(parsed, Parsed):
            names.update(parsed.fields)
    return names
