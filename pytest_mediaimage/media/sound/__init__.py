"""Sound: whether it is the same, as loud, at the same time and on the same side."""
