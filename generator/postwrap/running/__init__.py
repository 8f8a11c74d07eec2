"""Starting, stopping, reloading, enabling and disabling instances that exist."""
