"""How a playback token is written: `v1.KID.PAYLOAD.MAC`, where KID names the key, PAYLOAD is base64url of compact JSON
and MAC is base64url of HMAC-SHA256 over everything before the last dot (RFC 4648 §5 without padding, RFC 2104).

The payload has one spelling only (members in one order, no spaces, no escapes), so that it is read by a regular
expression: two JSON parsers cannot disagree about it, and a member that is not known makes the token invalid
instead of being overlooked.
"""

import base64
import binascii
import re
from dataclasses import dataclass
from typing import Final

MAX_TOKEN: Final = 1024
MAX_PREFIX: Final = 256
MAX_NAME: Final = 64

KID: Final = re.compile(r"[A-Za-z0-9_-]{1,16}")
NAME: Final = re.compile(rf"[A-Za-z0-9._~:@-]{{1,{MAX_NAME}}}")
_PREFIX_CHARS: Final = r"[A-Za-z0-9._~!$&'()*+,;=:@%/-]"  # RFC 3986 §3.3, in the spelling of cache keys
_PREFIX: Final = re.compile(rf"/{_PREFIX_CHARS}{{0,{MAX_PREFIX - 1}}}")
_NO_SEGMENT: Final = re.compile(r"//|/\.{1,2}(?:/|$)")

# The last character of a MAC carries two bits that are always zero: one spelling only.
_TOKEN: Final = re.compile(
    rf"v1\.({KID.pattern})\.([A-Za-z0-9_-]{{1,{MAX_TOKEN}}})\.([A-Za-z0-9_-]{{42}}[AEIMQUYcgkosw048])"
)
_PAYLOAD: Final = re.compile(
    rf'\{{"i":([1-9][0-9]{{0,11}}),"e":([1-9][0-9]{{0,11}}),"p":"({_PREFIX.pattern})"'
    rf'(?:,"n":"([0-9a-f.:]{{2,45}}/[0-9]{{1,3}})")?(?:,"s":"({NAME.pattern})")?(?:,"u":"({NAME.pattern})")?\}}'
)


@dataclass(frozen=True, slots=True, kw_only=True)
class Claims:
    """What a token says. Times are whole Unix seconds; `network` is canonical CIDR, None for any client."""

    issued_s: int
    expires_s: int
    prefix: str
    network: str | None = None
    session: str | None = None
    subject: str | None = None


@dataclass(frozen=True, slots=True)
class Written:
    """A token taken apart, its payload not yet read."""

    kid: str
    payload: str
    mac: str

    @property
    def signed(self) -> str:
        """What the MAC covers."""
        return f"v1.{self.kid}.{self.payload}"


def split(token: str) -> Written | None:
    """The parts of a token; None for what is none. Reads nothing of the payload."""
    match = _TOKEN.fullmatch(token) if len(token) <= MAX_TOKEN else None
    return Written(match[1], match[2], match[3]) if match else None


def read_payload(payload: str) -> Claims | None:
    """What a payload says; None when it is not spelled as `write_payload` would. Only after its MAC was verified."""
    try:
        text = base64.urlsafe_b64decode(payload + "=" * (-len(payload) % 4)).decode("ascii")
    except (binascii.Error, UnicodeDecodeError):
        return None
    match = _PAYLOAD.fullmatch(text)
    if match is None:
        return None
    return Claims(
        issued_s=int(match[1]),
        expires_s=int(match[2]),
        prefix=match[3],
        network=match[4],
        session=match[5],
        subject=match[6],
    )


def write_payload(claims: Claims) -> str:
    """The payload of a token. ValueError, for people, when a claim cannot be written."""
    if problem := _problem(claims):
        raise ValueError(problem)
    pairs = (("n", claims.network), ("s", claims.session), ("u", claims.subject))
    rest = "".join(f',"{name}":"{value}"' for name, value in pairs if value is not None)
    text = f'{{"i":{claims.issued_s},"e":{claims.expires_s},"p":"{claims.prefix}"{rest}}}'
    if _PAYLOAD.fullmatch(text) is None:
        raise ValueError("expected a network as ADDRESS/BITS and times within whole Unix seconds of 12 digits")
    return base64url(text.encode())


def _problem(claims: Claims) -> str | None:
    if not is_path(claims.prefix):
        return f"expected a path that starts with / in plain spelling, at most {MAX_PREFIX} characters"
    if claims.expires_s <= claims.issued_s:
        return "expected an end after the beginning"
    for name in (claims.session, claims.subject):
        if name is not None and NAME.fullmatch(name) is None:
            return f"expected sessions and subjects of 1 to {MAX_NAME} letters, digits and ._~:@-"
    return None


def is_path(text: str) -> bool:
    """Whether a token or a revocation can name this path: no empty or dot segments, nothing that would need an escape."""
    return _PREFIX.fullmatch(text) is not None and _NO_SEGMENT.search(text) is None


def covers(prefix: str, path: str) -> bool:
    """Whether a path lies at or below a prefix, segment by segment: `/v/ab` covers `/v/ab/c`, never `/v/abc`."""
    return path == prefix or path.startswith(prefix if prefix.endswith("/") else f"{prefix}/")


def base64url(data: bytes) -> str:
    """RFC 4648 §5, without padding."""
    return base64.urlsafe_b64encode(data).rstrip(b"=").decode()
