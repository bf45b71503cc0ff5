"""How much an image may ask of us: every limit on hostile input, each with its reason.

A limit is far above what real images hold, and low enough that memory and time stay bounded. What goes past
one is a CorruptImage. Lengths are in bytes.
"""

from __future__ import annotations

# --- Layers, compressed ---

# Layers compress 2 to 10 times. Deflate's ceiling is 1032:1, zstd has none: a few kB can stand for terabytes.
MAX_COMPRESSION_RATIO = 500
# Files of zeros are real (disk images, preallocated databases): up to here no ratio is looked at.
MAX_UNQUESTIONED_LENGTH = 1 << 30
# The largest layers that are published hold model weights of tens of gigabytes.
MAX_LAYER_LENGTH = 256 << 30
# zstd's own default; a larger window is a way to make us allocate memory.
MAX_ZSTD_WINDOW = 128 << 20

# --- Layers, as tar ---

# Images of three million files have been reported; an entry costs us a few hundred bytes.
MAX_MEMBERS = 4_000_000
# PATH_MAX of Linux, for paths and for links: no engine can make a longer one.
MAX_PATH_LENGTH = 4096
# As in Go's archive/tar, with which the container engines read. Paths need 4 kB, extended attributes 64 kB.
MAX_EXTENDED_HEADER = 1 << 20
# All of a layer's extended headers: long names stay in memory, and 128 bytes are plenty for a usual member.
MAX_EXTENDED_HEADERS_LENGTH = MAX_MEMBERS * 128
# Before one member. Writers need three: pax, long name, long link.
MAX_EXTENDED_HEADERS_IN_A_ROW = 16
# XATTR_LIST_MAX: the names of a file's attributes fit in 64 kB, and `user.a` is the shortest.
MAX_PAX_RECORDS = 10_000
# A file of 1 GB with a hole at every second 4 kB block has 131,072.
MAX_SPARSE_EXTENTS = 150_000
# No store holds a larger file, and offsets stay within what a file system can seek to.
MAX_FILE_LENGTH = 1 << 60

# --- Documents ---

# The distribution specification lets a registry refuse manifests over 4 MiB; nobody writes larger ones.
MAX_DOCUMENT = 4 << 20
# Real documents are six deep. Far below Python's recursion limit, which a test suite may have raised
# until the JSON parser overflows the stack.
MAX_NESTING = 64
# overlayfs takes 127 layers at most (Docker), 500 lower directories by the kernel's own limit.
MAX_LAYERS = 1000
# An index has a few dozen; the index.json of a layout that serves as a store, hundreds.
MAX_DESCRIPTORS = 10_000
# An index in an index is legal; real ones are two deep.
MAX_INDEX_DEPTH = 4

# --- What is attached ---

# A registry that answers a page at a time; GitHub's has 100 on a page.
MAX_REFERRER_PAGES = 32
# An image that is signed and scanned each night for a year has some hundreds; each may cost a request.
MAX_REFERRERS = 1000
# An SBOM that lists every file of a large image has tens of megabytes.
MAX_ATTACHED_LENGTH = 64 << 20
