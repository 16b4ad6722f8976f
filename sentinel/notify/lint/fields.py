"""Fields of a template that were not filled: a placeholder, or a label and nothing after it."""

from __future__ import annotations

import re
from collections.abc import Iterator

from sentinel.notify.lint.letter_text import LetterText
from sentinel.notify.lint.report import Hit
from sentinel.notify.lint.source import Source

_PLACEHOLDERS = re.compile(
    r"""
      \{\{[^{}\n]*\}\} | \{%[^\n]*?%\} | \$\{[^}\n]+\} | \#\{[^}\n]+\} | \$\(?[A-Z_]{3,}\b\)?
    | \{[^\W\d][\w .:'’-]{0,60}\} | \{\d{1,2}\}
    | %%?[A-Za-z_][A-Za-z0-9_]{2,40}%%? | %\(\w+\)[sd]
    | \*\|[^|\n]{2,40}\|\* | \{\$[^}\n]+\} | <%[^%\n]*%> | ::\w+:: | (?<![\w.])@\w{2,30}@
    | \#{3,} | \?{3,}
    | \b[A-Z]{2,}(?:_[A-Z0-9]+)+\b | %[^\W\d_]{3,30}%
    | \bPrénom\s+N[Oo][Mm]\b | \bN(?:OM|om)\s+Prénom\b | \bFirst\s*[Nn]ame\s+Last\s*[Nn]ame\b
    | «\s*(?i:prénom|nom|civilité|adresse|date|titre|société|raison\ sociale)\w*\s*»
    | \b(?:le|du|au|on|the|M\.|Mme|Mr|Mrs)\s(?:\.{3}|…)(?=\s)
    | @@[^@\n]{2,40}@@ | \#\#[^#\n]{2,40}\#\# | \|\|[^|\n]{2,40}\|\|
    | <<[^<>\n]{2,60}>> | ‹[^‹›\n]{2,60}›
    | «\s*[A-ZÉÈÀ_]{2,}(?:[\s_-][A-ZÉÈÀ_]+)*\s*»
    | \[\[[^\]\n]{1,80}\]\] | \[(?=[^\]\n]*[^\W\d_]{2})[^\]\n@]{2,120}\](?!\()
    | <(?!/?(?:https?|mailto|www))[^\W\d_][^<>\n@/]{1,60}>
    | \b[Xx]{3,}\b | \b[Xx]{2,}(?:\s?[/.:-]\s?[Xx]{2,})+
    | \b[Xx]{2}\s(?=[^\W\d_]+\s(?:20)?[Xx\d]{2})
    | _{2}\w+_{2} | _{2,} | \b[X]{2}\b | \[[●•xX.…?]+\] | \$[a-z_]+\.?[a-z_]{2,40}
    | \#[A-Za-z_]{3,30}\#
    | \.{2,}/\.{2,}
    | \(\s*(?i:insert|insérer|inserer|à\ compléter|à\ préciser|to\ complete|nom\ du|name\ of
        | your\ name|votre\ nom|date\ here)[^)\n]{0,60}\)
    | \.{6,} | …{3,}
    | \b(?:jj|dd|mm)[/.-](?:mm|dd)[/.-](?:aaaa|aa|yyyy|yy)\b
    | \b(?:JJ|DD|MM)[/.-](?:MM|DD)[/.-](?:AAAA|AA|YYYY|YY)\b
    | \b(?:YYYY|AAAA)-MM-(?:DD|JJ)\b | \bHH\s?[:h]\s?MM\b
    | \b(?:TODO|TBD|TBC|FIXME|XXX|undefined|NaN|NULL)\b | \#(?:REF|N/A|NAME|NOM|VALUE)[!?]?
    | (?i:\binsert\s+(?:date|name|number|address|link|reference)\b | \blorem\s+ipsum\b
    | \bto\s+be\s+(?:completed|filled\s+in|inserted)\b
        | \b(?:insert|inserer|insérer)\s+(?:\w+\s+){0,3}(?:here|ici)\b
        | \bà\s+(?:compléter|renseigner)\b(?=\s*(?:[\])}:.]|\n|\Z))
        | \bnom\s+du\s+(?:client|destinataire)\s+ici\b | \b(?:customer|first|client)_name\b )
    """,
    re.VERBOSE,
)
_NO_PLACEHOLDER = re.compile(
    r"\[(?:exercice|drill|sic|\.\.\.|…|nda|note|traduction|translation)\]", re.I
)

