"""Commands, completions, man pages and a place in the boot for every Postfix instance on a host."""

__version__ = "0.2.0"

RELEASED = 1795737600
"""When this version was made, in seconds since 1970: the date of manual pages and packages."""

STATE_DIRECTORY = "/var/lib/postwrap"
"""What is kept between runs: records of provisioning, and the counts of metrics."""
