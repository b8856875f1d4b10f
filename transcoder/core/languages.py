"""Languages as containers write them (ISO 639-2, two codes for some) and as players want them. Pure.

BCP 47 §2.2.1 wants the shortest code. The name is the language's own, as a viewer looks for it in a menu.
"""

import re

_TAG = re.compile(r"[A-Za-z]{2,3}(-[A-Za-z0-9]{2,8}){0,3}")  # the part of BCP 47 that containers use
_NO_LANGUAGE = frozenset({"und", "mul", "zxx", "mis", "xxx", "unk"})
_KNOWN = (
    "en eng English|de deu,ger Deutsch|fr fra,fre Français|es spa Español|it ita Italiano|pt por Português|nl nld,dut Nederlands|"
    "sv swe Svenska|da dan Dansk|no nor Norsk|nb nob Norsk bokmål|fi fin Suomi|is isl,ice Íslenska|pl pol Polski|cs ces,cze Čeština|"
    "sk slk,slo Slovenčina|hu hun Magyar|ro ron,rum Română|bg bul Български|hr hrv Hrvatski|sr srp Српски|sl slv Slovenščina|"
    "el ell,gre Ελληνικά|tr tur Türkçe|ru rus Русский|uk ukr Українська|be bel Беларуская|et est Eesti|lv lav Latviešu|"
    "lt lit Lietuvių|ga gle Gaeilge|cy cym,wel Cymraeg|eu eus,baq Euskara|ca cat Català|gl glg Galego|he heb עברית|ar ara العربية|"
    "fa fas,per فارسی|ur urd اردو|hi hin हिन्दी|bn ben বাংলা|ta tam தமிழ்|te tel తెలుగు|mr mar मराठी|th tha ไทย|vi vie Tiếng Việt|"
    "id ind Bahasa Indonesia|ms msa,may Bahasa Melayu|tl tgl Tagalog|ja jpn 日本語|ko kor 한국어|zh zho,chi 中文|la lat Latina|"
    "sq sqi,alb Shqip|mk mkd,mac Македонски|ka kat,geo ქართული|hy hye,arm Հայերեն|af afr Afrikaans|sw swa Kiswahili"
)
_SHORT: dict[str, str] = {}
_NAMES: dict[str, str] = {}
for _line in _KNOWN.split("|"):
    _short, _long, _name = _line.split(" ", 2)
    _NAMES[_short] = _name
    _SHORT.update(dict.fromkeys(_long.split(","), _short))


def tag(text: str) -> str | None:
    """A BCP 47 tag from what a container says; None for no language and for what is none."""
    if not _TAG.fullmatch(text):
        return None
    primary, _, rest = text.partition("-")
    primary = primary.lower()
    if primary in _NO_LANGUAGE:
        return None
    return _SHORT.get(primary, primary) + (f"-{rest}" if rest else "")


def name(language: str | None) -> str | None:
    """What the language calls itself; its tag when we do not know; None for none."""
    if language is None:
        return None
    return _NAMES.get(language.partition("-")[0], language)
