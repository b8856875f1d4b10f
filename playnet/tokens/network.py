"""A viewer's address and the network a token is bound to: IPv4 and IPv6; IPv4 in IPv6's clothes counts as IPv4.

RFC 4291 §2.5.5.2: `::ffff:192.0.2.1` is how a listener for both sees 192.0.2.1.
"""

from ipaddress import IPv4Address, IPv4Network, IPv6Address, IPv6Network, ip_address, ip_network

_MAPPED_BITS = 96


def canonical(network: str) -> str:
    """A network or a single address in the spelling of tokens. ValueError for what is none, or has bits behind the mask."""
    found = ip_network(network)
    mapped = found.network_address.ipv4_mapped if isinstance(found, IPv6Network) else None
    if mapped is not None and found.prefixlen >= _MAPPED_BITS:
        return str(IPv4Network((mapped, found.prefixlen - _MAPPED_BITS)))
    return str(found)


def contains(network: str, client: str) -> bool:
    """Whether the client is in the network of a token. Never raises: what is no address is in none."""
    try:
        address = _address(client)
        return address in ip_network(network, strict=False)
    except ValueError:
        return False


def _address(text: str) -> IPv4Address | IPv6Address:
    if "%" in text:
        raise ValueError("an address with a zone")
    address = ip_address(text)
    mapped = address.ipv4_mapped if isinstance(address, IPv6Address) else None
    return address if mapped is None else mapped
