"""Guests that run and are of no use: one that has panicked, one whose network is cut."""

import re
import subprocess
import time

from campus import expect, wait_for
from fault_tools import BOOT_SECONDS, SSH_SECONDS, boot_id, bound_to, command, create, delete, inside, node, tell, wait_node, wait_ready

MUTE = "h6"
TOLD_SECONDS = 120


def _repair(campus, cluster):
    begin = time.monotonic()
    command(campus, "cluster", "repair", cluster, "--no-wait")
    wait_ready(campus, cluster, BOOT_SECONDS)
    return time.monotonic() - begin


def _panicked(campus, name):
    # It stays where it is, whatever the image does about panics: what is to be seen is a guest that is mute.
    what = "sudo sh -c 'sysctl -qw kernel.panic=0; (sleep 3; echo c > /proc/sysrq-trigger) > /dev/null 2>&1 < /dev/null &'"
    try:
        done = campus.ssh(name, what, timeout=120, check=False)
    except subprocess.TimeoutExpired:
        return True  # who cannot connect gives up earlier: it has panicked before it could answer
    return True if done.returncode == 0 else f"{done.returncode}: {done.stderr[-200:]}"


def a_panicked_guest_is_told_and_repaired(campus):
    """A node whose kernel has panicked is unknown within two minutes; `cluster repair` boots it anew."""
    create(campus, "panic", bound_to(MUTE))
    wait_ready(campus, "panic")
    before = boot_id(campus, "panic-cp1")
    wait_for("the kernel of panic-cp1 has panicked", lambda: _panicked(campus, "panic-cp1"), SSH_SECONDS)
    told, row = wait_node(campus, "panic-cp1", ["unknown"], ["silent"], TOLD_SECONDS)
    expect(row["vm_state"] == "running", f"it does not run: {row}")
    took = _repair(campus, "panic")
    expect(boot_id(campus, "panic-cp1") != before, "panic-cp1 was not booted anew")
    tell(f"panic-cp1 is unknown after {told:.0f} s ({row['reason']}), and ready again {took:.0f} s after `cluster repair`")
    delete(campus, "panic")


def a_cut_off_guest_is_told_and_repaired(campus):
    """A node whose network card has lost its cable is not ready within two minutes, and says so; `cluster repair` gives it a new one."""
    create(campus, "cut", bound_to(MUTE))
    wait_ready(campus, "cut")
    cards = campus.exec(MUTE, "virsh", "-q", "domiflist", node(campus, "cut-cp1")["id"]).stdout
    tap = re.search(r"^\s*(dvt\w+)", cards, re.M)
    expect(tap, f"cut-cp1 has no tap:\n{cards}")
    campus.exec(MUTE, "ip", "link", "set", tap[1], "down")
    told, row = wait_node(campus, "cut-cp1", ["unknown", "failed"], ["network"], TOLD_SECONDS)
    took = _repair(campus, "cut")
    inside(campus, "cut-cp1", "true")
    tell(f"cut-cp1 is {row['state']} after {told:.0f} s ({row['reason']}), and ready again {took:.0f} s after `cluster repair`")
    delete(campus, "cut")
