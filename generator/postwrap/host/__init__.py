"""One picture of a host: what is configured, what runs, and what Postfix says of it."""
