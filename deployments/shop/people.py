"""Made-up people, the same for the same key: name, e-mail, telephone, address. None of them exists."""

from __future__ import annotations

import random
import unicodedata
from dataclasses import dataclass

from deployments.shop.places import COUNTRIES, STREETS
from deployments.shop.plan import Spec

NAMES = {
    "en": ("Ada Grace Omar Ruth Ellis Priya Tom Zoë", "Hughes O'Neill Okafor Smith-Jones Patel Brontë Lee MacDonald"),
    "ga": ("Siobhán Pádraig Niamh Tadhg", "Ó_Súilleabháin Ní_Dhomhnaill Byrne"),
    "de": ("Jörg Käthe Uwe Friederike", "Müller Weiß von_der_Tann Schäfer"),
    "fr": ("Zoé François Anaïs Jean-Noël", "Lefèvre d'Aubigné Garçon N'Guyen"),
    "nl": ("Daniël Femke Joost Noor", "van_der_Berg IJsselstein de_Vries"),
    "es": ("Íñigo Lucía José_María Begoña", "Muñoz García_Márquez Peña"),
    "pt": ("João Conceição Luís Inês", "Gonçalves Simões da_Conceição"),
    "it": ("Niccolò Chiara Luca Beatrice", "D'Angelo Forlì Esposito"),
    "nordic": ("Åse Bjørn Þóra Aino Søren", "Ødegård Sjöström Guðmundsdóttir Virtanen"),
    "cs": ("Řehoř Jiřina Zdeněk Tereza", "Dvořák Šťastná Nguyễn Kříž"),
    "pl": ("Łukasz Małgorzata Žydrūnas", "Wójcik Żółć Šimkus"),
    "el": ("Ελένη Γιώργος", "Παπαδοπούλου Οικονόμου"),
    "he": ("נועה דוד", "כהן לוי"),
    "ja": ("陽子 健太郎 さくら", "佐藤 髙橋 渡邉"),
    "ar": ("فاطمة محمد ليلى", "الزهراني عبد_الله بن_سعود"),
}
"""Given and family names by language, parted by blanks; "_" is a blank within a name."""


@dataclass(frozen=True)
class Person:
    """Somebody who buys. `address` is as the storefront takes it."""

    first_name: str
    last_name: str
    email: str
    country: str
    accepts_marketing: bool
    address: Spec

    @property
    def customer(self) -> Spec:
        """The customer of an order."""
        return {
            "first_name": self.first_name,
            "last_name": self.last_name,
            "accepts_marketing": self.accepts_marketing,
        }


def dice(*key: object) -> random.Random:
    """Chance that falls the same way for the same key, in every process."""
    return random.Random("/".join(map(str, key)))  # noqa: S311  nothing secret hangs on it


def a_person(key: str, country: str) -> Person:
    """Whoever `key` stands for, living in `country` (ISO 3166 alpha-2)."""
    chance = dice("person", key)
    home = COUNTRIES[country]
    first, last = (chance.choice(names.split()).replace("_", " ") for names in NAMES[home.language])
    city = chance.choice(home.cities)
    street = chance.choice(STREETS[home.language]).format(n=chance.randint(1, 199))
    address = {
        "first_name": first,
        "last_name": last,
        "company": f"{last} & Co." if chance.random() < 0.1 else "",
        "address1": street,
        "address2": "Rear entrance, 2nd floor" if chance.random() < 0.1 else "",
        "city": city.name,
        "province_code": city.province[0],
        "province": city.province[1],
        "zip": with_digits(city.zip, chance),
        "country_code": country,
        "country": home.name,
        "phone": with_digits(home.phone, chance),
    }
    return Person(first, last, email_of(first, last, key), country, chance.random() < 0.4, address)


def with_digits(pattern: str, chance: random.Random) -> str:
    """The pattern with a digit for each "#"."""
    return "".join(str(chance.randint(0, 9)) if sign == "#" else sign for sign in pattern)


def email_of(first: str, last: str, key: str) -> str:
    """An address under example.com, which belongs to nobody; unique by `key`."""
    plain = unicodedata.normalize("NFKD", f"{first}.{last}").encode("ascii", "ignore").decode().lower()
    letters = "".join(sign for sign in plain if sign.isalnum() or sign == ".").strip(".")
    return f"{letters or 'customer'}.{key}@example.com".replace("..", ".").lower()
