"""The server of `regulars serve`, with the echo: python -m bench.serve."""

from regulars.cli import serving
from regulars.settings import Settings

if __name__ == "__main__":
    serving.run_server(Settings.from_environment(), application="bench.echo:create")
