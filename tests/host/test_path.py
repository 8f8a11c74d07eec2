"""What ordinary users find in their PATH, which has no sbin (login.defs, ENV_PATH)."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

if TYPE_CHECKING:
    from tests.harness.host import Host

PATH = "/usr/local/bin:/usr/bin:/bin:/usr/local/games:/usr/games"


@pytest.mark.bases("bookworm", "trixie")
def test_users_submit_and_look_with_their_own_path(talk: Host) -> None:
    talk.postwrap("install")
    env = {"PATH": PATH}
    talk.postconf("default_transport=smtp", "defer_transports=smtp", directory="/etc/postfix-out")
    talk.run("postfix", "-c", "/etc/postfix-out", "reload")
    talk.run("sendmail-out", "bob@far.example", user="app", env=env, input="Subject: x\n\nx\n")
    talk.wait_for(lambda: "far.example" in talk.run("mailq-out", user="app", env=env).stdout)
    assert "far.example" in talk.run("postqueue-out", "-p", user="app", env=env).stdout
    for name in ("sendmail-out", "postqueue-out", "sendmail-default"):
        link = talk.path(f"/usr/local/bin/{name}")
        assert str(link.readlink()) == f"../sbin/{name}"
        assert talk.exists(f"/usr/local/sbin/{name}"), "the path for php.ini stays"
    assert talk.postwrap("diff").stdout == ""
    talk.postwrap("uninstall")
    assert list(talk.path("/usr/local/bin").glob("*-out")) == []


def test_where_sbin_is_bin_there_are_no_links(talk: Host) -> None:
    talk.sh("rm -rf /usr/local/sbin; mkdir -p /usr/local/bin; ln -s bin /usr/local/sbin")
    talk.postwrap("install")
    assert not talk.path("/usr/local/bin/sendmail-out").is_symlink()
    assert "MAIL_CONFIG" in talk.read("/usr/local/bin/sendmail-out")
    assert talk.postwrap("diff").stdout == ""
