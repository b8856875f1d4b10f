"""The host's real nginx: found, checked, started and reloaded inside one private folder."""

import http.client
import os
import pwd
import signal
import subprocess
from collections.abc import Callable
from pathlib import Path

import pytest

from playnet.errors import ConfigError, StartupFailed
from playnet.nginx import Instance, Process, find_nginx, main_block, quoted, temp_paths
from playnet.nginx.binary import parse_version
from tests.nginxes import log_of, running
from tests.servers import wait_for


def conf(process: Process, port: int, answer: str) -> str:
    listen = f"server {{ listen 127.0.0.1:{port}; return 200 {quoted(answer)}; }}"
    return main_block(process) + "http {\n" + "\n".join([*temp_paths(process), "access_log off;", listen]) + "\n}\n"


def answer(port: int) -> str:
    connection = http.client.HTTPConnection("127.0.0.1", port, timeout=5)
    connection.request("GET", "/", headers={"Connection": "close"})
    return connection.getresponse().read().decode()


def children(process: "subprocess.Popen[bytes]") -> list[Path]:
    listed = Path(f"/proc/{process.pid}/task/{process.pid}/children").read_text()
    return [Path("/proc") / pid for pid in listed.split()]


def test_only_an_accepted_configuration_becomes_live(short_tmp: Path, free_port: Callable[[], int]) -> None:
    instance = Instance(find_nginx(), short_tmp / "nginx")
    instance.prepare()
    process, port = instance.process(workers=1), free_port()
    instance.install(conf(process, port, "first"))
    with running(instance, port) as child:
        assert answer(port) == "first"
        with pytest.raises(ConfigError, match='unknown directive "nonsense"'):
            instance.install(conf(process, port, "broken") + "nonsense on;\n")

        instance.install(conf(process, port, 'se"co\\nd'))
        child.send_signal(signal.SIGHUP)
        wait_for(lambda: answer(port) == 'se"co\\nd', child, log_of(instance))
    assert child.returncode == 0
    assert "[emerg]" not in log_of(instance).read_text()
    assert {path.name for path in instance.folder.iterdir()} == {"nginx.conf", "temp"}


def test_workers_run_under_the_account_that_was_asked_for(short_tmp: Path, free_port: Callable[[], int]) -> None:
    instance = Instance(find_nginx(), short_tmp / "nginx")
    instance.prepare()
    port = free_port()
    instance.install(conf(instance.process(run_as="nobody", workers=1), port, "hello"))
    expected = pwd.getpwnam("nobody").pw_uid if os.geteuid() == 0 else os.geteuid()
    with running(instance, port) as child:
        assert [worker.stat().st_uid for worker in children(child)] == [expected]


def test_a_missing_binary_says_what_to_do(tmp_path: Path) -> None:
    with pytest.raises(StartupFailed, match="make setup"):
        find_nginx(str(tmp_path))


@pytest.mark.parametrize(
    ("says", "message"),
    [
        pytest.param("nginx version: nginx/1.14.2", r"nginx 1\.18\.0 or later", id="too-old"),
        pytest.param("not a web server", "is it nginx", id="impostor"),
    ],
)
def test_an_unusable_binary_is_refused(tmp_path: Path, says: str, message: str) -> None:
    impostor = tmp_path / "nginx"
    impostor.write_text(f"#!/bin/sh\necho '{says}' >&2\n")
    impostor.chmod(0o755)
    with pytest.raises(StartupFailed, match=message):
        find_nginx(str(tmp_path))


@pytest.mark.parametrize(
    ("printed", "version"),
    [
        pytest.param("nginx version: nginx/1.22.1\n", (1, 22, 1), id="debian-12"),
        pytest.param("nginx version: nginx/1.18.0 (Ubuntu)\n", (1, 18, 0), id="ubuntu-22.04"),
        pytest.param("nginx version: nginx/1.24.0 (Ubuntu)\n", (1, 24, 0), id="ubuntu-24.04"),
        pytest.param("nginx version: openresty/1.21.4.1\n", (1, 21, 4), id="openresty"),
        pytest.param("", None, id="silent"),
    ],
)
def test_versions_are_read_as_packages_print_them(printed: str, version: tuple[int, int, int] | None) -> None:
    assert parse_version(printed) == version
