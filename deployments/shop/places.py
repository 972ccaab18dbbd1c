"""Where made-up people live. Cities and patterns of postal codes are real, streets and numbers are not.

In a pattern "#" stands for any digit.
"""

from __future__ import annotations

from typing import NamedTuple


class City(NamedTuple):
    """A city with the pattern of its postal codes; `province` is (code, name) where addresses have one."""

    name: str
    zip: str
    province: tuple[str, str] = ("", "")


class Country(NamedTuple):
    """`language` picks names and streets; `phone` is a pattern in international form."""

    name: str
    language: str
    phone: str
    cities: tuple[City, ...]


def cities(text: str) -> tuple[City, ...]:
    """Read "city/postal code|city/postal code"."""
    found = []
    for entry in text.split("|"):
        name, _, code = entry.partition("/")
        found.append(City(name.strip(), code.strip()))
    return tuple(found)


COUNTRIES = {
    "US": Country(
        "United States",
        "en",
        "+1 ### 555 01##",
        (
            City("Portland", "972##", ("OR", "Oregon")),
            City("Brooklyn", "112##", ("NY", "New York")),
            City("Denver", "802##", ("CO", "Colorado")),
            City("Seattle", "981##", ("WA", "Washington")),
            City("Austin", "787##", ("TX", "Texas")),
            City("Coeur d'Alene", "83814", ("ID", "Idaho")),
        ),
    ),
    "CA": Country(
        "Canada",
        "en",
        "+1 ### 555 01##",
        (
            City("Montréal", "H2X #K#", ("QC", "Québec")),
            City("Vancouver", "V6B #A#", ("BC", "British Columbia")),
        ),
    ),
    "AU": Country(
        "Australia",
        "en",
        "+61 491 57# ###",
        (
            City("Fitzroy", "3065", ("VIC", "Victoria")),
            City("Newtown", "2042", ("NSW", "New South Wales")),
        ),
    ),
    "BR": Country("Brazil", "pt", "+55 11 9#### ####", (City("São Paulo", "01###-###", ("SP", "São Paulo")),)),
    "JP": Country(
        "Japan",
        "ja",
        "+81 3 #### ####",
        (City("新宿区", "160-00##", ("JP-13", "東京都")), City("札幌市中央区", "060-00##", ("JP-01", "北海道"))),
    ),
    "GB": Country(
        "United Kingdom",
        "en",
        "+44 20 7946 0###",
        cities("London/SW1A #AA|Manchester/M# #AB|Leeds/LS# #BA|Stow-on-the-Wold/GL54 #BN|Edinburgh/EH# #NG"),
    ),
    "IE": Country("Ireland", "ga", "+353 20 91# ####", cities("Dublin/D0# X###|Dún Laoghaire/A96 X###")),
    "JE": Country("Jersey", "en", "+44 1534 960 ###", cities("St Helier/JE2 #WG")),
    "DE": Country("Germany", "de", "+49 30 23125 ###", cities("Berlin/101##|Köln/506##|München/803##")),
    "AT": Country("Austria", "de", "+43 1 #######", cities("Wien/10#0|Sankt Pölten/3100")),
    "CH": Country("Switzerland", "de", "+41 44 668 18 ##", cities("Zürich/80##|Neuchâtel/2000")),
    "FR": Country("France", "fr", "+33 1 99 00 ## ##", cities("Paris/750##|L'Haÿ-les-Roses/94240|Besançon/25000")),
    "BE": Country("Belgium", "fr", "+32 2 555 12 ##", cities("Bruxelles/10#0|Liège/40#0")),
    "NL": Country("Netherlands", "nl", "+31 20 ### ####", cities("Amsterdam/10## AB|'s-Hertogenbosch/52## CD")),
    "ES": Country("Spain", "es", "+34 91# ### ###", cities("Madrid/280##|A Coruña/150##")),
    "PT": Country("Portugal", "pt", "+351 21# ### ###", cities("Lisboa/1###-###|Évora/7000-###")),
    "IT": Country("Italy", "it", "+39 06 ### ####", cities("Roma/001##|Forlì/47121")),
    "MT": Country("Malta", "it", "+356 21## ####", cities("Il-Belt Valletta/VLT 1###")),
    "NO": Country("Norway", "nordic", "+47 22 ## ## ##", cities("Oslo/01##|Ålesund/60##")),
    "SE": Country("Sweden", "nordic", "+46 8 465 004 ##", cities("Malmö/211 ##|Västerås/722 ##")),
    "DK": Country("Denmark", "nordic", "+45 32 ## ## ##", cities("København/21##|Århus/80##")),
    "FI": Country("Finland", "nordic", "+358 9 ######", cities("Helsinki/001##|Jyväskylä/401##")),
    "IS": Country("Iceland", "nordic", "+354 5## ####", cities("Reykjavík/1##|Ísafjörður/400")),
    "CZ": Country("Czechia", "cs", "+420 2## ### ###", cities("Praha/110 ##|Příbram/261 ##|Žďár nad Sázavou/591 ##")),
    "PL": Country("Poland", "pl", "+48 22 ### ## ##", cities("Łódź/90-###|Kraków/30-###")),
    "LT": Country("Lithuania", "pl", "+370 5 ### ####", cities("Šiauliai/76###")),
    "GR": Country("Greece", "el", "+30 21# ### ####", cities("Αθήνα/104 ##")),
    "CY": Country("Cyprus", "el", "+357 22 ######", cities("Λευκωσία/10##")),
    "IL": Country("Israel", "he", "+972 3 ### ####", cities("תל אביב/61#####")),
    "SA": Country("Saudi Arabia", "ar", "+966 11 ### ####", cities("الرياض/115##|جدة/234##")),
    "AE": Country("United Arab Emirates", "ar", "+971 4 ### ####", cities("دبي/")),
    "BH": Country("Bahrain", "ar", "+973 17## ####", cities("المنامة/3##")),
    "LB": Country("Lebanon", "ar", "+961 1 ######", cities("بيروت/11## ####")),
    "HK": Country("Hong Kong SAR", "en", "+852 2### ####", cities("Kowloon/")),
    "SG": Country("Singapore", "en", "+65 6### ####", cities("Singapore/0#####")),
    "ZA": Country("South Africa", "en", "+27 11 ### ####", cities("Johannesburg/2###")),
}
"""By ISO 3166 alpha-2."""

