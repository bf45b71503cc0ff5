"""Tiny images that show every doubt a layer can raise, each with the tree that a container sees, written by hand."""

from __future__ import annotations

import corpus_deletions
import corpus_formats
import corpus_links
import corpus_names

CASES = [*corpus_deletions.CASES, *corpus_links.CASES, *corpus_names.CASES, *corpus_formats.CASES]
