"""Which addresses a webhook may reach: those of the public internet, by a list of our own.

`ipaddress` judges by the registries as they were when its Python was released, and has changed its mind about some of
what stands here. A test sees to it that whatever it refuses is refused here as well.
"""

from ipaddress import IPv4Address, IPv4Network, IPv6Address, IPv6Network, ip_address

_REFUSED_4 = tuple(
    map(
        IPv4Network,
        (
            "0.0.0.0/8",  # this network (RFC 791): Linux takes it for itself
            "10.0.0.0/8",  # private (RFC 1918)
            "100.64.0.0/10",  # carrier-grade NAT (RFC 6598), and the metadata of some clouds
            "127.0.0.0/8",  # loopback
            "169.254.0.0/16",  # link-local (RFC 3927), and the metadata of most clouds
            "172.16.0.0/12",  # private
            "192.0.0.0/24",  # protocol assignments (RFC 6890), and the metadata of one cloud
            "192.0.2.0/24",  # documentation (RFC 5737)
            "192.31.196.0/24",  # AS112 (RFC 7535): answered by whoever is near
            "192.52.193.0/24",  # AMT (RFC 7450)
            "192.88.99.0/24",  # 6to4 relays (RFC 7526)
            "192.168.0.0/16",  # private
            "192.175.48.0/24",  # AS112 (RFC 7534)
            "198.18.0.0/15",  # benchmarking (RFC 2544)
            "198.51.100.0/24",  # documentation
            "203.0.113.0/24",  # documentation
            "224.0.0.0/4",  # multicast
            "240.0.0.0/4",  # reserved, and broadcast
        ),
    )
)
_GLOBAL_6 = IPv6Network("2000::/3")
"""All that is global unicast (RFC 4291). Outside are loopback, unspecified, IPv4-mapped and IPv4-compatible, NAT64
(64:ff9b::/96, 64:ff9b:1::/48), discard (100::/64), SIDs (5f00::/16), unique local, link-local and multicast."""

_REFUSED_6 = tuple(
    map(
        IPv6Network,
        (
            "2001::/23",  # protocol assignments: Teredo, which embeds IPv4, benchmarking, ORCHID
            "2001:db8::/32",  # documentation (RFC 3849)
            "2002::/16",  # 6to4, which embeds IPv4 (RFC 7526)
            "2620:4f:8000::/48",  # AS112
            "3ffe::/16",  # the former 6bone (RFC 3701)
            "3fff::/20",  # documentation (RFC 9637)
        ),
    )
)


def is_public(address: str) -> bool:
    """Whether `address`, as a resolver gives it, is an ordinary one of the public internet. A form that embeds an IPv4
    address is none, whatever it embeds; neither is one with a zone, nor what is no address."""
    try:
        parsed = ip_address(address)
    except ValueError:
        return False
    match parsed:
        case IPv4Address():
            return not any(parsed in network for network in _REFUSED_4)
        case IPv6Address(scope_id=None):
            return parsed in _GLOBAL_6 and not any(parsed in network for network in _REFUSED_6)
        case _:
            return False
