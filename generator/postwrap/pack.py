"""From a host's bundle to a package: what is in it, and whose it will say it is."""

from __future__ import annotations

from dataclasses import replace

from postwrap.assemble import Assembly
from postwrap.host import Host
from postwrap.install.manifest import Manifest, manifest_path
from postwrap.install.plan import plan
from postwrap.packages.package import Package


def pack(host: Host, assembly: Assembly, *, name: str, release: int, timestamp: int) -> Package:
    """Return the package of ``assembly``: what install would write, and its manifest.

    The manifest says that a package brought the files, so that postwrap on the host that gets it
    leaves them to the package manager. An archive has none to be left to.
    """
    state = host.layout.state
    whose = name if host.where.packs else ""
    manifest = replace(plan(assembly.bundle, Manifest(), {}).manifest, package=whose)
    artifacts = (*assembly.bundle, manifest.artifact(manifest_path(state)))
    init = host.boot_facts.init
    in_order = tuple(sorted(artifacts, key=lambda artifact: artifact.path))
    return Package(in_order, state, init, name, release, timestamp)
