"""The part of a node's nginx.conf that serves private objects: below `/t/TOKEN/`, after njs found the token good.

njs judges requests whose path is in plain spelling; everything else, and all of it where nginx has no njs, goes to the
brain, which applies the same rules to everything that reaches it. A refusal ends here: neither the brain nor an origin
hears of it.

nginx's messages quote the request line, and with it the token. So locations that tokens lead to have none: the access
log, which masks it, and the brain's log tell what happened there.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Final, get_args

from playnet.http.cache_status import CacheStatus
from playnet.nginx.text import quoted
from playnet.tokens import WORDS, Reason, Rules
from playnet.tokens.refusal import kind_of

from .access import REFUSAL_FIELDS
from .hot import HOT_FIELDS, SEALED_FIELDS

NJS_FOLDER: Final = Path(__file__).parents[1] / "njs"
NJS_MODULE: Final = "ngx_http_js_module"
CLIENT_HEADER: Final = "x-playnet-client"  # the viewer's address, from nginx to its brain
SILENT: Final = "error_log stderr emerg;"
SILENCED: Final = "unquoted"  # what the names of such locations end in
_REFUSED: Final = 419  # these two lead to locations, never to a client: the one that says why,
_WHOLE: Final = 420  # and the one that passes on requests with their bodies
_NOWHERE: Final = "/.none"
_REASONS: Final[tuple[Reason, ...]] = get_args(Reason)


@dataclass(frozen=True, slots=True, kw_only=True)
class Tokens:
    """What judging in nginx needs. `module`: njs, None where the host has none."""

    module: Path | None
    keys: Path
    revoked: Path
    rules: Rules


def main_lines(tokens: Tokens | None) -> str:
    """Above everything else in the file."""
    return f"load_module {quoted(tokens.module)};\n" if tokens is not None and tokens.module is not None else ""


def http_lines(tokens: Tokens | None) -> list[str]:
    """In the `http` block."""
    if tokens is None or tokens.module is None:
        return []
    return [
        f"js_import tokens from {quoted(NJS_FOLDER / 'tokens.js')};",
        f"js_var $token_keys {quoted(tokens.keys)};",
        f"js_var $token_revoked {quoted(tokens.revoked)};",
        f"js_var $token_skew {tokens.rules.skew_s};",
        f"js_var $token_life {tokens.rules.max_life_s};",
        "js_set $token_verdict tokens.verdict;",
        *_map("token_verdict", "token_is_refused", {"granted": "", "": ""}, otherwise="1"),
        *_map("token_verdict", "sealed_tree", {"granted": "/sealed"}, otherwise=_NOWHERE),
        *_map("token_verdict", "hot_tree", {"granted": "/hot"}, otherwise=_NOWHERE),
        *_map("token_verdict", "token_code", {reason: kind_of(reason).code for reason in _REASONS}, otherwise="-"),
        *_map("token_verdict", "token_title", {reason: kind_of(reason).title for reason in _REASONS}, otherwise="-"),
        *_map("token_verdict", "token_words", WORDS, otherwise="-"),
        *_map("uri", "tree_name", {"~^/sealed/": "sealed"}, otherwise="hot"),
        *_map("tree_name", "tree_caching", {"sealed": _caching(SEALED_FIELDS)}, otherwise=_caching(HOT_FIELDS)),
    ]


def server_lines(tokens: Tokens | None, *, node: str, cache: Path, told: list[str], log: list[str]) -> list[str]:
    """In the `server` block. `told`: what the hot tree's location says and logs, too; `log`: of refusals. Named locations are nginx.py's."""
    if tokens is None:
        return []
    tries = (
        f"$sealed_tree$hot_path $hot_tree$hot_path @brain_{SILENCED}"
        if tokens.module
        else f"{_NOWHERE} @brain_{SILENCED}"
    )
    pages = [f"error_page {_WHOLE} = @whole_{SILENCED};"]
    if tokens.module:  # and a file that was unlinked after it had been found, or cannot be read
        pages += [f"error_page {_REFUSED} = @token_refused;", f"error_page 403 404 500 = @brain_{SILENCED};"]
    return [
        *([] if tokens.module else pages),
        "location /t/ {",
        f"    {SILENT}",
        "    recursive_error_pages on;",
        f"    if ($is_passed_whole) {{ return {_WHOLE}; }}",
        *([f"    if ($token_is_refused) {{ return {_REFUSED}; }}"] if tokens.module else []),
        f"    root {quoted(cache)};",
        f"    try_files {tries};",
        *([f"    {line}" for line in [*pages, *told, *_tree_fields(node)]] if tokens.module else []),
        "}",
        *(_refusal(node, log) if tokens.module else []),
    ]


def _tree_fields(node: str) -> list[str]:
    status = CacheStatus(hit=True, detail="TREE").written(node).replace("TREE", "$tree_name")
    return [
        "add_header Cache-Control $tree_caching;",
        f'add_header Cache-Status "{status}";',
    ]


def _refusal(node: str, log: list[str]) -> list[str]:
    """RFC 9457; as the brain would put it."""
    status = CacheStatus(detail="CODE").written(node).replace("CODE", "$token_code")
    document = (
        '{"type":"/docs/errors#$token_code","title":"$token_title","status":403,"detail":"$token_words",'
        '"code":"$token_code","request_id":"$request_id_out"}'
    )
    return [
        "location @token_refused {",
        "    internal;",
        f"    {SILENT}",
        *log,
        "    types { } default_type application/problem+json;",
        '    add_header Cache-Control "no-store" always;',
        *(f'    add_header {name} "{value}" always;' for name, value in REFUSAL_FIELDS),
        f'    add_header Cache-Status "{status}" always;',
        f'    add_header Via "1.1 {node}" always;',
        "    add_header X-Request-Id $request_id_out always;",
        f"    return 403 '{document}';",
        "}",
    ]


def _caching(fields: tuple[tuple[str, str], ...]) -> str:
    return dict(fields)["cache-control"]


def _map(source: str, target: str, values: Mapping[Reason, str] | Mapping[str, str], *, otherwise: str) -> list[str]:
    rows = (f'    "{key}" "{value}";' for key, value in values.items())
    return [f"map ${source} ${target} {{", f'    default "{otherwise}";', *rows, "}"]
