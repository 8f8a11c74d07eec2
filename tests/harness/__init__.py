"""Hosts for tests: private hosts in namespaces, debootstrap roots, booted containers."""