STREETS = {
    "en": ("{n} Mill Lane", "{n} Station Road", "Flat {n}, The Old Bakery", "{n} O'Connell Ave", "{n} Church St."),
    "ga": ("{n} Sráid Uí Chonaill", "{n} Bóthar na Trá"),
    "de": ("Große Straße {n}", "Am Mühlbach {n}", "Königsallee {n}"),
    "fr": ("{n}, rue de l'Église", "{n} bis, allée des Érables"),
    "nl": ("Prinsengracht {n}", "IJsbaanpad {n}-hs"),
    "es": ("Calle Señorío {n}, 2º izq.", "Avenida de la Peña {n}"),
    "pt": ("Rua da Conceição, {n}", "Praça do Império, {n}"),
    "it": ("Via della Libertà {n}", "Piazza San Nicolò {n}"),
    "nordic": ("Bjørnebærveien {n}", "Smörgåsgatan {n}", "Järvenpääntie {n}"),
    "cs": ("Náměstí Svobody {n}", "Křížíkova {n}/12"),
    "pl": ("ul. Żółkiewskiego {n}", "ul. Świętego Marcina {n}"),
    "el": ("Οδός Ερμού {n}",),
    "he": ("רחוב הרצל {n}",),
    "ja": ("西新宿2丁目{n}番", "大通西{n}丁目"),
    "ar": ("شارع الملك فهد {n}", "شارع الزيتون {n}"),
}
