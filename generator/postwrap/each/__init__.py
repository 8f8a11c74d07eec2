"""One command run for several instances: its standard streams, signals and exit statuses."""
