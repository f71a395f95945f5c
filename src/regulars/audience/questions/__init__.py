"""Questions: nested any/all/not conditions about customers, in two forms (JSON and text), as one tree."""
