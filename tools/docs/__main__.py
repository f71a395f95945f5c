"""`python -m tools.docs` brings the generated parts of docs/ up to date and prints the files that changed."""

import sys

from tools.docs.pages import files, renewed

if __name__ == "__main__":
    for file in files():
        text = file.read_text()
        if (new := renewed(text)) != text:
            file.write_text(new)
            sys.stdout.write(f"{file.name}\n")
