"""The names that columns have in lists: by field, in several languages."""

import re
import unicodedata
from functools import lru_cache
from typing import Final

from regulars.importing.columns.targets import FIELDS, Target

_MARKS: Final = re.compile(r"[\W_]+")


@lru_cache(maxsize=4096)
def folded(name: str) -> str:
    """The name of a column as it is compared: lower case, without marks on letters, spaces and punctuation."""
    plain = "".join(each for each in unicodedata.normalize("NFKD", name) if not unicodedata.combining(each))
    return _MARKS.sub("", plain.casefold())


_NAMES: Final[dict[str, tuple[str, ...]]] = {
    "email": (
        *("email", "e-mail", "mail", "email address", "e-mail address", "mail address", "emailaddress", "user email"),
        *("customer email", "contact email", "primary email", "subscriber", "email 1", "email1"),
        *("e-mail-adresse", "emailadresse", "mailadresse", "kunden-email", "kunde e-mail"),
        *("courriel", "adresse e-mail", "adresse email", "adresse mail", "adresse électronique", "mél"),
        *("correo", "correo electrónico", "dirección de correo", "dirección de correo electrónico", "email cliente"),
        *("endereço de e-mail", "endereço de email", "correio eletrônico", "correio eletrónico"),
        *("indirizzo e-mail", "indirizzo email", "posta elettronica", "e-mailadres", "mailadres"),
    ),
    "customer_id": (
        *("customer_id", "customer number", "customer no", "client id", "user_id", "external_id", "external user id"),
        *("kundennummer", "kundennr", "kunden-nr.", "kunden-id", "numéro client", "n° client", "id client"),
        *("número de cliente", "id de cliente", "id cliente", "codice cliente", "numero cliente", "número do cliente"),
        *("klantnummer", "klant-id"),
    ),
    "name": (
        *("name", "full name", "customer name", "contact name", "display name", "contact", "customer"),
        *("vollständiger name", "kundenname", "kunde", "nom complet", "nom et prénom", "prénom et nom"),
        *("nombre completo", "nombre y apellidos", "nome completo", "nome e cognome", "volledige naam", "naam"),
    ),
    "firstname": (
        *("first name", "firstname", "fname", "given name", "forename", "first", "billing first name"),
        *("vorname", "prénom", "nombre", "primer nombre", "nome", "nome próprio", "primeiro nome", "voornaam"),
    ),
    "lastname": (
        *("last name", "lastname", "lname", "surname", "family name", "last", "billing last name"),
        *("nachname", "familienname", "zuname", "nom", "nom de famille", "apellido", "apellidos"),
        *("sobrenome", "apelido", "último nome", "cognome", "achternaam", "familienaam"),
    ),
    "phone": (
        *("phone", "phone number", "telephone", "tel", "phone no", "contact number", "phone 1", "billing phone"),
        *("telefon", "telefonnummer", "rufnummer", "téléphone", "numéro de téléphone", "tél"),
        *("teléfono", "número de teléfono", "telefone", "número de telefone", "telefono", "numero di telefono"),
        *("telefoon", "telefoonnummer"),
    ),
    "mobile": (
        *("mobile", "mobile phone", "mobile number", "cell", "cell phone", "cellphone", "sms", "sms number"),
        *("handy", "handynummer", "mobil", "mobiltelefon", "mobilnummer", "portable", "téléphone portable"),
        *("móvil", "celular", "teléfono móvil", "telemóvel", "cellulare", "gsm", "mobiel", "mobiele telefoon"),
    ),
    "address_line_1": (
        *("address", "street", "street address", "address 1", "address line 1", "address1", "mailing street"),
        *("billing address 1", "billing street", "straße", "strasse", "straße und hausnummer", "anschrift", "adresse"),
        *("rue", "adresse 1", "adresse postale", "calle", "dirección", "domicilio", "rua", "endereço", "morada"),
        *("via", "indirizzo", "straat", "adres", "straatnaam"),
    ),
    "address_line_2": (
        *("address 2", "address line 2", "address2", "billing address 2", "apartment", "suite"),
        *("adresszusatz", "adresse 2", "complément d'adresse", "complemento", "indirizzo 2", "adres 2"),
    ),
    "city": (
        *("city", "town", "mailing city", "billing city", "ort", "stadt", "wohnort", "ville", "ciudad", "población"),
        *("localidad", "cidade", "localidade", "città", "comune", "plaats", "woonplaats", "stad"),
    ),
    "state": (
        *("state", "province", "region", "state / region", "state/province", "province code", "county"),
        *("mailing state", "mailing state/province", "billing state", "bundesland", "kanton", "région", "département"),
        *("provincia", "comunidad autónoma", "estado", "distrito", "regione", "provincie"),
    ),
    "country": (
        *("country", "country code", "country / region", "mailing country", "billing country", "land", "staat"),
        *("pays", "país", "paese", "nazione"),
    ),
    "zip": (
        *("zip", "zip code", "zipcode", "postal code", "postcode", "post code", "mailing zip", "billing postcode"),
        *("mailing zip/postal code", "plz", "postleitzahl", "code postal", "cp", "código postal", "cep"),
        *("codice postale", "cap", "postcode nl"),
    ),
    "gender": (
        "gender",
        "sex",
        "geschlecht",
        "sexe",
        "genre",
        "género",
        "sexo",
        "gênero",
        "genere",
        "sesso",
        "geslacht",
    ),
    "locale": ("locale", "language", "lang", "sprache", "langue", "idioma", "língua", "lingua", "taal"),
    "joined_at": (
        *("joined", "joined at", "date joined", "join date", "member since", "customer since", "signup date"),
        *(
            "sign up date",
            "signed up",
            "sign up",
            "registered",
            "registered at",
            "date registered",
            "registration date",
        ),
        *("date added", "created", "created at", "date created", "create date", "creation date", "created on"),
        *("kunde seit", "mitglied seit", "registriert am", "angemeldet am", "erstellt am", "anmeldedatum"),
        *("date d'inscription", "inscrit le", "client depuis", "date de création", "créé le"),
        *("cliente desde", "fecha de alta", "fecha de registro", "fecha de creación", "data de cadastro"),
        *("data de registo", "cadastrado em", "data di iscrizione", "data di registrazione", "cliente dal"),
        *("klant sinds", "lid sinds", "inschrijfdatum", "aangemaakt op"),
    ),
    "tags": (
        "tags",
        "tag",
        "labels",
        "schlagwörter",
        "schlagworte",
        "étiquettes",
        "mots-clés",
        "etiquetas",
        "etichette",
    ),
    "groups": ("groups", "group", "gruppen", "gruppe", "groupes", "grupos", "gruppi", "groepen"),
    "newsletters": ("newsletters", "lists", "listen", "listes", "listas", "liste", "lijsten", "subscription groups"),
    "subscribed": (
        *("subscribed", "opt in", "opted in", "opt-in", "optin", "marketing consent", "email consent", "consent"),
        *(
            "accepts marketing",
            "accepts email marketing",
            "email opt in",
            "marketing opt in",
            "email marketing consent",
        ),
        *("newsletter", "newsletter opt in", "abonniert", "einwilligung", "newsletter-einwilligung", "abonné"),
        *("consentement", "opt-in email", "suscrito", "consentimiento", "inscrito", "consentimento"),
        *("iscritto", "consenso", "ingeschreven", "toestemming", "aangemeld"),
    ),
    "unsubscribed": (
        *("unsubscribed", "opt out", "opted out", "opt-out", "email opt out", "unsubscribed from all email"),
        *("has opted out of email", "do not email", "do not contact", "email blacklisted", "blacklisted"),
        *("abgemeldet", "abbestellt", "widerrufen", "désabonné", "désinscrit", "dado de baja", "baja"),
        *("cancelado", "descadastrado", "disiscritto", "cancellato", "uitgeschreven", "afgemeld"),
    ),
    "consent_status": (
        "email status",
        "subscription status",
        "subscriber status",
        "marketing status",
        "email consent status",
    ),
    "subscribed_at": (
        *("subscribed at", "opt in time", "opt-in date", "optin_time", "consent date", "consent timestamp"),
        *("subscribe date", "subscription date", "abonniert am", "eingewilligt am", "date d'abonnement"),
        *("email marketing consent timestamp", "fecha de suscripción", "data di iscrizione newsletter"),
    ),
    "confirmed_at": (
        "confirmed at",
        "confirm time",
        "confirm_time",
        "confirmation date",
        "bestätigt am",
        "confirmé le",
    ),
    "unsubscribed_at": (
        *("unsubscribed at", "unsub time", "unsub_time", "unsubscribe date", "opt-out date", "abgemeldet am"),
        *("date de désinscription", "désabonné le", "fecha de baja", "data di cancellazione", "uitgeschreven op"),
    ),
    "complained_at": ("complained at", "complaint date", "spam complaint date"),
    "bounced_at": ("bounced at", "bounce date", "hard bounced at", "clean time", "clean_time"),
    "consent_proof": ("optin_ip", "opt in ip", "confirm_ip", "consent ip", "consent proof"),
    "consent_wording": ("consent wording", "consent text", "einwilligungstext"),
}
"""Names by field; the earlier field has a name that stands in two places (`nome` is a first name)."""

BY_NAME: Final[dict[str, Target]] = {}
for _field, _names in _NAMES.items():
    for _name in _names:
        BY_NAME.setdefault(folded(_name), Target(_field))


for _field in FIELDS:
    BY_NAME.setdefault(folded(_field), Target(_field))


def target_of(name: str) -> Target | None:
    """What a column of this name fills, None if the name is not known."""
    found = BY_NAME.get(folded(name))
    return None if found is None or found.field == "ignore" else found
