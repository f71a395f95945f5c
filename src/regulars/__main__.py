"""`python -m regulars` is the command `regulars`."""

from regulars.cli.entry import main

main()
