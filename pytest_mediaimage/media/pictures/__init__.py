"""Pictures: how source and output are looked at, frame by frame, and how like they are."""
