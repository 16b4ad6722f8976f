"""Seeded faults that change nothing, each with the reason: (module, function, before, after).

`SPEED` names the functions of the fast path that decide what it costs, not what it says.
"""

from __future__ import annotations

from typing import Final

FOLD = "if text.isascii() or _IRREGULAR.search(text) is None:"
QUICK = "the quick way out: the long way gives the same"
APART = "patterns that are not tested together are tested one by one"
GENERAL = "falls through to the general pattern, which says the same, slower"
ASKED = "without a witness the rule is asked for every event"
DOUBT = "a doubted rule that is not taken away is evaluated"
FLOOD = "a flood of hits a little sooner or later: either way no needle is lost"
FORGOTTEN = "what is not remembered is looked up again"
BOUND = "how much is remembered; that it is bounded is tested apart"
BRANCHES = "how many branches are told apart; test_fast_index.py has more than any bound"
LOWER = "Python writes a number in lower case"
REFUSED = "such a rule is refused either way, in other words"

CHOICE = (
    "which of a branch's own clauses stand for it; test_fast_choice.py holds them to be its own"
)
SHARES = "a share weighs one sound witness against another"
OCCASION = (
    "when the witnesses are chosen anew: every choice is sound, test_fast_index.py asks several"
)
WHOM = "whom to watch or to doubt: both ask the rule itself"
PAYS = "whether a sieve pays; without one every line is read"

# Functions that decide what the fast path costs, never what it says: a fault in one of them that no
# test notices is reported as `speed`. The empty name: constants of the module.
SPEED: Final[dict[tuple[str, str], str]] = {
    ("fast.choice", ""): CHOICE,
    ("fast.choice", "_Choice.__init__"): CHOICE,
    ("fast.choice", "_Choice.made"): CHOICE,
    ("fast.choice", "_Choice._others"): CHOICE,
    ("fast.choice", "_Choice._price"): CHOICE,
    ("fast.choice", "_Choice._best"): CHOICE,
    ("fast.choice", "_Choice._weight"): CHOICE,
    ("fast.choice", "_Choice._give_up_columns"): CHOICE,
    ("fast.choice", "_Choice._users"): CHOICE,
    ("fast.choice", "_Choice._without"): CHOICE,
    ("fast.frequency", ""): SHARES,
    ("fast.frequency", "guessed"): SHARES,
    ("fast.frequency", "measured"): SHARES,
    ("fast.frequency", "_cost.cost"): SHARES,
    ("fast.witness", "share_of"): SHARES,
    ("fast.plan", ""): OCCASION,
    ("fast.plan", "Plan.__init__"): OCCASION,
    ("fast.plan", "Plan.wanting"): OCCASION,
    ("fast.plan", "Plan._enough"): OCCASION,
    ("fast.plan", "Plan._due"): OCCASION,
    ("fast.plan", "Plan.learn"): OCCASION,
    ("fast.plan", "Plan.pass_over"): OCCASION,
    ("fast.plan", "Plan.choose_from"): WHOM,
    ("fast.plan", "Plan._doubt"): WHOM,
    ("fast.plan", "_matches"): WHOM,
    ("fast.watch", ""): WHOM,
    ("fast.watch", "watchable"): WHOM,
    ("fast.sieve", ""): PAYS,
    ("fast.sieve", "Sieve.worth_while"): PAYS,
    ("fast.sieve", "make_sieve.weight"): PAYS,
}

