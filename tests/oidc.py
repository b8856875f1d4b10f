"""npm's oidc-provider as a process of the test's own, and a person who signs in there without a browser."""

import json
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any
from urllib.parse import urljoin

import aiohttp

from tests.node import node_binary

HERE = Path(__file__).parent / "provider"
CLIENT = "playnet"
SECRET = "s3cret / with : signs"


@dataclass
class RealProvider:
    """One provider; `site`: the public address of the PlayNet that uses it."""

    port: int
    site: str
    log: Path
    people: dict[str, dict[str, Any]] = field(default_factory=dict)
    claims_in_userinfo: bool = False
    process: "subprocess.Popen[bytes] | None" = None

    @property
    def issuer(self) -> str:
        return f"http://127.0.0.1:{self.port}"

    def start(self) -> None:
        """With a new signing key."""
        settings = {
            "port": self.port,
            "client": CLIENT,
            "secret": SECRET,
            "redirect": f"{self.site}/api/v1/providers/real/callback",
            "logout": f"{self.site}/api/v1/providers/real/logout",
            "people": self.people,
            "claims_in_userinfo": self.claims_in_userinfo,
        }
        argv = [node_binary(HERE), "--no-warnings", "provider.mjs", json.dumps(settings)]
        with self.log.open("ab") as log:
            self.process = subprocess.Popen(argv, cwd=HERE, stdout=subprocess.PIPE, stderr=log)
        assert self.process.stdout is not None
        assert self.process.stdout.readline() == b"ready\n", self.log.read_text(errors="replace")[-2000:]

    def stop(self) -> None:
        if self.process is not None:
            self.process.kill()
            self.process.wait()
            assert self.process.stdout is not None
            self.process.stdout.close()
            self.process = None

    def settings(self, folder: Path, more: str = "") -> str:
        """The entry for the YAML's `auth.providers`."""
        secret = folder / "oidc-secret"
        secret.write_text(SECRET)
        return (
            f"{{name: real, issuer: '{self.issuer}', client_id: {CLIENT}, client_secret_file: '{secret}', "
            f"label: 'The provider'{more}}}"
        )


@contextmanager
def real_provider(port: int, site: str, log: Path, **options: Any) -> Iterator[RealProvider]:
    """Started; gone at the end."""
    provider = RealProvider(port, site, log, **options)
    provider.start()
    try:
        yield provider
    finally:
        provider.stop()


async def walk(session: aiohttp.ClientSession, url: str, name: str, *, stop: str = "") -> str:
    """Follow redirects as a browser does, and give `name` where the provider asks for one.

    Returns the first URL, not opened, that holds `stop`, or that leads out of the sign-in.
    """
    method, form = "GET", None
    for _ in range(20):
        is_page = not any(part in url for part in ("/api/", "/interaction/", "/auth"))
        if (stop and stop in url) or is_page:
            return url
        async with session.request(method, url, data=form, allow_redirects=False) as response:
            await response.read()
        if "Location" in response.headers:
            url, method, form = urljoin(url, response.headers["Location"]), "GET", None
        elif "/interaction/" in url:
            method, form = "POST", {"name": name}
        else:
            raise AssertionError(f"{url} answered {response.status}")
    raise AssertionError("redirects without end")
