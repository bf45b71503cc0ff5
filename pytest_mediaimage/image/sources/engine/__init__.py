"""Images that lie in a container engine: asked for by its API, read from its own files where that is allowed."""
