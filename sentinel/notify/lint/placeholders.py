"""Fields of a template that nobody replaced, in the styles of many mail merges."""

from __future__ import annotations

import re
from collections.abc import Iterator

from sentinel.notify.lint.report import Hit
from sentinel.notify.lint.source import Source

_PLACEHOLDERS = re.compile(
    r"""
      \{\{[^{}\n]*\}\} | \{%[^\n]*?%\} | \$\{[^}\n]+\} | \#\{[^}\n]+\} | \$\(?[A-Z_]{3,}\b\)?
    | \{[^\W\d][\w .:'’-]{1,60}\} | \{\d{1,2}\}
    | %%?[A-Za-z_][A-Za-z0-9_]{2,40}%%? | %\(\w+\)[sd]
    | \*\|[^|\n]{2,40}\|\* | \{\$[^}\n]+\} | <%[^%\n]*%> | ::\w+:: | (?<![\w.])@\w{2,30}@
    | \#{3,} | \?{3,}
    | \b[A-Z]{2,}(?:_[A-Z0-9]+)+\b | %[^\W\d_]{3,30}%
    | \bPrénom\s+N[Oo][Mm]\b | \bN(?:OM|om)\s+Prénom\b | \bFirst\s*[Nn]ame\s+Last\s*[Nn]ame\b
    | «\s*(?i:prénom|nom|civilité|adresse|date|titre|société|raison\ sociale)\w*\s*»
    | \b(?:le|du|au|on|the|M\.|Mme|Mr|Mrs)\s(?:\.{3}|…)(?=\s)
    | @@[^@\n]{2,40}@@ | \#\#[^#\n]{2,40}\#\# | \|\|[^|\n]{2,40}\|\|
    | &lt;[^\W\d][^&<>\n]{1,40}&gt; | <<[^<>\n]{2,60}>> | ‹[^‹›\n]{2,60}›
    | «(?:[A-Za-zÀ-ÿ]+_\w+|[A-Z]?[a-z]+[A-Z]\w*|(?i:first|last|sur)?(?i:name))»
    | «\s*(?:(?:LE|LA|VOTRE|NOM|PR[EÉ]NOM|CIVILIT[EÉ]|ADRESSE|DATE|VILLE|CODE|POSTAL|CP|TITRE
        |SOCI[EÉ]T[EÉ]|RAISON|SOCIALE|MONTANT|NUM[EÉ]RO|R[EÉ]F[EÉ]RENCE|R[EÉ]F|CLIENT|DOSSIER
        |T[EÉ]L[EÉ]PHONE|MAIL|E-?MAIL|COURRIEL|CONTRAT|CHAMP|DESTINATAIRE|DE|DU|NAME|FIRST|LAST
        |ADDRESS|CITY|COMPANY|ACCOUNT|TITLE|SURNAME|CUSTOMER|REFERENCE|NUMBER)(?:[\s_-]|(?=\s*»)))+\s*»
    | \[\[[^\]\n]{1,80}\]\] | \[(?=[^\]\n]*[^\W\d_]{2})[^\]\n@]{2,120}\](?!\()
    | <(?!/?(?:https?|mailto|www))[^\W\d_][^<>\n@/]{1,60}>
    | \b[Xx]{3,}\b | \b[Xx]{2}\s?[h:H]\s?[Xx]{2}\b
    | (?<=\s)@[A-ZÀ-Þ][a-zà-ÿ]+\w*(?=[\s,;.]*\n|\s*[,;])
    | \b(?:MERGEFIELD|CHAMPFUSION)\b | \b[Xx]{2,}(?:\s?[/.:-]\s?[Xx]{2,})+
    | \b[Xx]{2}\s(?=[^\W\d_]+\s(?:20)?[Xx\d]{2})
    | _{2}\w+_{2} | _{2,}
    | (?<!\b[Rr]oom\s)(?<!\b[Ss]alle\s)(?<!\b[Bb]uilding\s)\b[X]{2}\b(?!\s*(?:si[eè]cle|century))
    | \[[●•xX.…?]+\] | \$[a-z_]+\.?[a-z_]{2,40}
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
    r"\[(?:exercice|drill|enclosed|ci-joint|emphasis added|sic|\.\.\.|…|nda|note|traduction"
    r"|translation)\]",
    re.I,
)


def placeholders(source: Source) -> Iterator[Hit]:
    """Find fields that were to be replaced, also in the subject."""
    for match in _PLACEHOLDERS.finditer(source.text):
        if not _NO_PLACEHOLDER.fullmatch(match[0]):
            yield Hit("unresolved_placeholder", source.at[match.start()], match[0])
    shown = source.text[: source.body_from]
    for match in _PLACEHOLDERS.finditer(source.subject):
        if match[0] not in shown and not _NO_PLACEHOLDER.fullmatch(match[0]):
            yield Hit("unresolved_placeholder", source.subject_at + match.start(), match[0])
