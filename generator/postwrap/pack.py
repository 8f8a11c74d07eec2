"""From a host's bundle to a package: what is in it, and whose it will say it is."""

from __future__ import annotations

from dataclasses import replace

from postwrap.assemble import Assembly
from postwrap.install.manifest import Manifest, manifest_path, package_manifest_path
from postwrap.install.plan import plan
from postwrap.installation import Installation
from postwrap.packages.package import Package, PackagePart


def pack(host: Installation, assembly: Assembly, package: Package) -> Package:
    """Return ``package`` with the files of ``assembly``: what install would write, and a manifest.

    The manifest says that a package brought the files, so that postwrap on the host that gets it
    leaves them to the package manager. An archive has none to be left to.
    """
    wanted = tuple(a for a in assembly.bundle if _is_in(package.part, a.instance))
    whose = package.name if host.where.packs else ""
    manifest = replace(plan(wanted, Manifest(), {}).manifest, package=whose)
    state = host.layout.state
    path = manifest_path(state)
    if package.part is PackagePart.INSTANCES and whose:
        path = package_manifest_path(state, package.name)
    filled = replace(package, state=state, init=host.boot_facts.init)
    return filled.with_files(*wanted, manifest.artifact(path))


def _is_in(part: PackagePart, instance: str) -> bool:
    """Whether a file of ``instance``, "" for those that all share, is packed."""
    if part is PackagePart.ALL:
        return True
    return bool(instance) == (part is PackagePart.INSTANCES)
