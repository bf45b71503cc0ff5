"""TLS, network protocols, discs and XML."""

from __future__ import annotations

from ..model import Demand, Older, Row, Version

_GPL2, _GPL3 = "GPL-2.0-or-later", "GPL-3.0-or-later"

ROWS = (
    Row(
        "openssl", "OpenSSL", "Apache-2.0", Demand.OPENSSL, older=Older((3,), "OpenSSL", Demand.NOT_GPL),
        texts=(b"OPENSSLDIR: \"/", b"assertion failed: WITHIN_FREELIST(temp2->p_next)"),
        versions=(
            Version(b"OpenSSL 3.", rb"(?<![ -~])OpenSSL (?P<version>3\.\d+\.\d+[^\s\0]*) +\d+ \w+ \d{4}"),
            Version(b"OpenSSL 1.", rb"(?<![ -~])OpenSSL (?P<version>1\.\d+\.\d+[a-z]*)(?:-fips)? +\d+ \w+ \d{4}"),
            Version(b"OpenSSL 4.", rb"(?<![ -~])OpenSSL (?P<version>4\.\d+\.\d+[^\s\0]*) +\d+ \w+ \d{4}"),
        ),
        symbols=("OPENSSL_init_ssl", "SSL_library_init"), sonames=("libssl", "libcrypto"), purl="pkg:generic/openssl",
        product="openssl:openssl",
        note="From 3.0 on --enable-gpl asks for --enable-version3 besides; before that for --enable-nonfree.",
    ),
    Row(
        "gnutls", "GnuTLS", "LGPL-2.1-or-later",
        texts=(b"GNUTLS_SEC_PARAM_VERY_WEAK: certificate's signature",),
        versions=(Version(b"Enabled GnuTLS ", rb"Enabled GnuTLS (?P<version>\d+\.\d+\.\d+[^\s\0]*) logging"),),
        symbols=("gnutls_handshake",), sonames=("libgnutls",), purl="pkg:generic/gnutls", product="gnu:gnutls",
    ),
    Row(
        "mbedtls", "Mbed TLS", "Apache-2.0 OR GPL-2.0-or-later", Demand.VERSION3, by_option=True,
        texts=(
            b"Buffering of future message of size %zu would exceed the compile-time limit",
            b"received message from last flight, message_seq = %u",
        ),
        versions=(Version(b"bed TLS ", rb"[Mm]bed TLS (?P<version>\d+\.\d+\.\d+)"),),
        symbols=("mbedtls_ssl_handshake",), sonames=("libmbedtls", "libmbedcrypto", "libmbedx509"),
        purl="pkg:github/Mbed-TLS/mbedtls", product="arm:mbed_tls",
        note="Also by way of librist, where FFmpeg's configure asks for nothing.",
    ),
    Row(
        "libtls", "LibreSSL", "ISC", Demand.NOT_GPL, last=(8, 0), symbols=("tls_config_new",), sonames=("libtls",),
        purl="pkg:generic/libressl", product="openbsd:libressl",
    ),
    Row(
        "gcrypt", "Libgcrypt", "LGPL-2.1-or-later", symbols=("gcry_check_version",), sonames=("libgcrypt",),
        purl="pkg:generic/libgcrypt", product="gnupg:libgcrypt",
    ),
    Row(
        "librtmp", "librtmp", "LGPL-2.1-or-later", symbols=("RTMP_Connect",), sonames=("librtmp",),
        purl="pkg:generic/librtmp",
    ),
    Row(
        "libsrt", "SRT", "MPL-2.0",
        texts=(
            b"HS EXT: Agent declares encryption, but Peer does not",
            b"processConnectResponse: CONFUSED: expected UMSG_HANDSHAKE",
        ),
        symbols=("srt_startup",), sonames=("libsrt", "libsrt-gnutls", "libsrt-openssl"), parts=("protocol:srt",),
        purl="pkg:github/Haivision/srt",
    ),
    Row(
        "librist", "librist", "BSD-2-Clause",
        texts=(b"Datagram %u is missing, inserting into the missing queue", b"Nack request for seq %u, age %"),
        symbols=("rist_receiver_create",), sonames=("librist",), parts=("protocol:rist",), purl="pkg:generic/librist",
        product="videolan:librist",
    ),
    Row(
        "libssh", "libssh", "LGPL-2.1-or-later", texts=(b"SSH-2.0-libssh_", b"ssh_timeout_elapsed called with -2."),
        versions=(Version(b"SSH-2.0-libssh_", rb"SSH-2\.0-libssh_(?P<version>\d+\.\d+\.\d+)"),),
        symbols=("ssh_new",), sonames=("libssh", "libssh-gcrypt"), parts=("protocol:sftp",), purl="pkg:generic/libssh",
        product="libssh:libssh",
    ),
    Row(
        "libsmbclient", "Samba", _GPL3, Demand.GPLV3, sonames=("libsmbclient",), parts=("protocol:smb",),
        purl="pkg:generic/samba", product="samba:samba",
    ),
    Row(
        "librabbitmq", "rabbitmq-c", "MIT", sonames=("librabbitmq",), parts=("protocol:amqp",),
        purl="pkg:github/alanxz/rabbitmq-c",
    ),
    Row(
        "libzmq", "ZeroMQ", "MPL-2.0", older=Older((4, 3, 5), "LGPL-3.0-or-later"),
        texts=(b"options.type == ZMQ_DISH || options.type == ZMQ_RADIO", b"N3zmq14decoder_base_t"),
        symbols=("zmq_ctx_new",), sonames=("libzmq",), parts=("filter:zmq", "filter:azmq", "protocol:zmq"),
        purl="pkg:github/zeromq/libzmq", product="zeromq:libzmq",
    ),
    Row(
        "libbluray", "libbluray", "LGPL-2.1-or-later",
        texts=(
            b"index.bdmv: unknown data in extension 3.1",
            b"equested disclib language '%s' or default 'eng' not found",
        ),
        versions=(Version(b"src/libbluray/bluray.c", rb"\0(?P<version>\d\.\d\.\d)\0[./a-z]*src/libbluray/bluray\.c"),),
        symbols=("bd_open",), sonames=("libbluray",), parts=("protocol:bluray",), purl="pkg:generic/libbluray",
    ),
    Row(
        "libdvdnav", "libdvdnav", _GPL2, Demand.GPL,
        texts=(
            b"DVD disk reports itself with Region mask 0x%08x. Regions:%s",
            b"get_PGCN failed. Was trying to find pgcN in domain",
        ),
        symbols=("dvdnav_open",), sonames=("libdvdnav",), parts=("demuxer:dvdvideo",), purl="pkg:generic/libdvdnav",
    ),
    Row(
        "libdvdread", "libdvdread", _GPL2, Demand.GPL,
        texts=(
            b"DVDISOVolumeInfo, failed to read ISO9660 Primary Volume",
            b"vmgi_mat->vmgi_last_byte / DVD_BLOCK_LEN <=",
        ),
        symbols=("DVDOpen",), sonames=("libdvdread",), parts=("demuxer:dvdvideo",), purl="pkg:generic/libdvdread",
    ),
    Row(
        "libcdio", "libcdio", _GPL3, Demand.GPL, alone=_GPL3, symbols=("cdio_paranoia_init", "cdio_open"),
        sonames=("libcdio", "libcdio_paranoia", "libcdio_cdda"), parts=("demuxer:libcdio",), purl="pkg:generic/libcdio",
        product="gnu:libcdio",
    ),
    Row(
        "libxml2", "libxml2", "MIT",
        texts=(
            b"The target namespace '%s' of the included/redefined schema",
            b"References from this schema to components in no namespace",
        ),
        symbols=("xmlReadMemory",), sonames=("libxml2",), parts=("demuxer:dash", "demuxer:imf"),
        purl="pkg:generic/libxml2",
        product="xmlsoft:libxml2",
    ),
    Row(
        "expat", "Expat", "MIT", option=False, texts=(b"sizeof(XML_LChar)",),
        versions=(Version(b"expat_2.", rb"(?<![ -~])expat_(?P<version>\d+\.\d+\.\d+)\0"),),
        sonames=("libexpat",), purl="pkg:generic/expat", product="libexpat_project:libexpat",
        note="By way of Fontconfig.",
    ),
)  # fmt: skip
