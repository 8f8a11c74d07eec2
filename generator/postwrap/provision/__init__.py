"""Making, changing and removing instances: facts and options in, steps out, steps carried out."""
