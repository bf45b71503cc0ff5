"""File capabilities in words."""

from __future__ import annotations

# Linux, include/uapi/linux/capability.h, in the order of their numbers.
_NAMES = (
    *("chown", "dac_override", "dac_read_search", "fowner", "fsetid", "kill", "setgid", "setuid", "setpcap"),
    *("linux_immutable", "net_bind_service", "net_broadcast", "net_admin", "net_raw", "ipc_lock", "ipc_owner"),
    *("sys_module", "sys_rawio", "sys_chroot", "sys_ptrace", "sys_pacct", "sys_admin", "sys_boot", "sys_nice"),
    *("sys_resource", "sys_time", "sys_tty_config", "mknod", "lease", "audit_write", "audit_control", "setfcap"),
    *("mac_override", "mac_admin", "syslog", "wake_alarm", "block_suspend", "audit_read", "perfmon", "bpf"),
    "checkpoint_restore",
)


def file_capabilities(value: str) -> str:
    """What an attribute `security.capability` (hexadecimal) grants, as in "cap_net_raw"; for what can't be read, so.

    The form is struct vfs_cap_data of the same header: a revision, then permitted and inheritable bits, 32 at a time.
    """
    try:
        data = bytes.fromhex(value)
    except ValueError:
        data = b""
    if len(data) < 12:
        return "file capabilities that can't be read"
    permitted = int.from_bytes(data[4:8], "little")
    if len(data) >= 20:
        permitted |= int.from_bytes(data[12:16], "little") << 32
    names = [f"cap_{name}" for number, name in enumerate(_NAMES) if permitted >> number & 1]
    return f"the capabilities {', '.join(names)}" if names else "empty file capabilities"
