"""A fill that began before a purge that means it never publishes, whenever the purge comes."""

import asyncio
from collections.abc import Sequence

from hypothesis import given
from hypothesis import strategies as st

from edge.adapters.fill.fill import Fill
from edge.adapters.upstream.upstream import Ask
from edge.core.forget import concerns
from edge.core.key import Key
from playnet.http.fields import Fields
from playnet.purge.order import PurgeOrder

ORDERS = st.one_of(
    st.builds(lambda value: PurgeOrder(kind="tag", value=value), st.sampled_from(["asset:a", "asset:b", "rev:a/1"])),
    st.builds(lambda value: PurgeOrder(kind="url", value=value), st.sampled_from(["/v/a/1", "/v/a", "/v/b/1"])),
    st.builds(lambda value: PurgeOrder(kind="prefix", value=value), st.sampled_from(["/v/a", "/v/a/1", "/v/b", "/"])),
    st.just(PurgeOrder(kind="all")),
)


def _fill(loop: asyncio.AbstractEventLoop) -> Fill:
    key = Key("/v/a/1")
    return Fill(key, key, Ask("GET", key, Fields()), None, loop.create_future())


@given(
    st.lists(ORDERS, max_size=6),
    st.lists(ORDERS, max_size=6),
    st.sampled_from([(), ("asset:a",), ("rev:a/1", "asset:b")]),
)
def test_an_order_before_or_after_the_head_dooms_what_it_means(
    before: Sequence[PurgeOrder], after: Sequence[PurgeOrder], tags: tuple[str, ...]
) -> None:
    loop = asyncio.new_event_loop()
    try:
        fill = _fill(loop)
        for order in before:
            joinable = not fill.forget(order)
            assert not (joinable and concerns(order, fill.key, tags)), "nobody joins what a purge may mean"
        fill.learn(tags)
        for order in after:
            fill.forget(order)
        assert fill.is_doomed == any(concerns(order, fill.key, tags) for order in (*before, *after))
    finally:
        loop.close()


def test_a_fill_that_saw_too_many_orders_to_remember_is_doomed() -> None:
    loop = asyncio.new_event_loop()
    try:
        fill = _fill(loop)
        for number in range(1000):
            fill.forget(PurgeOrder(kind="tag", value=f"t:{number}"))
        assert fill.is_doomed
        assert len(fill.orders) < 1000
    finally:
        loop.close()
