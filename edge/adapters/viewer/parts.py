"""What all rooms of the endpoint have in common: the node's parts, and what the origin is asked with."""

from collections.abc import Callable
from dataclasses import dataclass

from edge.adapters.fill.fills import Fills
from edge.adapters.metrics import Metrics
from edge.adapters.prefetch import Prefetch
from edge.adapters.store.store import Store
from edge.adapters.upstream.upstream import Upstream
from edge.core.forward import forwarded
from edge.core.key import Target
from playnet.http.cache_status import Forward
from playnet.http.fields import Fields

from .gate import Gate
from .viewer import Viewer


@dataclass(frozen=True, slots=True)
class Settings:
    """What one node's deliveries depend on. `has_nginx`: bodies may leave by X-Accel-Redirect.

    `honours_wishes`: whether viewers may demand validation (edge/core/wishes.py).
    `gate`: who judges playback tokens; without one `/t/` is a path like all.
    """

    node: str
    has_nginx: bool
    honours_wishes: bool = False
    slice_bytes: int = 8 << 20
    gate: Gate | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Parts:
    """One node, as its endpoint needs it."""

    settings: Settings
    store: Store
    fills: Fills
    upstream: Upstream
    metrics: Metrics
    clock: Callable[[], float]
    prefetch: Prefetch | None = None

    def asked(self, viewer: Viewer, *, conditions: bool = False) -> Fields:
        """The fields of a request to an origin on behalf of this viewer."""
        node = self.settings.node
        return forwarded(viewer.fields, node=node, request_id=viewer.request_id, conditions=conditions)

    def why(self, wanted: Target) -> Forward:
        """Why nothing stored could be used. RFC 9211 §2.2."""
        return "vary-miss" if wanted.key in self.store.variants else "miss"
