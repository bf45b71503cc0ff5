"""Hardware paths: the devices of this machine, commands that can't fall back silently, and proof of what was used."""
