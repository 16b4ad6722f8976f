"""The query language of hunting: what each form asks, and where a mistake stands."""

from __future__ import annotations

import pytest

from sentinel.detect.hunt.query import condition_of
from sentinel.detect.hunt.tokens import BadQuery
from sentinel.domain.hunt import ALWAYS, All, Any_, Condition, Exists, In, Not, Op, Test


def is_(field: str, value: str) -> Test:
    return Test(field=field, op=Op.IS, value=value)


def op(field: str, how: Op, value: str | float, *, ignore_case: bool = False) -> Test:
    return Test(field=field, op=how, value=value, ignore_case=ignore_case)


A, B, C = is_("a", "1"), is_("b", "2"), is_("c", "3")


@pytest.mark.parametrize(
    ("query", "asked"),
    [
        ("", ALWAYS),
        ("  *  ", ALWAYS),
        ("a:1", A),
        ("a = 1", A),
        ('a:"1"', A),
        ("a:1 b:2", All((A, B))),
        ("a:1 and b:2 AND c:3", All((A, B, C))),
        ("a:1 or b:2 and c:3", Any_((A, All((B, C))))),
        ("(a:1 or b:2) c:3", All((Any_((A, B)), C))),
        ("not a:1", Not(A)),
        ("not not a:1", Not(Not(A))),
        ("not a:1 b:2", All((Not(A), B))),
        ("a != 1", Not(A)),
        ("a:(1 or 2)", Any_((A, is_("a", "2")))),
        ("a in (1, 2)", Any_((A, is_("a", "2")))),
        ('a:("x y" or /b:c)', Any_((is_("a", "x y"), is_("a", "/b:c")))),
        ("a:*", Exists("a")),
        ("a:x*", op("a", Op.PREFIX, "x")),
        ("a:*x", op("a", Op.SUFFIX, "x")),
        ("a:*x*", op("a", Op.CONTAINS, "x")),
        ("a:x*y", op("a", Op.LIKE, "x*y")),
        ("a:x?", op("a", Op.LIKE, "x?")),
        ("a:**", op("a", Op.LIKE, "**")),
        (r"a:x\*", is_("a", "x*")),
        (r"a:x\**", op("a", Op.PREFIX, "x*")),
        (r"a:x\*?", op("a", Op.LIKE, r"x\*?")),
        ('a:"x*"', is_("a", "x*")),
        (r'a:"say \"x\" \\"', is_("a", 'say "x" \\')),
        ("a ~ Union", op("a", Op.CONTAINS, "Union", ignore_case=True)),
        ('a ~ "x y"', op("a", Op.CONTAINS, "x y", ignore_case=True)),
        ("a >= 400", op("a", Op.GTE, 400)),
        ("a<5", op("a", Op.LT, 5)),
        ("a > 2.5", op("a", Op.GT, 2.5)),
        ("a <= -1e3", op("a", Op.LTE, -1000.0)),
        ("source.ip:192.0.2.0/24", op("source.ip", Op.CIDR, "192.0.2.0/24")),
        ("source.ip:2001:db8::/32", op("source.ip", Op.CIDR, "2001:db8::/32")),
        ("source.ip:2001:db8::1", is_("source.ip", "2001:db8::1")),
        ("url.path:/a/b-c_d.php", is_("url.path", "/a/b-c_d.php")),
        ("url.query:q=1&p=2", is_("url.query", "q=1&p=2")),
        ("url.original:http://x/y", is_("url.original", "http://x/y")),
        ("a:and", is_("a", "and")),
        ("a:!x", is_("a", "!x")),
        ("a:élève", is_("a", "élève")),
        ("user.name:@staff(a.martin)", In("user.name", ("usr_1", "usr_2"))),
        ('source.ip:@ip("2001:db8::1")', In("source.ip", ("ip_1", "ip_2"))),
        ("a:1 u:@customer(C00123) b:2", All((A, In("u", ("sub_1", "sub_2")), B))),
    ],
)  # fmt: skip
def test_what_a_query_asks(query: str, asked: Condition) -> None:
    assert condition_of(query, lambda kind, _: [f"{kind}_1", f"{kind}_2"]) == asked


@pytest.mark.parametrize(
    ("query", "column", "why"),
    [
        ("a", 2, "after 'a' a comparison is missing"),
        ("a:", 3, "after ':' a value is missing"),
        ("a:1 and", 8, "a test is missing at the end"),
        ("and a:1", 1, "'and' stands where a test should"),
        ("a:1 or or b:2", 8, "'or' stands where a test should"),
        ("(a:1", 5, "the bracket of column 1 does not close"),
        ("a:1)", 4, "')' is not expected here"),
        ("a:(1 or", 8, "a value is missing in the list"),
        ("a:(1 2)", 6, "the bracket of column 3 does not close"),
        ('a:"x', 3, "the quotation marks do not close"),
        ("a > x", 5, "'x' is no number"),
        ("@timestamp > 2026-01-01", 14, "'2026-01-01' is no number"),
        ("a:999.0.0.0/8", 3, "'999.0.0.0/8' is no network"),
        ("a b:2", 3, "after 'a' a comparison is missing"),
        ("a:@who(x)", 3, "@who is not known"),
        ("a:@ip()", 7, "an identifier is missing"),
        ("1a:2", 1, "'1a' is no name of a field"),
        ("a in 1", 6, "after 'in' a list is missing"),
        ("not", 4, "a test is missing at the end"),
        ("!", 1, "'!' has no meaning here"),
        ("(" * 100 + "a:1" + ")" * 100, 61, "the query is nested too deeply"),
    ],
)
def test_where_a_mistake_stands(query: str, column: int, why: str) -> None:
    with pytest.raises(BadQuery) as caught:
        condition_of(query, lambda *_: [])
    assert caught.value.detail == why
    assert caught.value.where == f"query, column {column}"


def test_identifiers_need_somebody_who_looks_them_up() -> None:
    with pytest.raises(BadQuery, match="cannot be looked up here"):
        condition_of("a:@ip(192.0.2.4)")


@pytest.mark.parametrize(
    "text", ['"', "\\", "a:\\", "a:(", "(:", "~", "a:b\\", ":::", "a in (", "@@"]
)
def test_no_text_brings_anything_but_its_error(text: str) -> None:
    with pytest.raises(BadQuery):
        condition_of(text)
