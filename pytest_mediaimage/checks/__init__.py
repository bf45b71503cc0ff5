"""The checks, a module or folder per family. A check is a plain function over a Context that yields findings."""
