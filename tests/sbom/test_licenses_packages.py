"""Debian's copyright files and Alpine's licence field."""

from __future__ import annotations

import time
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from pytest_mediaimage.sbom.licenses import Expression, PackageLicense, alpine_license, read_copyright
from pytest_mediaimage.sbom.licenses.debian import license_of_short_name

FORMAT = "Format: https://www.debian.org/doc/packaging-manuals/copyright-format/1.0/\n"

X264 = """\
Upstream-Name: x264

Files: *
Copyright: 2003-2022 x264 project
License: GPL-2+

Files: common/x86/x86inc.asm
Copyright: 2005-2022 x264 project
License: ISC

Files: debian/* m4/ax_check.m4
Copyright: somebody
License: GPL-3+

Files: tests/*
Copyright: somebody
License: BSD-4-clause

License: GPL-2+
 The text of it.

License: BSD-4-clause
 Its text.
"""


def test_the_whole_is_told_from_single_files_and_packaging_is_left_out() -> None:
    assert read_copyright(FORMAT + X264) == PackageLicense("GPL-2.0-or-later", ("ISC",))


@pytest.mark.parametrize(
    ("paragraphs", "expected"),
    [
        ("\nFiles: *\nLicense: Expat\n", PackageLicense("MIT")),
        ("License: Apache-2.0\n\nFiles: src/a.c\nLicense: MIT\n", PackageLicense("Apache-2.0", ("MIT",))),
        ("\nFiles: src/*\nLicense: Zlib\n\nFiles: include/*\nLicense: zlib\n", PackageLicense("Zlib")),
        ("\nFiles: src/*\nLicense: Zlib\n\nFiles: lib/*\nLicense: ISC\n", PackageLicense(None, ("Zlib", "ISC"))),
        ("\nFiles: *\nLicense: GPL-2+\n\nFiles: *\nLicense: ISC\n", PackageLicense("GPL-2.0-or-later AND ISC")),
        ("\nFiles:\t*\r\nLicense:\tGPL-1+ or Artistic\r\n", PackageLicense("GPL-1.0-or-later OR Artistic-1.0-Perl")),
        ("\nFiles: *\nLicense: weird stuff\n", PackageLicense("LicenseRef-weird-stuff")),
        (
            "\nFiles: *\nLicense:\n Permission is hereby granted, free of charge, to any\n person obtaining a copy of"
            "\n this software and associated files, to deal in it.\n",
            PackageLicense("MIT"),
        ),
        # a stand-alone paragraph names no file
        ("\nLicense: GPL-2+\n Text\n", None),
    ],
)
def test_paragraphs(paragraphs: str, expected: PackageLicense | None) -> None:
    assert read_copyright(FORMAT + paragraphs) == expected


@pytest.mark.parametrize(
    ("name", "expression"),
    [
        ("GPL-2+ or Artistic, and Expat", "(GPL-2.0-or-later OR Artistic-1.0-Perl) AND MIT"),
        ("GPL-2+ and LGPL-2.1+", "GPL-2.0-or-later AND LGPL-2.1-or-later"),
        ("LGPLv3+_or_GPLv2+", "LGPL-3.0-or-later OR GPL-2.0-or-later"),
        ("GPL-2 with Linux-syscall-note exception", "GPL-2.0-only WITH Linux-syscall-note"),
        ("GPL-3+-WITH-BISON-EXCEPTION", "GPL-3.0-or-later WITH Bison-exception-2.2"),
        # an exception that SPDX doesn't list permits more: what is left is the stricter reading
        ("LGPL-2.1+~OpenSSL", "LGPL-2.1-or-later"),
        ("GPL", "GPL-1.0-or-later"),
        ("LGPL-2", "LGPL-2.0-only"),
        ("GFDL-NIV-1.3+", "GFDL-1.3-no-invariants-or-later"),
        ("BSD-3-clause", "BSD-3-Clause"),
        ("public-domain", "LicenseRef-public-domain"),
        ("", None),
    ],
)
def test_short_names(name: str, expression: str | None) -> None:
    assert license_of_short_name(name) == expression


