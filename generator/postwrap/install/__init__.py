"""From a bundle to a host: what would change (plan), and changing it (apply)."""
