"""Files with more rights than their caller that base distributions ship; the rest was added by somebody."""

from __future__ import annotations

# Paths as `merged` gives them. Debian's were read from Debian 12 (`find / -perm /6000`), Fedora's stand in a test
# of Fedora CoreOS (tests/kola/files/setuid). Behind each its package: of Debian and Ubuntu where none is named.
KNOWN = frozenset(
    {
        # mount, util-linux; Fedora, UBI and Alpine: util-linux
        "usr/bin/mount",
        "usr/bin/umount",
        "usr/bin/su",
        # passwd, login; Fedora and UBI: shadow-utils, passwd, util-linux-user; Alpine: shadow
        "usr/bin/passwd",
        "usr/bin/chfn",
        "usr/bin/chsh",
        "usr/bin/gpasswd",
        "usr/bin/newgrp",
        "usr/bin/chage",
        "usr/bin/expiry",
        # libpam-modules-bin, the second only Ubuntu's; Fedora and UBI: pam; Alpine: linux-pam
        "usr/bin/unix_chkpwd",
        "usr/bin/pam_extrausers_chkpwd",
        "usr/bin/pam_timestamp_check",
        # bsdutils, bsdextrautils; Fedora: util-linux
        "usr/bin/wall",
        "usr/bin/write",
        "usr/bin/write.ul",
        "usr/bin/bsd-write",
        # openssh-client, which git brings: buildpack-deps, and so python, node, golang; Fedora: openssh
        "usr/bin/ssh-agent",
        "usr/lib/openssh/ssh-keysign",
        "usr/libexec/openssh/ssh-keysign",
        # dbus: comes as a dependency; Fedora and UBI: dbus-common
        "usr/lib/dbus-1.0/dbus-daemon-launch-helper",
        "usr/libexec/dbus-1/dbus-daemon-launch-helper",
        # Fedora and UBI: grub2-tools-minimal, usermode, libutempter; Debian: libutempter0
        "usr/bin/grub2-set-bootflag",
        "usr/bin/userhelper",
        "usr/libexec/utempter/utempter",
        "usr/lib/utempter/utempter",
        # Alpine: busybox-suid
        "usr/bin/bbsuid",
    }
)
KNOWN_CAPABILITIES = frozenset(
    {
        # iputils-ping, iputils-arping, iputils-tracepath; Fedora: iputils
        "usr/bin/ping",
        "usr/bin/arping",
        "usr/bin/clockdiff",
        # uidmap; Fedora and UBI: shadow-utils
        "usr/bin/newuidmap",
        "usr/bin/newgidmap",
        # libgstreamer1.0-0 of Debian and Ubuntu, gstreamer1 of Fedora: a clock for the network (PTP)
        "usr/lib/gstreamer1.0/gstreamer-1.0/gst-ptp-helper",
        "usr/libexec/gstreamer-1.0/gst-ptp-helper",
    }
)


def merged(path: str) -> str:
    """The path with /bin, /sbin and /lib below /usr and /usr/sbin in /usr/bin, as newer distributions have them.

    And without the folder of an architecture, as /usr/lib/x86_64-linux-gnu.
    """
    parts = path.strip("/").split("/")
    if parts[0] in ("bin", "sbin", "lib", "lib64", "libexec"):
        parts.insert(0, "usr")
    if parts[:2] == ["usr", "sbin"]:
        parts[1] = "bin"
    if len(parts) > 3 and parts[1] == "lib" and parts[2].endswith(("-linux-gnu", "-linux-gnueabihf", "-linux-musl")):
        del parts[2]
    return "/".join(parts)
