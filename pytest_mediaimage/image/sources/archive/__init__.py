"""Images in a tar file, plain or compressed as a whole."""
