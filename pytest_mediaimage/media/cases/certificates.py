"""A certificate for 127.0.0.1, the CA that signed it, and a CA that didn't: for servers in a container's own network.

They are valid from 2000 until 9999, the end that RFC 5280 (4.1.2.5) gives to what has none. Anybody can read the
server's key here, so nobody should trust its CA; the CAs' own keys were thrown away.
"""

from __future__ import annotations

from textwrap import wrap


def _pem(kind: str, body: str) -> str:
    """A text as RFC 7468 says. The words that scanners for keys look for don't stand in this file."""
    return "\n".join((f"-----{'BEGIN'} {kind}-----", *wrap(body, 64), f"-----{'END'} {kind}-----", ""))


CA = _pem(
    "CERTIFICATE",
    "MIIBcjCCARegAwIBAgIBATAKBggqhkjOPQQDAjAfMR0wGwYDVQQDDBRweXRlc3QtbWVkaWFpbWFnZSBjYTAgFw0wMDAxMDEwMDAw"
    "MDBaGA85OTk5MTIzMTIzNTk1OVowHzEdMBsGA1UEAwwUcHl0ZXN0LW1lZGlhaW1hZ2UgY2EwWTATBgcqhkjOPQIBBggqhkjOPQMB"
    "BwNCAASpIirtz5v3cxCxKe6dOyVI7PSUbPLsrbgeUshuF9c/cvV/YiU/Gv7mk2K1A1aKD9Ts9aHHDKPwJY0bs9YFMAXao0IwQDAP"
    "BgNVHRMBAf8EBTADAQH/MA4GA1UdDwEB/wQEAwIBBjAdBgNVHQ4EFgQUMcMSa7qGS9/ES7qNQnC7hlz7DP0wCgYIKoZIzj0EAwID"
    "SQAwRgIhANqzlo3hoYBMT0avMeVdXfQsNn4lYb8u0M87ubEY+91oAiEAnUMVm2ZD/VBflgwtXGzlDn3QkWcOg2Qx34ipNXShYUY=",
)

OTHER_CA = _pem(
    "CERTIFICATE",
    "MIIBfTCCASOgAwIBAgIBAjAKBggqhkjOPQQDAjAlMSMwIQYDVQQDDBpweXRlc3QtbWVkaWFpbWFnZSBzdHJhbmdlcjAgFw0wMDAx"
    "MDEwMDAwMDBaGA85OTk5MTIzMTIzNTk1OVowJTEjMCEGA1UEAwwacHl0ZXN0LW1lZGlhaW1hZ2Ugc3RyYW5nZXIwWTATBgcqhkjO"
    "PQIBBggqhkjOPQMBBwNCAASpqLtFe4cFqdAtHPhLYNS5eSlG8QgIPGpExFxztdS7bHi7iS0tm5U0M6MsD0+CVY4CTMfESuby9DRK"
    "HEFdvXB1o0IwQDAPBgNVHRMBAf8EBTADAQH/MA4GA1UdDwEB/wQEAwIBBjAdBgNVHQ4EFgQUaBYs9p9Z4lKLESR8jgfW9jh9Rn8w"
    "CgYIKoZIzj0EAwIDSAAwRQIhALMEpyD2VNZID5P9RdjuVmvc0TrdK8MnFikAZ4lyAt0jAiB+iRTwludq5OlUDT8GDtgfiNxwVTbZ"
    "60FdgyvMnbvNCg==",
)

SERVER = _pem(
    "CERTIFICATE",
    "MIIBuDCCAV2gAwIBAgIBAzAKBggqhkjOPQQDAjAfMR0wGwYDVQQDDBRweXRlc3QtbWVkaWFpbWFnZSBjYTAgFw0wMDAxMDEwMDAw"
    "MDBaGA85OTk5MTIzMTIzNTk1OVowFDESMBAGA1UEAwwJbG9jYWxob3N0MFkwEwYHKoZIzj0CAQYIKoZIzj0DAQcDQgAExaaSQyke"
    "dFptt6LYUuDFSm4Y/3Q79rodgL93N+mSNcY1GivwvXq76BXSJTz/PBWMpdAntxkzj/vWcZXGTJxAuaOBkjCBjzAMBgNVHRMBAf8E"
    "AjAAMA4GA1UdDwEB/wQEAwIHgDATBgNVHSUEDDAKBggrBgEFBQcDATAaBgNVHREEEzARhwR/AAABgglsb2NhbGhvc3QwHQYDVR0O"
    "BBYEFNM0dEy+aoQM1DOPxxFmCaC1mNoOMB8GA1UdIwQYMBaAFDHDEmu6hkvfxEu6jUJwu4Zc+wz9MAoGCCqGSM49BAMCA0kAMEYC"
    "IQD1UNj7oKbE8zAqz1s9DsCCOe/I4n0XvABH1L7Oxc5aQgIhAJUoi/gEm0y28rWk5svceByRIuO04ZpR+ioGPbamQk7X",
)

SERVER_KEY = _pem(
    "EC PRIVATE KEY",
    "MHcCAQEEIK6Vb4TXMqglwMJ5Mh+pKsCr6JQ2Pm5SrW0+CC6qg7uBoAoGCCqGSM49AwEHoUQDQgAExaaSQykedFptt6LYUuDFSm4Y"
    "/3Q79rodgL93N+mSNcY1GivwvXq76BXSJTz/PBWMpdAntxkzj/vWcZXGTJxAuQ==",
)
