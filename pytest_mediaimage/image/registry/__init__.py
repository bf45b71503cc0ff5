"""Registries, by the OCI distribution specification: HTTP, authorization, downloads, and blobs kept on disk."""
