"""Names of options in sentences about a file, as each door spells them."""

import re
from typing import Final

_OPTION: Final = re.compile(r'--([a-z]+(?:-[a-z]+)*)(?: "([^"]*)")?')


def as_parameters(sentence: str) -> str:
    """A sentence that names options of the command line, with the parameters of an import over HTTP in their place.

    `--map "Mail=email"` becomes `map=Mail=email`, and `--date-order` becomes `date_order`.
    """

    def parameter(match: re.Match[str]) -> str:
        name = match[1].replace("-", "_")
        return name if match[2] is None else f"{name}={match[2]}"

    return _OPTION.sub(parameter, sentence)
