"""All remedies of one report: none undoes another."""

from __future__ import annotations

from tests.unit.hosts import ADDRESSES, addresses, default, host, second, warned

from postwrap.checks import check
from postwrap.checks.model import Finding, Severity
from postwrap.checks.picture import Picture
from postwrap.checks.together import together


def _remedies(*written: str) -> list[str]:
    found = [Finding("c", Severity.ERROR, "", "m", remedy, "s") for remedy in written]
    given = host(default(mynetworks="127.0.0.0/8"), second())
    return [f.remedy for f in together(found, given)]


def test_what_one_takes_out_stays_out() -> None:
    one, other = _remedies(
        "postconf -e 'inet_interfaces=127.0.0.1, 10.0.0.2' && postfix reload",
        "postconf -e 'inet_interfaces=127.0.0.1, 10.0.0.1' && postfix stop && postfix start",
    )
    assert one == "postconf -e inet_interfaces=127.0.0.1 && postfix reload"
    assert other == "postconf -e inet_interfaces=127.0.0.1 && postfix stop && postfix start"


def test_what_each_adds_is_there() -> None:
    both = _remedies(
        "postconf -e 'mynetworks=127.0.0.0/8 10.0.0.1/32'",
        "postconf -e 'mynetworks=127.0.0.0/8 10.0.0.2/32'",
    )
    assert both == ["postconf -e 'mynetworks=127.0.0.0/8 10.0.0.1/32 10.0.0.2/32'"] * 2


def test_of_two_values_the_worse_finding_decides() -> None:
    assert _remedies(
        "postconf -c /etc/postfix-out -e myhostname=a.example.com",
        "postconf -c /etc/postfix-out -X myhostname && "
        "postconf -c /etc/postfix-out -e myhostname=b.example.com",
        "postconf -e myhostname=b.example.com",
        "postconf -c /etc/postfix-out -X myhostname",
    ) == [
        "postconf -c /etc/postfix-out -e myhostname=a.example.com",
        (
            "postconf -c /etc/postfix-out -X myhostname && "
            "postconf -c /etc/postfix-out -e myhostname=a.example.com"
        ),
        "postconf -e myhostname=b.example.com",
        "",
    ]


def test_a_line_that_has_another_name_is_found() -> None:
    assert _remedies(
        "postconf -F smtp/inet/service=10.0.0.1:smtp",
        "postconf -PX smtp/inet/x smtps/inet/x && postfix reload",
        "postconf '-M#' smtps/inet",
        "postconf -P smtps/inet/a=b && postfix reload",
    ) == [
        "postconf -F smtp/inet/service=10.0.0.1:smtp",
        "postconf -PX 10.0.0.1:smtp/inet/x smtps/inet/x && postfix reload",
        "postconf '-M#' smtps/inet",
        "postfix reload",
    ]


def test_what_is_no_plain_command_stays_as_it_is() -> None:
    odd = (
        "printf '%s && %s' a b >/etc/x && sysctl -q -p /etc/x",
        'sed -i "s/a && b/c/" /etc/postfix/main.cf',
        "postconf -X \"$(printf 'a\\303')\"",
    )
    assert tuple(_remedies(*odd)) == odd


def test_two_secondaries_beside_a_default_everywhere() -> None:
    given = host(
        default(inet_interfaces="all"),
        second(),
        second("10.0.0.2:smtp inet n - y - - smtpd", name="two"),
        addresses=(*ADDRESSES, *addresses("10.0.0.2")),
    )
    found = check(Picture(given))
    assert [f.code for f in found] == ["listener-overlap"] * 2
    written = "postconf -e 'inet_interfaces=127.0.0.1, 88.198.105.204' && "
    assert all(f.remedy.startswith(written) for f in found)


def test_a_misspelling_of_what_is_set_is_left_to_the_administrator() -> None:
    known = second(relay_host="[10.0.0.9]", relayhost="[10.0.0.8]")
    warning = "/etc/postfix-out/main.cf: unused parameter: relay_host=[10.0.0.9]"
    (found,) = check(Picture(host(default(), warned(known, warning))))
    assert (found.code, found.remedy) == ("unknown-setting", "")
    assert [c.when for c in found.choices] == [
        "relayhost is right as it is set",
        "the value of relay_host is",
    ]
