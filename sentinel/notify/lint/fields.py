"""Labels, list items, cells and sentences without the value that belongs there."""

from __future__ import annotations

import re
from collections.abc import Iterator

from sentinel.notify.lint.letter_text import LetterText
from sentinel.notify.lint.report import Hit

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
_MONTH = (
    r"(?:january|february|march|april|may|june|july|august|september|october|november|december"
    r"|janvier|fevrier|mars|avril|mai|juin|juillet|aout|septembre|octobre|novembre|decembre)"
)
# A gap of two spaces that only a lost value leaves: "lost at  on 4 May", "joindre au  ou par".
_GAP = {
    "en": re.compile(
        r"\b(?:at|on|to|from|by|of|in|is|are|was|between|since|until|for|with|number|ring|call"
        r"|room|dear|named|reached)( {2,})(?:on|at|or|and|between|from|by|for|to"
        r"|with|was|is|has|of|in"
        r"|who|which)\b"
        rf"|(?:,|\bon|\bof|\bthe)( {{2,}}){_MONTH}\b(?= 20\d\d)"
    ),
    "fr": re.compile(
        r"\b(?:a|le|la|les|du|au|aux|de|des|depuis|entre|par|sur|est|sont|numero|salle|poste|appelez"
        r"|joindre|et|jusqu'au|pour)( {2,})(?:le|la|les|et|ou|entre|pour|de|du|par|au|a|h|qui|que"
        r"|dans)\b"
        rf"|\b(?:le|du|au)( +){_MONTH}\b(?= 20\d\d)"
    ),
}
_BLANK_DATE = re.compile(r"(?:(?<=\s)|(?<=,))/[ ]{1,12}/(?=[ ]|$)|(?<=\s)/ */ *20\d\d\b", re.M)
_BULLET = re.compile(r"^[ \t]*([-*•·–]|\(?\d{1,2}[.)])[ \t]*$", re.M)
_ITEM = re.compile(r"^[ \t]*([-*•·–]|\(?\d{1,2}[.)])[ \t]+\S[^\n]*$")
_BARE_LABEL = re.compile(r"^[ \t*•-]*(?P<label>[^\W\d][^:\n.!?]{2,48}?) ?: *$", re.M)
_NO_LABEL = re.compile(
    r"(?:objet|subject|re|cc|copie|pj|p\.j|pieces? jointes?|enclosures?|encl|to|a|from|de"
    r"|destinataire)\b"
)
_OF_REFERENCE = re.compile(
    r"\b(?:ref|references?|number|numero|n°|date|name|nom|time|heure|place|lieu|tel|telephone|phone"
    r"|e-?mail|courriel|dossier|file|case|matricule|identifiant|contrat|contract)\b"
)
_LABEL_SHORT = re.compile(r"^[ \t*•-]*[^\W\d][^:\n.!?]{2,40} ?:")
_CLOSES = re.compile(
    r"\W*(?:yours|dear|kind regards|best regards|regards|sincerely|cordialement|bien cordialement"
    r"|veuillez (?:agreer|recevoir)|(?:cher|chere|chers|cheres|madame|monsieur|mesdames|bonjour"
    r"|hello|mr|mrs|ms)\b[^.:\n]{0,60},\s*$)"
)
_NEAR = 2_000  # characters
_JUSTIFIED = 12  # gaps within lines: a text set to an even margin
_WORDS = {
    "en": "on|at|from|since|until|by|before|between|in|of|to|room|number|for|with|call|around|dear"
    "|hello|hi|mr|mrs|ms",
    "fr": "le|la|les|du|au|aux|de|des|depuis|entre|jusqu'au|salle|numero|chez|par|sur|avant|apres"
    "|vers|madame|monsieur|cher|chere|bonjour|n°",
}


