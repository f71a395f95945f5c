# ruff: noqa: E501 -- a table: one text a line
"""The texts of the pages that customers see, in each language of `site_settings.LANGUAGES`."""

from collections.abc import Mapping
from typing import Final

from regulars.domain.site_settings import LANGUAGES

_TABLE: Final[dict[str, tuple[str, str, str, str]]] = {
    "preferences": ("Email preferences", "E-Mail-Einstellungen", "Préférences d’e-mail", "Preferencias de correo"),
    "intro": (
        "Choose which emails you want to get from {site}.",
        "Wählen Sie, welche E-Mails Sie von {site} erhalten möchten.",
        "Choisissez les e-mails que vous souhaitez recevoir de {site}.",
        "Elija qué correos desea recibir de {site}.",
    ),
    "marketing": ("News and offers", "Neuigkeiten und Angebote", "Actualités et offres", "Novedades y ofertas"),
    "save": ("Save", "Speichern", "Enregistrer", "Guardar"),
    "saved": (
        "Your choice is saved.",
        "Ihre Auswahl ist gespeichert.",
        "Votre choix est enregistré.",
        "Su elección se ha guardado.",
    ),
    "all_off": (
        "Unsubscribe from everything",
        "Alles abbestellen",
        "Se désabonner de tout",
        "Cancelar todas las suscripciones",
    ),
    "why": (
        "Why do I get these emails?",
        "Warum erhalte ich diese E-Mails?",
        "Pourquoi est-ce que je reçois ces e-mails ?",
        "¿Por qué recibo estos correos?",
    ),
    "why_given": (
        "You agreed on {date}.",
        "Sie haben am {date} zugestimmt.",
        "Vous avez donné votre accord le {date}.",
        "Usted dio su consentimiento el {date}.",
    ),
    "why_wording": ("The text was:", "Der Text lautete:", "Le texte était :", "El texto era:"),
    "why_unknown": (
        "We have no record of your consent to news and offers.",
        "Uns liegt keine Einwilligung in Neuigkeiten und Angebote vor.",
        "Nous n’avons pas de trace d’un accord pour les actualités et offres.",
        "No tenemos constancia de su consentimiento para novedades y ofertas.",
    ),
    "erase": ("Erase my data", "Meine Daten löschen", "Effacer mes données", "Borrar mis datos"),
    "erase_question": (
        "Do you want {site} to erase everything about you? This cannot be undone.",
        "Soll {site} alles über Sie löschen? Das kann nicht rückgängig gemacht werden.",
        "Voulez-vous que {site} efface tout ce qui vous concerne ? Cette action est irréversible.",
        "¿Desea que {site} borre todo lo relativo a usted? No se puede deshacer.",
    ),
    "erase_yes": ("Yes, erase everything", "Ja, alles löschen", "Oui, tout effacer", "Sí, borrar todo"),
    "erased": (
        "Your data is erased.",
        "Ihre Daten sind gelöscht.",
        "Vos données sont effacées.",
        "Sus datos se han borrado.",
    ),
    "back": (
        "Back to the preferences",
        "Zurück zu den Einstellungen",
        "Retour aux préférences",
        "Volver a las preferencias",
    ),
    "unsubscribe": ("Unsubscribe", "Abbestellen", "Se désabonner", "Cancelar la suscripción"),
    "unsubscribe_question": (
        "Do you want no more emails of this kind from {site}?",
        "Möchten Sie keine solchen E-Mails von {site} mehr erhalten?",
        "Ne souhaitez-vous plus recevoir ces e-mails de {site} ?",
        "¿No desea recibir más correos de este tipo de {site}?",
    ),
    "unsubscribed": (
        "You are unsubscribed.",
        "Sie haben die E-Mails abbestellt.",
        "Vous êtes désabonné.",
        "Se ha cancelado su suscripción.",
    ),
    "confirm": (
        "Confirm your subscription",
        "Anmeldung bestätigen",
        "Confirmer votre inscription",
        "Confirmar su suscripción",
    ),
    "confirm_question": (
        "{site} asks for your consent:",
        "{site} bittet um Ihre Einwilligung:",
        "{site} vous demande votre accord :",
        "{site} le pide su consentimiento:",
    ),
    "confirm_yes": ("Yes, I agree", "Ja, ich stimme zu", "Oui, j’accepte", "Sí, acepto"),
    "confirm_no": (
        "If you did not ask for this, close this page. Nothing happens then.",
        "Wenn Sie das nicht angefordert haben, schließen Sie diese Seite. Dann geschieht nichts.",
        "Si vous n’avez rien demandé, fermez cette page. Rien ne se passera.",
        "Si no lo ha solicitado, cierre esta página. No ocurrirá nada.",
    ),
    "confirmed": (
        "Thank you. Your subscription is confirmed.",
        "Danke. Ihre Anmeldung ist bestätigt.",
        "Merci. Votre inscription est confirmée.",
        "Gracias. Su suscripción está confirmada.",
    ),
    "expired": (
        "This link has expired. Please ask for a new one.",
        "Dieser Link ist abgelaufen. Bitte fordern Sie einen neuen an.",
        "Ce lien a expiré. Demandez-en un nouveau.",
        "Este enlace ha caducado. Solicite uno nuevo.",
    ),
    "ended": (
        "You have unsubscribed since this link was sent, so it no longer confirms anything. Please ask for a new one.",
        "Sie haben sich abgemeldet, seit dieser Link verschickt wurde. Er bestätigt deshalb nichts mehr. Bitte fordern Sie einen neuen an.",
        "Vous vous êtes désabonné depuis l’envoi de ce lien : il ne confirme plus rien. Demandez-en un nouveau.",
        "Usted canceló la suscripción después de que se enviara este enlace, por lo que ya no confirma nada. Solicite uno nuevo.",
    ),
    "invalid": (
        "This link is not valid.",
        "Dieser Link ist ungültig.",
        "Ce lien n’est pas valide.",
        "Este enlace no es válido.",
    ),
}

TEXTS: Final[Mapping[str, Mapping[str, str]]] = {
    language: {name: texts[place] for name, texts in _TABLE.items()} for place, language in enumerate(LANGUAGES)
}
"""By language and name. {site} is the title of the site, {date} a date."""


def texts_of(language: str | None) -> Mapping[str, str]:
    """The texts in a language; None for the first one."""
    return TEXTS[language or LANGUAGES[0]]
