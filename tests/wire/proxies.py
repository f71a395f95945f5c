"""nginx and Caddy in front of a server, where Debian's packages are installed."""

import shutil
import socket
import subprocess
import time
from pathlib import Path
from typing import Self

import pytest

from .raw import PATIENCE, RawConnection, head

NGINX = """
daemon off; master_process off; pid {folder}/nginx.pid; error_log {folder}/error.log;
events {{ worker_connections 512; }}
http {{
    access_log off;
    client_body_temp_path {folder}/body; proxy_temp_path {folder}/proxy; fastcgi_temp_path {folder}/fastcgi;
    uwsgi_temp_path {folder}/uwsgi; scgi_temp_path {folder}/scgi;
    upstream regulars {{ server 127.0.0.1:{upstream}; keepalive 8; }}
    server {{
        listen 127.0.0.1:{port};
        location / {{
            proxy_pass http://regulars;
            proxy_http_version 1.1;
            proxy_set_header Host $http_host;
            proxy_set_header Upgrade $http_upgrade;
            proxy_set_header Connection $http_connection;
        }}
    }}
}}
"""
"""As for an application with WebSockets: upgrades are handed on, and connections are shared by clients."""

CADDY = """
{{
    admin off
    auto_https off
}}
:{port} {{
    bind 127.0.0.1
    reverse_proxy 127.0.0.1:{upstream}
}}
"""

NAMES = ("nginx", "caddy")


class Proxy:
    """A proxy in front of the server at a port."""

    def __init__(self, name: str, folder: Path, upstream: int) -> None:
        binary = shutil.which(name, path="/usr/bin:/usr/sbin:/usr/local/bin:/usr/local/sbin")
        if binary is None:
            pytest.skip(f"{name} is not installed (apt install {name})")
        with socket.create_server(("127.0.0.1", 0)) as free:
            self.port: int = free.getsockname()[1]
        config = folder / f"{name}.conf"
        text = NGINX if name == "nginx" else CADDY
        config.write_text(text.format(folder=folder, port=self.port, upstream=upstream))
        command = (
            [binary, "-p", str(folder), "-c", str(config)]
            if name == "nginx"
            else [binary, "run", "--adapter", "caddyfile", "--config", str(config)]
        )
        self._log = folder / f"{name}.log"
        with self._log.open("wb") as log:
            self._process = subprocess.Popen(
                command, stdout=log, stderr=log, env={"HOME": str(folder), "PATH": "/usr/bin:/usr/sbin"}
            )

    def __enter__(self) -> Self:
        until = time.monotonic() + PATIENCE
        while True:
            try:
                with RawConnection(self.port) as connection:
                    connection.send(head("GET", "/healthz", "Connection: close"))
                    answer = connection.answer()
                    assert answer is not None
                    assert answer.status == 200
                    return self
            except OSError:
                if self._process.poll() is not None or time.monotonic() > until:
                    self.__exit__()
                    raise AssertionError(f"the proxy did not start:\n{self._log.read_text()}") from None
                time.sleep(0.02)

    def __exit__(self, *_: object) -> None:
        self._process.terminate()
        try:
            self._process.wait(PATIENCE)
        finally:
            self._process.kill()
