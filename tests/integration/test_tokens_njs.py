"""The shared vectors in njs, inside a real nginx."""

import json
import os
import shutil
import urllib.request
from collections.abc import Callable
from pathlib import Path

from edge.core.sealed import NJS_FOLDER
from playnet.nginx import Instance, find_nginx, main_block, quoted, temp_paths
from tests import nginxes
from tests.unit.tokens.vectors import FILE, VECTORS


def test_njs_judges_as_python_does(short_tmp: Path, free_port: Callable[[], int]) -> None:
    shutil.copy(FILE, short_tmp / "vectors.json")
    for at, vector in enumerate(VECTORS):
        folder = short_tmp / f"revoked-{at}"
        folder.mkdir()
        for name, moment in vector.moments.items():
            (folder / name).touch()
            os.utime(folder / name, (moment, moment))
    instance, port = Instance(find_nginx(), short_tmp / "nginx"), free_port()
    module = instance.binary.module("ngx_http_js_module")
    assert module is not None, "`make setup` installs libnginx-mod-http-js"
    instance.prepare()
    process = instance.process(workers=1)
    http = [
        *temp_paths(process),
        "access_log off;",
        f"js_path {quoted(NJS_FOLDER)};",
        f"js_import judge from {quoted(Path(__file__).with_name('judge.js'))};",
        f"js_var $cases {quoted(short_tmp)};",
        f"server {{ listen 127.0.0.1:{port}; location / {{ js_content judge.all; }} }}",
    ]
    load = f"load_module {quoted(module)};\n"
    instance.install(load + main_block(process) + "http {\n" + "\n".join(http) + "\n}\n")
    with (
        nginxes.running(instance, port),
        urllib.request.urlopen(f"http://127.0.0.1:{port}/", timeout=10) as answer,
    ):
        found = json.load(answer)
    assert found == {vector.id: vector.verdict for vector in VECTORS}