def empty_fields(letter: LetterText, language: str) -> Iterator[Hit]:
    """Find a label or a sentence without its value."""
    text = letter.folded.text
    holes = re.compile(
        rf"(?:(?<=\s)|^)(?:{_WORDS[language]})[ ]+(?:[,.;)](?!\w|\.\.)|(?=\n\n|\Z))"
        r"|\b(?:du +au|from +to|between +and|entre +et|de +a +h|le +a +h)\b|\([ ]*\)"
        r"|(?<!\w)\"[ ]*\"(?!\w)"
        r"|\b(?:entre )?le +(?:et|au) +le\b|(?<=[a-z0-9]) +[,.](?=\s|$)"
        r"|, ,(?= )"
        r"|(?<!madame, )(?<!monsieur, )(?:dear|hello|hi|bonjour|cher|chere|madame|monsieur)[ ]+,",
        re.M,
    )
    for match in holes.finditer(text):
        if "\n" not in match[0] and not (letter.source.page and match[0].strip() in ",."):
            yield Hit("empty_field", letter.offset(match.start()), match[0].strip())
    for match in _LABELLED.finditer(text):
        strict = _STRICT.match(match["label"]) is not None
        if match["rest"] or not _followed(text, match.end(), strict and not letter.source.page):
            yield Hit("empty_field", letter.offset(match.start("label")), match[0].strip())

    yield from _gaps(letter, language)
    yield from _bare(letter)
    for label, offset in letter.source.hollow:
        yield Hit("empty_field", offset, label)
    for pattern in (_TWO_LABELS, _EMPTY_CELL) if letter.source.page else (_TWO_LABELS,):
        for match in pattern.finditer(text):
            yield Hit("empty_field", letter.offset(match.start("label")), match["label"])


def _gaps(letter: LetterText, language: str) -> Iterator[Hit]:
    """Find the gaps within a line that a value left."""
    text = letter.folded.text
    for match in _BLANK_DATE.finditer(text):
        yield Hit("empty_field", letter.offset(match.start()), match[0])
    if len(re.findall(r"(?<=[a-z,]) {2,}(?=[a-z])", text)) > _JUSTIFIED:
        return
    for match in _GAP[language].finditer(text):
        start, end = letter.offset(match.start()), letter.offset(match.end())
        if "\n" not in letter.source.raw[start:end]:  # in a page, a line end is a space
            yield Hit("empty_field", start, " ".join(match[0].split()))


def _bare(letter: LetterText) -> Iterator[Hit]:
    """Find an item of a list that says nothing, and a label above the end of the letter."""
    text = letter.folded.text
    for match in _BULLET.finditer(text):
        beside = (_line(text, match.start(), -1), _line(text, match.end(), 1))
        if any(_same_list(match[1], line) for line in beside):
            yield Hit("empty_field", letter.offset(match.start(1)), match[1])
    for match in _BARE_LABEL.finditer(text):
        label = match["label"]
        if _NO_LABEL.match(label):
            continue
        below = text[match.end() : match.end() + 400].lstrip("\n ").split("\n", 1)[0]
        next_line = text[match.end() + 1 : match.end() + _NEAR].split("\n", 1)[0]
        labels = _OF_REFERENCE.search(label) and _LABEL_SHORT.match(next_line)
        if _CLOSES.match(below) or (labels and not letter.source.page):
            yield Hit("empty_field", letter.offset(match.start("label")), match[0].strip())


def _same_list(marker: str, line: str) -> bool:
    item = _ITEM.match(line)
    return item is not None and (item[1] == marker or (item[1][-1] == marker[-1] != marker))


def _line(text: str, at: int, step: int) -> str:
    """Return the line before or after a place that is not empty, within two lines."""
    if step < 0:
        lines = text[max(0, at - _NEAR) : at].rsplit("\n", 4)[-2:-5:-1]
    else:
        lines = text[at : at + _NEAR].split("\n", 4)[1:4]
    return next((line for line in lines if line.strip()), "")


def _followed(text: str, end: int, strict: bool) -> bool:
    """Tell whether the value stands below, as in a table; ``strict``: in the very next line."""
    lines = text[end : end + _NEAR].split("\n")[1:]
    for index, line in enumerate(lines):
        if line.strip():
            return (index == 0 or not strict) and not (
                _LABEL_LINE.match(line) or _PARTING.match(line)
            )
    return False