EQUIVALENT: Final[dict[tuple[str, str, str, str], str]] = {
    ("rules.folding", "", "4096", "4097"): BOUND,
    ("rules.folding", "", "8", "9"): BOUND,
    ("rules.folding", "_folded", FOLD, "if False:"): QUICK,
    (
        "rules.folding",
        "_folded",
        "text.isascii() or _IRREGULAR.search(text) is None",
        "text.isascii() and _IRREGULAR.search(text) is None",
    ): QUICK,
    (
        "rules.strings",
        "alternatives",
        "case [str(whole)]",
        "case [str(whole)] if False",
    ): "a whole text falls through to the general pattern, which says the same, slower",
    (
        "rules.strings",
        "alternatives",
        "if len(patterns) - len(rest) < 2:",
        "if True:",
    ): "patterns that are not tested together are tested one by one",
    (
        "rules.values",
        "any_test",
        "if len(tests) == 1:",
        "if False:",
    ): "one test among any is that test",
    ("rules.wanted", "Text", "True", "False"): "how the structure is kept, not what it says",
    ("rules.strings", "alternatives", "2", "3"): APART,
    (
        "rules.strings",
        "alternatives",
        "if len(patterns) - len(rest) < 2:",
        "if False:",
    ): "one pattern, or none, tested together says the same",
    ("rules.strings", "alternatives", "case []", "case [] if False"): GENERAL,
    (
        "rules.strings",
        "alternatives",
        "case [Wild.MANY, str(tail)]",
        "case [Wild.MANY, str(tail)] if False",
    ): GENERAL,
    (
        "rules.strings",
        "alternatives",
        "case [str(head), Wild.MANY]",
        "case [str(head), Wild.MANY] if False",
    ): GENERAL,
    (
        "rules.strings",
        "alternatives",
        "case [Wild.MANY, str(part), Wild.MANY]",
        "case [Wild.MANY, str(part), Wild.MANY] if False",
    ): GENERAL,
    ("rules.strings", "_shape", "case [Wild.MANY]", "case [Wild.MANY] if False"): GENERAL,
    (
        "rules.values",
        "value_test",
        "folded(spelling)",
        "spelling",
    ): LOWER,
    (
        "rules.values",
        "any_test",
        "if isinstance(one, Text) and (not one.cased):",
        "if False:",
    ): APART,
    (
        "rules.values",
        "inner_texts",
        "case Text([Wild.MANY, str(part), Wild.MANY], cased=False)",
        "case Text([Wild.MANY, str(part), Wild.MANY], cased=False) if False",
    ): "without these texts every value is asked",
    ("rules.values", "any_test", "0", "1"): "alternatives may be tried in any order",
    (
        "rules.values",
        "_on_text.run",
        "if type(value) is str:",
        "if False:",
    ): "the quick way out: a text is its own text",
    ("rules.fields", "text_of", "if isinstance(value, str):", "if False:"): QUICK,
    (
        "rules.fields",
        "_first_or_aliases",
        "flatten(found)",
        "found",
    ): "whoever reads a list flattens it",
    ("rules.expression", "All.matcher", "if len(matchers) == 2:", "if False:"): QUICK,
    ("rules.expression", "AnyOf.matcher", "if len(matchers) == 2:", "if False:"): QUICK,
    ("rules.expression", "", "5", "6"): "how many reasons a finding shows",
    (
        "rules.compile",
        "compile_detections",
        "conditions[0] if len(conditions) == 1 else AnyOf(tuple(conditions))",
        "AnyOf(tuple(conditions))",
    ): "one condition among any is that condition",
    (
        "rules.compile",
        "_item",
        "if len(parts) == 1:",
        "if False:",
    ): "one part among all, or any, is that part",
    (
        "rules.compile",
        "_anchored",
        "if SigmaRegularExpressionModifier not in item.modifiers:",
        "if False:",
    ): "a pattern comes from `re` alone",
    (
        "rules.compile",
        "_condition",
        "if not isinstance(text, str):",
        "if False:",
    ): REFUSED,
    (
        "rules.prepare",
        "_plain_dash",
        "LONG_DASH.sub('-', value) if isinstance(value, str) else value",
        "LONG_DASH.sub('-', value)",
    ): REFUSED,
    (
        "rules.prepare",
        "_value",
        "key.split('|')[1:] if isinstance(key, str) else []",
        "key.split('|')[1:]",
    ): REFUSED,
    (
        "rules.wanted",
        "wanted_text",
        "if isinstance(part, SpecialChars):",
        "if True:",
    ): "a placeholder without a list is refused before",
    (
        "rules.wanted",
        "regex_source",
        "f'(?{flags})' if flags else ''",
        "f'(?{flags})'",
    ): "(?) sets no flag",
    (
        "rules.strings",
        "alternatives",
        "len(patterns) - len(rest) < 2",
        "len(patterns) - len(rest) <= 2",
    ): APART,
    ("rules.wanted", "Wild", "1", "2"): "a wildcard's number tells it from the other, no more",
    (
        "rules.fields",
        "_first_or_aliases",
        "found[0] if len(found) == 1 else list(flatten(found))",
        "list(flatten(found))",
    ): "whoever reads a list flattens it",
    (
        "rules.values",
        "",
        "operator.ne",
        "operator.eq",
    ): "`neq` negates the whole item, so that this entry is not reached",
    ("fast.index", "RuleIndex.plan", "if plan is None:", "if True:"): "a new plan says the same",
    (
        "fast.index",
        "_of_plan",
        "range(len(fields)) if plan.always else ()",
        "range(len(fields))",
    ): "adds no rule to an event's candidates",
    ("fast.index", "_of_plan", "if plan.wanting:", "if True:"): "a plan that wants none takes none",
    (
        "fast.column",
        "Memory.recall",
        "if len(self._quiet) + len(self._firing) > REMEMBERED:",
        "if True:",
    ): "what is forgotten is looked up again",
    ("fast.column", "Column.fire_all", "True", "False"): "there are as many values as rows",
    (
        "fast.column",
        "Column._learn",
        "self._quiet.update((v for v in owners if type(v) is not str or len(v) <= LONGEST))",
        "pass",
    ): "what is not remembered is looked up again",
    (
        "fast.column",
        "_spelt",
        "spellings(value) if isinstance(value, int | float) else {text_of(value) or ''}",
        "spellings(value)",
    ): "a null then is a TypeError, as a list is: its column is read value by value, slower",
    ("fast.lines", "_Head", "False", "True"): "how the structure is kept, not what it says",
    (
        "fast.lines",
        "LineMatcher.match_lines",
        "if route is None:",
        "if True:",
    ): "a new plan says the same",
    (
        "fast.lines",
        "LineMatcher._matches",
        "if plan.wanting:",
        "if True:",
    ): "a plan that wants none takes none",
    ("fast.needles", "needles_of", "folded(spelling)", "spelling"): LOWER,
    (
        "fast.needles",
        "spellings",
        "if value == 0:",
        "if True:",
    ): "only what equals the value is taken",
    (
        "fast.needles",
        "_searchable",
        "max(text.split('\\x00'), key=len) if '\\x00' in text else text",
        "max(text.split('\\x00'), key=len)",
    ): "a text without NUL is its own longest piece",
    (
        "fast.plan",
        "Plan.candidates",
        "if not self._doubted.keys().isdisjoint(numbers):",
        "if False:",
    ): DOUBT,
    (
        "fast.raw",
        "raw_scanner",
        "if find_spec('hyperscan') is not None:",
        "if False:",
    ): "the slower search says the same",
    (
        "fast.raw",
        "raw_scanner",
        "if find_spec('hyperscan') is not None:",
        "if True:",
    ): "where Hyperscan is installed, as it is here, nothing changes; elsewhere it cannot start",
    (
        "fast.raw",
        "HyperscanLines.__call__",
        "MAX_HITS + 16 * len(lines)",
        "MAX_HITS",
    ): "a flood a little earlier: all lines are odd then",
    (
        "fast.raw",
        "HyperscanLines.__call__",
        "MAX_HITS + 16 * len(lines)",
        "16 * len(lines)",
    ): "a flood a little earlier: all lines are odd then",
    ("fast.raw", "HyperscanLines.__call__", "if not found:", "if False:"): QUICK,
    (
        "fast.plan",
        "Plan._clear_up",
        "if not watch.may_match(tuple((column(key)[row] for key in watch.keys))):",
        "if False:",
    ): DOUBT,
    (
        "fast.plan",
        "Plan._choose",
        "branches is None or number in watched",
        "branches is None and number in watched",
    ): WHOM,
    ("fast.plan", "Plan._choose", "branches is None", "branches is not None"): WHOM,
    ("fast.plan", "Plan._choose", "number in watched", "number not in watched"): WHOM,
    ("fast.regex_literals", "_Reader.sets", "if len(branches) == 1:", "if False:"): QUICK,
    (
        "fast.regex_literals",
        "_Reader._atom",
        "if char in '*+?{':",
        "if False:",
    ): "RE2 reads such a brace as itself too, and refuses the rest, or `_group` has",
    (
        "fast.regex_literals",
        "_Reader._group",
        "if found is None or self.pattern.startswith('?', found.end()):",
        "if False:",
    ): "`_atom` refuses the question mark, and a parenthesis is found where there is one",
    (
        "fast.regex_literals",
        "_Reader._group",
        "found is None or self.pattern.startswith('?', found.end())",
        "found is None and self.pattern.startswith('?', found.end())",
    ): "`_atom` refuses the question mark",
    ("fast.rows", "RowReader.__init__", "False", "True"): PAYS,
    ("fast.rows", "RowReader.candidates", "not self._tried", "self._tried"): PAYS,
    (
        "fast.rows",
        "RowReader.candidates",
        "if not plan.always and (not plan.watches):",
        "if False:",
    ): PAYS,
    ("fast.rows", "RowReader.candidates", "if not plan.rules:", "if False:"): QUICK,
    (
        "fast.rows",
        "RowReader.candidates",
        "plan.pass_over(len(lines) - len(rows))",
        "pass",
    ): OCCASION,
    (
        "fast.rows",
        "RowReader._follow",
        "False",
        "True",
    ): "how the structure is kept, or whether a sieve is tried",
    (
        "fast.scanner",
        "Scanner.scan",
        "len(texts) + 1",
        "len(texts)",
    ): "each text is searched alone then",
    ("fast.scanner", "Scanner.scan", "MAX_HITS + 16 * len(texts)", "MAX_HITS"): FLOOD,
    ("fast.scanner", "Scanner.scan", "16", "17"): FLOOD,
    (
        "fast.scanner",
        "Scanner._framed",
        "joined if self._search.caseless else joined.lower()",
        "joined.lower()",
    ): "the search is blind to case by itself",
    ("fast.scanner", "AhoCorasickSearch.__call__", "if len(found) > limit:", "if False:"): FLOOD,
    (
        "fast.scanner",
        "AhoCorasickSearch.__call__",
        "len(found) > limit",
        "len(found) >= limit",
    ): FLOOD,
    ("fast.sieve", "make_sieve", "if not names:", "if False:"): PAYS,
    ("fast.sieve", "make_sieve", "200", "201"): PAYS,
    (
        "fast.watch",
        "Watch.may_match",
        "if NUMBERS.isdisjoint(map(type, values)):",
        "if False:",
    ): QUICK,
    (
        "fast.watch",
        "Watch.may_match",
        "repr(v).encode() if type(v) in NUMBERS else v",
        "repr(v).encode()",
    ): "another key for the same value",
    ("fast.watch", "Watch.may_match", "if _length(values) <= LONGEST:", "if False:"): FORGOTTEN,
    (
        "fast.watch",
        "Watch.may_match",
        "_length(values) <= LONGEST",
        "_length(values) < LONGEST",
    ): FORGOTTEN,
    (
        "fast.watch",
        "Watch._learn",
        "if _length(key) <= LONGEST:",
        "if True:",
    ): "what is remembered; `recall` bounds how much",
    ("fast.watch", "Watch._learn", "self._quiet.add(key)", "pass"): FORGOTTEN,
    (
        "fast.watch",
        "Watch._evaluated",
        "sum(map(length, values)) > LONG",
        "sum(map(length, values)) >= LONG",
    ): "the rule is asked on the whole event",
    ("fast.watch", "Watch._evaluated", "True", "False"): "there are as many values as keys",
    (
        "fast.witness",
        "",
        "48",
        "49",
    ): BRANCHES,
    (
        "fast.witness",
        "",
        "12",
        "13",
    ): BRANCHES,
    ("fast.witness", "signs_of", "All", "AnyOf"): SHARES,
    (
        "fast.regex_literals",
        "all_literals",
        "if reader.at != len(pattern):",
        "if False:",
    ): "only a parenthesis too many stops the reader early, and RE2 refuses that",
    (
        "fast.witness",
        "signs_of",
        "case FieldTest() | KeywordTest()",
        "case FieldTest() | KeywordTest() if False",
    ): SHARES,
    (
        "fast.witness",
        "_branches",
        "case AnyOf(children)",
        "case AnyOf(children) if False",
    ): ASKED,
    ("fast.witness", "_branches", "AnyOf", "All"): ASKED,
    ("fast.witness", "_any_of", "if branches is None:", "if True:"): ASKED,
    (
        "fast.witness",
        "_any_of",
        "len(joined) <= MOST_BRANCHES",
        "len(joined) < MOST_BRANCHES",
    ): BRANCHES,
    (
        "fast.witness",
        "_all_of",
        "prod(map(len, parts)) > MOST_BRANCHES",
        "prod(map(len, parts)) >= MOST_BRANCHES",
    ): BRANCHES,
    (
        "fast.witness",
        "_leaf",
        "if len(alternatives) <= MOST_SPLIT"
        " and any((len(clauses) > 1 for clauses in alternatives)):",
        "if True:",
    ): BRANCHES,
    (
        "fast.witness",
        "_leaf",
        "len(alternatives) <= MOST_SPLIT and any((len(clauses) > 1 for clauses in alternatives))",
        "len(alternatives) <= MOST_SPLIT or any((len(clauses) > 1 for clauses in alternatives))",
    ): BRANCHES,
    (
        "fast.witness",
        "_leaf",
        "len(alternatives) <= MOST_SPLIT",
        "len(alternatives) < MOST_SPLIT",
    ): BRANCHES,
    ("fast.witness", "", "65536", "65537"): FORGOTTEN,
    ("fast.witness", "", "4096", "4097"): FORGOTTEN,
}
