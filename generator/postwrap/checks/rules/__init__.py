"""The rules, one module a theme; each is a function from a picture of the host to hits."""
