"""Third-party files of the admin page: copies them out of their npm packages, and notes version, licence and SHA-256.

    npm pack htmx.org@4.0.1 lucide-static@1.62.0     # in a folder; unpack each into a folder of its name
    python -m tools.vendored FOLDER

To have another icon, add its name to "icons" in manifest.json and run this again. tests/http/pages/test_static_files.py
compares the files with the manifest.
"""

import hashlib
import json
import re
import sys
from pathlib import Path
from typing import Any, Final

FOLDER: Final = Path(__file__).parents[1] / "src" / "regulars" / "http" / "pages" / "vendored"
MANIFEST: Final = FOLDER / "manifest.json"
_SYMBOL: Final = re.compile(r'<symbol id="([^"]+)".*?</symbol>', re.DOTALL)
_HEAD: Final = '<!-- Lucide {version}, ISC licence: see lucide.LICENSE --><svg xmlns="http://www.w3.org/2000/svg">'


def sprite(package: Path, names: list[str], version: str) -> str:
    """One SVG with a symbol for each icon, out of the sprite of the package."""
    found = {
        each[1]: re.sub(r">\s+<", "><", each[0]) for each in _SYMBOL.finditer((package / "sprite.svg").read_text())
    }
    if unknown := sorted(set(names) - found.keys()):
        raise SystemExit(f"Lucide has no icon named {', '.join(unknown)}")
    return "\n".join((_HEAD.format(version=version), *(found[name] for name in sorted(names)), "</svg>\n"))


def renew(packages: Path) -> None:
    """Write every file of the manifest anew from the packages in a folder, and the manifest itself."""
    manifest: dict[str, dict[str, Any]] = json.loads(MANIFEST.read_text())
    for name, entry in manifest.items():
        package = packages / entry["package"]
        entry["version"] = json.loads((package / "package.json").read_text())["version"]
        if "icons" in entry:
            entry["icons"] = sorted(set(entry["icons"]))
            (FOLDER / name).write_text(sprite(package, entry["icons"], entry["version"]))
        else:
            (FOLDER / name).write_bytes((package / entry["source"]).read_bytes())
        (FOLDER / entry["license_file"]).write_bytes((package / "LICENSE").read_bytes())
        entry["sha256"] = hashlib.sha256((FOLDER / name).read_bytes()).hexdigest()
    MANIFEST.write_text(json.dumps(manifest, indent=2) + "\n")


if __name__ == "__main__":
    renew(Path(sys.argv[1]))