LIBC = """\
This is the Debian prepackaged version of the GNU C Library.

    The GNU C Library is free software; you can redistribute it and/or
    modify it under the terms of the GNU Lesser General Public
    License as published by the Free Software Foundation; either
    version 2.1 of the License, or (at your option) any later version.

On Debian systems, the complete text of the GNU Library General Public
License can be found in `/usr/share/common-licenses/LGPL-2.1'.
"""


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        (LIBC, PackageLicense("LGPL-2.1-or-later")),
        ("You can get it in /usr/share/common-licenses/GPL-2.\n", PackageLicense("GPL-2.0-only")),
        ("It is under the GPL, see /usr/share/common-licenses/GPL\n", PackageLicense("GPL-1.0-or-later")),
        (
            "Licensed under the Apache License, Version 2.0\n\nRedistribution and use in source and binary forms, with"
            "\nor without modification, are permitted. Neither the name of the author may be used.\n",
            PackageLicense(None, ("Apache-2.0", "BSD-3-Clause")),
        ),
        (
            "Redistribution and use in source and binary forms, with or without modification",
            PackageLicense("BSD-2-Clause"),
        ),
        ("All rights reserved. Ask us.\n", None),
        ("", None),
    ],
)
def test_texts_for_people(text: str, expected: PackageLicense | None) -> None:
    assert read_copyright(text) == expected


FILES = sorted(Path("/usr/share/doc").glob("*/copyright"))


@pytest.mark.skipif(len(FILES) < 50, reason="this machine has no Debian copyright files")
def test_every_copyright_file_of_this_machine_gives_valid_expressions() -> None:
    """Nine tenths of the machine-readable ones tell the whole package's licence."""
    whole = forms = 0
    for file in FILES:
        text = file.read_text(errors="replace")
        found = read_copyright(text)
        for one in [found.main, *found.parts, found.expression] if found else []:
            assert one is None or Expression.parse(one).text, file
        if text.startswith(("Format:", "format:")):
            forms += 1
            whole += bool(found and found.main)
    assert whole >= 0.85 * forms


@pytest.mark.parametrize(
    ("field", "expression"),
    [
        ("GPL-2.0-or-later AND LGPL-2.1-or-later", "GPL-2.0-or-later AND LGPL-2.1-or-later"),
        ("ISC AND (BSD-2-Clause OR BSD-3-Clause) AND MIT", "ISC AND (BSD-2-Clause OR BSD-3-Clause) AND MIT"),
        ("GPL-2.0-or-later LGPL-2.1-or-later", "GPL-2.0-or-later AND LGPL-2.1-or-later"),
        ("GPL2+", "GPL-2.0-or-later"),
        ("MIT and GPL3", "MIT AND GPL-3.0-only"),
        ("custom", "LicenseRef-custom"),
    ],
)
def test_alpines_field(field: str, expression: str) -> None:
    assert alpine_license(field) == PackageLicense(expression)


def test_an_empty_field_says_nothing() -> None:
    assert alpine_license("  ") is None


LINES = st.sampled_from(
    [
        *FORMAT.splitlines(),
        *X264.splitlines(),
        *LIBC.splitlines(),
        "Files: a b",
        "License: GPL-2+ and (MIT or ISC), or X",
        " .",
    ]
)


@settings(max_examples=300, deadline=None)
@given(
    st.lists(LINES | st.text(max_size=80), max_size=40).map("\n".join)
    | st.binary(max_size=400).map(lambda b: b.decode("latin-1"))
)
def test_any_file_gives_valid_expressions(text: str) -> None:
    for whole in (text, FORMAT + text):
        found = read_copyright(whole)
        if found is not None:
            assert found.main or found.parts
            assert Expression.parse(found.expression or "").text
            assert PackageLicense.from_json(found.to_json()) == found


@settings(max_examples=200, deadline=None)
@given(
    st.text(max_size=200) | st.lists(st.sampled_from(["MIT", "and", "or", "(", ")", "GPL2+", ",", "x:y"])).map(" ".join)
)
def test_any_field_gives_a_valid_expression(field: str) -> None:
    found = alpine_license(field)
    assert found is None or Expression.parse(found.expression or "")


@pytest.mark.parametrize(
    "text",
    [
        "gnu general public license version " * 8000,
        FORMAT + "\nFiles: *\nLicense: " + "a and " * 40_000,
        FORMAT + "\nFiles: " + "debian/" * 40_000 + "\nLicense: MIT\n",
        "*" * 300_000,
        "\n" * 300_000,
        FORMAT + "\nFiles: *\nLicense: " + "with " * 40_000,
        FORMAT + "\n\nFiles: *\nLicense: MIT" * 10_000,
    ],
)
def test_a_file_made_to_cost_time_does_not(text: str) -> None:
    began = time.process_time()
    read_copyright(text)
    assert time.process_time() - began < 5, "quadratic, most likely"