_LABEL = (
    r"(?:tel|telephone|phone|mobile|portable|fax|e-?mail|courriel|mel|mail|nom|name|prenom"
    r"|first name|surname"
    r"|address|adresse|date|heures?|time|hours|opening hours|horaires|ref|reference|numero"
    r"|number|no|n°|montant"
    r"|amount|lieu|place|period|periode|site|web|website|page|salle|room|dossier|file|dpo"
    r"|delegue|officer"
    r"|fonction|position|title|poste|extension|case|interlocuteur|permanence|jour|day|incident"
    r"|contact person"
    r"|contact|data protection officer|helpline|hotline|numero vert|ligne|adresse postale"
    r"|postal address|your reference|votre reference)"
)
_ABOUT = (
    r"(?:vos |les |your |the )?"
    r"(?:donnees|informations?|mesures|consequences|data|details|measures|steps)\b[^.:;!?\n]{0,70}"
)
_TWO_LABELS = re.compile(rf"^(?P<label>{_ABOUT}:)\s+(?:{_ABOUT}:\s*$)", re.M)
_EMPTY_CELL = re.compile(rf"^(?P<label>{_ABOUT})\n{{6,}}(?=[^\S\n])", re.M)
_BARE = r"(?:-+|n/?a|nc|n\.c\.|none|neant|non renseignee?|not specified|unknown yet|\?+|\.{2,})?"
_LABELLED = re.compile(
    rf"(?:^[ *•-]*|[(,;/|] ?|- )(?P<label>{_LABEL}(?: (?:de |du |d'|of |the |l'|la |le |a la "
    rf"|for |des )?\w+){{0,5}}) ?\.? ?: ?{_BARE} ?(?P<rest>$|[,;|/](?= )|(?= - ))",
    re.M,
)
_STRICT = re.compile(
    r"(?:tel|telephone|phone|mobile|fax|e-?mail|courriel|mail|nom|name|ref|hours|horaires)"
)
_PARTING = re.compile(
    r"\W*(?:yours|dear|madame|monsieur|bonjour|cordialement|kind|best|sincer|veuillez)\b"
)
_LABEL_LINE = re.compile(r"^\W*[^\W\d][^:\n]{0,40}:")
_WORDS = {
    "en": "on|at|from|since|until|by|before|between|in|of|to|room|number|for|with|call|around|dear"
    "|hello|hi|mr|mrs|ms",
    "fr": "le|la|les|du|au|aux|de|des|depuis|entre|jusqu'au|salle|numero|chez|par|sur|avant|apres"
    "|vers|madame|monsieur|cher|chere|bonjour|n°",
}


def placeholders(source: Source) -> Iterator[Hit]:
    """Find fields that were to be replaced, also in the subject."""
    for match in _PLACEHOLDERS.finditer(source.text):
        if not _NO_PLACEHOLDER.fullmatch(match[0]):
            yield Hit("unresolved_placeholder", source.at[match.start()], match[0])
    shown = source.text[: source.body_from]
    for match in _PLACEHOLDERS.finditer(source.subject):
        if match[0] not in shown and not _NO_PLACEHOLDER.fullmatch(match[0]):
            yield Hit("unresolved_placeholder", source.subject_at + match.start(), match[0])


def empty_fields(letter: LetterText, language: str) -> Iterator[Hit]:
    """Find a label or a sentence without its value."""
    text = letter.folded.text
    holes = re.compile(
        rf"(?:(?<=\s)|^)(?:{_WORDS[language]})[ ]+(?:[,.;)](?!\w|\.\.)|(?=\n\n|\Z))"
        r"|\b(?:du +au|from +to|between +and|entre +et|de +a +h|le +a +h)\b|\([ ]*\)"
        r"|(?<!\w)\"[ ]*\"(?!\w)"
        r"|\b(?:entre )?le +(?:et|au) +le\b|(?<=[a-z0-9]) +[,.](?=\s|$)"
        r"|, ,(?= )|(?:dear|hello|hi|bonjour|cher|chere|madame|monsieur)[ ]+,",
        re.M,
    )
    for match in holes.finditer(text):
        if "\n" not in match[0] and not (letter.source.page and match[0].strip() in ",."):
            yield Hit("empty_field", letter.offset(match.start()), match[0].strip())
    for match in _LABELLED.finditer(text):
        strict = _STRICT.match(match["label"]) is not None
        if match["rest"] or not _followed(text, match.end(), strict and not letter.source.page):
            yield Hit("empty_field", letter.offset(match.start("label")), match[0].strip())

    for pattern in (_TWO_LABELS, _EMPTY_CELL) if letter.source.page else (_TWO_LABELS,):
        for match in pattern.finditer(text):
            yield Hit("empty_field", letter.offset(match.start("label")), match["label"])


def _followed(text: str, end: int, strict: bool) -> bool:
    """Tell whether the value stands below, as in a table; ``strict``: in the very next line."""
    lines = text[end:].split("\n")[1:]
    for index, line in enumerate(lines):
        if line.strip():
            return (index == 0 or not strict) and not (
                _LABEL_LINE.match(line) or _PARTING.match(line)
            )
    return False
