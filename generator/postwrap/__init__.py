"""Commands, completions, man pages and a place in the boot for every Postfix instance on a host."""

__version__ = "0.1.0"
