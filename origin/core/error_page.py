"""The page behind `type` of every problem document (RFC 9457 §3.1.1): what each code means and what to do. Pure."""

from html import escape
from typing import Final

# Code: what it means to the caller, what the caller or the operator does. A test compares with the error trees.
MEANINGS: Final[dict[str, tuple[str, str]]] = {
    "checksum-mismatch": ("The bytes are not those that were announced. They were not taken.", "Send them again."),
    "conflict": ("The thing's present state forbids the call.", "Look at its state, then decide."),
    "configuration": ("A setting or a command line is wrong.", "Correct what the message names."),
    "forbidden": (
        "You are known, but not allowed to do this.",
        "Ask an administrator for the role that the detail names.",
    ),
    "head-too-large": ("The request's head is above 32 KiB.", "Send fewer or smaller fields and cookies."),
    "http": ("The request broke a rule of HTTP.", "See the status code in RFC 9110."),
    "idempotency-key-reused": (
        "The Idempotency-Key stood for another request.",
        "Take a new key for a new request; repeat a request unchanged.",
    ),
    "internal": ("A mistake of PlayNet's.", "Give the request id to the operator, who finds the cause in the log."),
    "interrupted": ("The sender stopped before the end. Nothing was kept.", "Send it again."),
    "invalid-input": ("The request is malformed or out of bounds.", "Correct what the detail names."),
    "loop-detected": (
        "The request came back to a node that had sent it on.",
        "An edge's origin is an edge: correct it.",
    ),
    "media-rejected": ("The source cannot become video.", "Upload another file; the detail says why."),
    "method-not-allowed": ("The address does not take this method.", "`Allow` lists those that it takes."),
    "misdirected": (
        "This host name is not served here.",
        "Check the address; the operator lists the names in `protect.hosts`.",
    ),
    "not-found": ("There is no such thing, or not any more.", "Check the address."),
    "not-stored": ("`only-if-cached` was asked and nothing is stored.", "Ask without it."),
    "outdated": ("The thing was changed after you had read it.", "Read it again, then repeat your change."),
    "precondition-required": (
        "An edit has to name the version that it was made for.",
        "Send the `ETag` that you read as `If-Match`; `If-Match: *` overwrites whatever is there.",
    ),
    "rejected": ("The call will never work as it is.", "Correct what the detail names."),
    "startup-failed": ("A process of the appliance cannot start.", "The message names what to do."),
    "storage-full": ("No space is left. Nothing was acknowledged.", "Free some space, then send it again."),
    "token-check": ("`playnet token check` does not accept the token.", "The message says why."),
    "token-client": (
        "The playback token was made for another network than the viewer's.",
        "Ask the API for a new address to play.",
    ),
    "token-expired": ("The playback token's time is over.", "Ask the API for a new address to play."),
    "token-needed": ("The video is private.", "Ask the API for an address to play, as somebody who may."),
    "token-refused": (
        "The playback token is none, is for another video, or its key is out of use.",
        "Ask the API for a new address to play, once.",
    ),
    "token-revoked": ("The playback token was revoked.", "Ask whoever gave it out."),
    "too-large": ("Above a configured limit.", "Send less, or raise the setting that the detail names."),
    "tool-failed": ("A program that PlayNet started ended badly.", "It is tried again; the log holds its last words."),
    "too-many-requests": (
        "More requests came from this address than one client may send.",
        "Wait for `Retry-After` seconds; for many people behind one address the operator has `protect.exempt`.",
    ),
    "too-many-tries": ("It was tried too often.", "Wait for `Retry-After` seconds."),
    "tus-media-type": ("A PATCH of an upload has its own media type.", "Use a tus 1.0.0 client."),
    "tus-version": ("Another version of the tus protocol is spoken here.", "Use a tus 1.0.0 client."),
    "unauthorized": ("Credentials are missing or wrong.", "Sign in, or send `Authorization: Bearer TOKEN`."),
    "unavailable": ("A part of the appliance does not answer just now.", "Repeat it after `Retry-After` seconds."),
    "upload-gone": ("The upload was ended, has expired or was replaced.", "Begin it again."),
    "upload-locked": ("How far the upload came cannot be told just now.", "Ask again in a moment."),
    "upstream-changed": (
        "The origin replaced the object while it was sent in parts.",
        "Repeat it: the new one comes.",
    ),
    "upstream-failed": (
        "The edge got no usable answer from the origin.",
        "Repeat it; the operator looks at the origin.",
    ),
    "upstream-timeout": ("The origin did not answer the edge in time.", "Repeat it; the operator looks at the origin."),
}


def error_page() -> str:
    """HTML with one section for each code, its anchor the code."""
    sections = "".join(
        f'<h2 id="{code}">{code}</h2><p>{escape(meaning)}</p><p>{escape(remedy)}</p>'
        for code, (meaning, remedy) in MEANINGS.items()
    )
    head = '<meta charset="utf-8"><meta name="viewport" content="width=device-width"><title>Errors of PlayNet</title>'
    return f'<!doctype html><html lang="en"><head>{head}</head><body><h1>Errors</h1>{sections}</body></html>'
