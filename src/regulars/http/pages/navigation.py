"""The navigation of the admin page: one row for each screen."""

from typing import Final

from msgspec import Struct


class NavigationEntry(Struct, frozen=True):
    """A screen in the navigation. path: below the site. icon: of Lucide (vendored/manifest.json lists them).

    scope: what the user needs to see it: read, write or admin.
    """

    title: str
    path: str
    icon: str
    scope: str = "read"


class Section(Struct, frozen=True):
    """A group of entries under a heading; the first has none."""

    title: str
    entries: tuple[NavigationEntry, ...]


SECTIONS: Final = (
    Section("", (NavigationEntry("Overview", "/overview", "house"),)),
    Section(
        "People",
        (
            NavigationEntry("Customers", "/customers", "users"),
            NavigationEntry("Audiences", "/audiences", "target"),
            NavigationEntry("Duplicates", "/duplicates", "blend"),
        ),
    ),
    Section("Email", (NavigationEntry("Broadcasts", "/broadcasts", "megaphone"),)),
    Section(
        "Data",
        (
            NavigationEntry("Objects", "/objects", "tags"),
            NavigationEntry("Imports", "/imports", "file-up"),
            NavigationEntry("Exports", "/exports", "file-down"),
        ),
    ),
    Section("Account", (NavigationEntry("Settings", "/settings", "settings", "admin"),)),
)
"""In the order in which they are shown."""
