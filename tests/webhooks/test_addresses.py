from ipaddress import IPv4Address, IPv6Address, ip_address

import pytest
from hypothesis import given
from hypothesis.strategies import integers, ip_addresses

from adapters.webhooks.addresses import is_public


def _words(text: str) -> list[str]:
    return text.split()


PUBLIC = _words("""
1.1.1.1 8.8.8.8 9.255.255.255 11.0.0.0 93.184.215.14 100.63.255.255 100.128.0.0 126.255.255.255 128.0.0.0
169.253.255.255 169.255.0.0 172.15.255.255 172.32.0.0 192.0.1.0 192.0.3.0 192.167.255.255 192.169.0.0 198.17.255.255
198.20.0.0 198.51.99.255 198.51.101.0 203.0.112.255 203.0.114.0 223.255.255.255
2000::1 2001:200::1 2001:4860:4860::8888 2606:4700:4700::1111 2a00:1450:4001:80b::200e 2003::1 2620:fe::fe
""")

REFUSED = _words("""
0.0.0.0 0.1.2.3 0.255.255.255
10.0.0.0 10.255.255.255 172.16.0.0 172.31.255.255 192.168.0.0 192.168.255.255
100.64.0.0 100.100.100.200 100.127.255.255
127.0.0.0 127.0.0.1 127.255.255.255
169.254.0.0 169.254.169.254 169.254.170.2 169.254.255.255
192.0.0.0 192.0.0.170 192.0.0.192 192.0.0.255 192.0.2.0 192.0.2.255 192.88.99.0 192.88.99.255
192.31.196.0 192.52.193.0 192.175.48.0
198.18.0.0 198.19.255.255 198.51.100.0 198.51.100.255 203.0.113.0 203.0.113.255
224.0.0.0 224.0.0.251 239.255.255.255 240.0.0.0 255.255.255.254 255.255.255.255
:: ::1 ::2
::ffff:127.0.0.1 ::ffff:10.0.0.1 ::ffff:169.254.169.254 ::ffff:8.8.8.8 ::ffff:0:127.0.0.1
::127.0.0.1 ::10.0.0.1 ::8.8.8.8
64:ff9b::127.0.0.1 64:ff9b::a9fe:a9fe 64:ff9b::8.8.8.8 64:ff9b:1::1 64:ff9b:1:ffff::7f00:1
100::1 100:0:0:1::1 5f00::1 1000::1 4000::1 8000::1 e000::1
2001::1 2001:0:4136:e378:8000:63bf:3fff:fdd2 2001:2::1 2001:10::1 2001:20::1 2001:1::1 2001:1ff:ffff::1
2001:db8::1 2001:db8:ffff:ffff::1 3fff::1 3fff:fff::1 3ffe::1
2002::1 2002:7f00:1::1 2002:a9fe:a9fe::1 2002:808:808::1 2620:4f:8000::1
fc00::1 fd00::1 fd00:ec2::254 fdff:ffff::1
fe80::1 fe80::1%eth0 febf::1 fec0::1 feff::1
ff00::1 ff02::1 ff05::1 ff0e::1
2606:4700:4700::1111%eth0 2606:4700:4700::1111%1
""")


@pytest.mark.parametrize("address", PUBLIC)
def test_an_address_of_the_public_internet_may_be_called(address: str) -> None:
    assert is_public(address)


@pytest.mark.parametrize("address", REFUSED)
def test_any_other_is_refused(address: str) -> None:
    assert not is_public(address)


@pytest.mark.parametrize(
    "written", ["", "localhost", "127.1", "2130706433", "0x7f000001", "8.8.8.8 ", "08.8.8.8", "٨.8.8.8"]
)
def test_what_is_no_address_in_its_usual_form_is_refused(written: str) -> None:
    assert not is_public(written)


@given(ip_addresses())
def test_whatever_the_standard_library_calls_not_global_is_refused(address: IPv4Address | IPv6Address) -> None:
    assert address.is_global or not is_public(str(address))


@given(integers(0, 2**32 - 1))
def test_an_ipv4_address_within_an_ipv6_address_is_refused_whatever_it_is(number: int) -> None:
    inside = IPv4Address(number).packed
    mapped = IPv6Address(bytes(10) + b"\xff\xff" + inside)
    compatible = IPv6Address(bytes(12) + inside)
    translated = IPv6Address(IPv6Address("64:ff9b::").packed[:12] + inside)
    sixth = IPv6Address(b"\x20\x02" + inside + bytes(10))
    assert not any(is_public(str(each)) for each in (mapped, compatible, translated, sixth))


@given(ip_addresses())
def test_a_judgement_does_not_depend_on_how_the_address_is_written(address: IPv4Address | IPv6Address) -> None:
    assert is_public(address.exploded) == is_public(str(address)) == is_public(str(ip_address(str(address).upper())))
