"""Faults of one host while others go on: its images are out of reach, one of its operations always fails, its disk is full, its
libvirtd hangs."""

import hashlib
import json
import os
import re
import time

from campus import STATE, expect, run, wait_for
from fault_tools import (BOOT_SECONDS, GONE_SECONDS, STATE_SECONDS, boot_id, bound_to, command, create, delete, inside, node, of_host,
                         tell, wait_host, wait_node, wait_ready)

OUTAGE_SECONDS = float(os.environ.get("DURE_E2E_OUTAGE_SECONDS", "60"))    # images out of reach
HANGING_SECONDS = float(os.environ.get("DURE_E2E_HANGING_SECONDS", "180"))  # a libvirtd that hangs
RETRY_SECONDS = 60   # the longest pause between two attempts and the attempt itself
FETCHES, FULL, HANGS = "h4", "h5", "h3"   # h4 has never had an image; the disk of h5 is a file system of its own
DISK_GIB = 41
LEFT_MIB, WRITTEN_MIB = 96, 320


def images_out_of_reach_for_a_minute(campus):
    """A cluster created while its host cannot fetch the image comes up by itself when it can."""
    begin = time.monotonic()
    campus.exec(FETCHES, "nft", "add table inet e2e_cut; add chain inet e2e_cut out { type filter hook output priority 0; };"
                                " add rule inet e2e_cut out tcp dport 8482 drop")
    try:
        create(campus, "late", bound_to(FETCHES))
        told, row = wait_node(campus, "late-cp1", ["creating"], ["image-fetch"], STATE_SECONDS)
        tell(f"late-cp1 says after {told:.0f} s: {row['reason'][:120]}")
        wait_for("the outage has lasted", lambda: time.monotonic() - begin >= OUTAGE_SECONDS, OUTAGE_SECONDS + 30)
        row = node(campus, "late-cp1")
        expect(row["state"] == "creating" and row["vm_state"] != "running", f"late-cp1 runs although its image was out of reach: {row}")
    finally:
        campus.exec(FETCHES, "nft", "delete table inet e2e_cut")
    back = time.monotonic()

    def started():
        row = node(campus, "late-cp1")
        return True if row["vm_state"] == "running" else f"{row['state']}: {row['reason']}"

    wait_for("the VM of late-cp1 runs", started, RETRY_SECONDS + STATE_SECONDS)
    ran = time.monotonic() - back
    wait_ready(campus, "late")
    tell(f"late-cp1 runs {ran:.0f} s after the image could be fetched, and is ready after {time.monotonic() - back:.0f} s")


def _damaged_image(campus):
    """An image whose bytes on the control node's shelf are no longer those of its digest: a disk that decays, a bad restore."""
    folder = os.path.join(STATE, "damaged-image")
    os.makedirs(os.path.join(folder, "blobs"), exist_ok=True)
    disk = os.path.join(folder, "disk.qcow2")
    run(["qemu-img", "create", "-q", "-f", "qcow2", disk, "1G"], 60)
    with open(disk, "ab") as f:
        f.write(b"e2e" * 1000)
    with open(disk, "rb") as f:
        data = f.read()
    digest = hashlib.sha256(data).hexdigest()
    os.replace(disk, os.path.join(folder, "blobs", digest))
    manifest = os.path.join(folder, "node-image.json")
    with open(manifest, "w", encoding="utf-8") as f:
        json.dump({"name": "damaged", "disk": {"sha256": digest, "size_bytes": len(data), "format": "qcow2",
                                               "virtual_size_bytes": 1 << 30}}, f)
    command(campus, "image", "import", "damaged", "--manifest", manifest)
    shelf = os.path.join(STATE, "blobs", "blobs", digest)
    with open(shelf, "r+b") as f:
        f.seek(len(data) - 1)
        f.write(b"X")


def what_always_fails_holds_up_nobody(campus):
    """A node whose image can never be right says so; two clusters created on its host after it come up; its deletion ends at once."""
    _damaged_image(campus)
    create(campus, "never", bound_to(FETCHES), image="damaged")
    told, row = wait_node(campus, "never-cp1", ["creating"], ["image-digest"], STATE_SECONDS)
    tell(f"never-cp1 says after {told:.0f} s: {row['reason'][:120]}")
    for name in ("beside1", "beside2"):
        create(campus, name, bound_to(FETCHES))
    for name in ("beside1", "beside2"):
        wait_ready(campus, name)
    wait_node(campus, "never-cp1", ["creating"], ["image-digest"])
    operation = campus.json("operation", "show", campus.json("cluster", "show", "never")["operation"])
    expect(any("image-digest" in step.get("detail", "") for step in operation["steps"]),
           f"`operation show` does not say why never does not come up: {operation['steps']}")
    took = delete(campus, "never", GONE_SECONDS)
    tell(f"never is deleted after {took:.1f} s")
    for name in ("late", "beside1", "beside2"):
        delete(campus, name)
    command(campus, "image", "delete", "damaged")


def give_a_disk(campus):
    """The host whose disk will be full gets a file system for its agent's files, before there are any."""
    if campus.exec(FULL, "mountpoint", "-q", of_host(FULL, "agent"), check=False).returncode == 0:
        return
    campus.campus("kill", "agent", FULL, check=False)
    image = of_host(FULL, "disk.img")
    with open(image, "wb") as f:
        f.truncate(DISK_GIB << 30)  # takes next to nothing: what is reserved in it below is not written
    run(["mkfs.ext4", "-q", "-m", "0", "-E", "lazy_itable_init=1,lazy_journal_init=1", image], 120)
    campus.exec(FULL, "mount", "-o", "loop", image, of_host(FULL, "agent"))
    campus.exec(FULL, "chmod", "700", of_host(FULL, "agent"))


def _fill(campus):
    """-> the file that takes all but a little of the room"""
    free = int(campus.exec(FULL, "df", "--output=avail", "-B1M", of_host(FULL, "agent")).stdout.split()[-1])
    filler = of_host(FULL, "agent", "filler")
    campus.exec(FULL, "fallocate", "-l", f"{free - LEFT_MIB}M", filler)
    return filler


def a_full_disk_only_stops_its_guests_for_a_while(campus):
    """A guest that writes when its host's disk is full is paused, says so, and goes on where it was when there is room again."""
    create(campus, "full", bound_to(FULL), more=["--for", "2h"])
    wait_ready(campus, "full")
    before = boot_id(campus, "full-cp1")
    filler = _fill(campus)
    try:
        inside(campus, "full-cp1", f"(dd if=/dev/zero of=big bs=1M count={WRITTEN_MIB} conv=fsync; echo ended with $?) > told 2>&1 < /dev/null &")
        told, row = wait_node(campus, "full-cp1", ["failed", "unknown"], ["paused"], 120)
        why = campus.exec(FULL, "virsh", "-q", "domstate", "--reason", row["id"]).stdout.strip()
        expect("I/O error" in why, f"it is not paused by its disk: {why}")
        _, full = wait_host(campus, FULL, ["not-ready"], ["full"])
        tell(f"full-cp1 is paused after {told:.0f} s: {row['reason']}; {FULL}: {full['reason']}")
        campus.exec(FULL, "rm", filler)
        again, _ = wait_node(campus, "full-cp1", ["ready"], seconds=60)
        wait_for("the guest's program has ended", lambda: "ended with" in inside(campus, "full-cp1", "cat told"), 120)
        text = inside(campus, "full-cp1", "cat told")
        expect("ended with 0" in text, f"the guest's program saw an error:\n{text[-500:]}")
    finally:
        campus.exec(FULL, "rm", "-f", filler)
    wait_host(campus, FULL, ["ready"])
    expect(boot_id(campus, "full-cp1") == before, "full-cp1 was booted anew")
    tell(f"with room again it is ready after {again:.0f} s, and the guest's program saw nothing")


def a_hanging_libvirtd_is_told_and_gets_nothing(campus):
    """A libvirtd that takes connections and never answers: `host list` says so, a create leaves its host out, it recovers by itself."""
    other = FETCHES
    begin = time.monotonic()
    campus.campus("kill", "libvirtd", HANGS, "--signal", "STOP")
    try:
        told, row = wait_host(campus, HANGS, ["not-ready"], [], STATE_SECONDS)
        tell(f"{HANGS} says after {told:.0f} s: {row['reason']}")
        expect(row["reason"], f"{HANGS} does not say why it is not ready: {row}")
        for name in (HANGS, other):
            command(campus, "host", "label", name, "pair=yes")
        pair = ["--control-plane-label", "pair=yes", "--label", "pair=yes"]
        refused = command(campus, "cluster", "create", "apart", "--workers", "1", "--flavor", "tiny", "--image", "debian-13-node",
                          "--keypair", "demo", "--apart", "--dry-run", *pair, check=False)
        unusable = re.search(rf"^{HANGS} +unusable .*\w", refused.stderr, re.M)  # the reason may be another one by now
        expect(refused.returncode == 6 and unusable,
               f"two nodes apart on {HANGS} and {other}: {refused.returncode}\n{refused.stdout}{refused.stderr}")
        create(campus, "meanwhile", pair, workers=1)
        where = {n["name"]: n["host"] for n in campus.nodes("meanwhile")}
        expect(set(where.values()) == {other}, f"a hanging host was given something: {where}")
        delete(campus, "meanwhile", GONE_SECONDS)
        wait_for("libvirtd has hung for its time", lambda: time.monotonic() - begin >= HANGING_SECONDS, HANGING_SECONDS + 30)
        wait_host(campus, HANGS, ["not-ready"], [], 5)
    finally:
        campus.campus("kill", "libvirtd", HANGS, "--signal", "CONT")
    again, _ = wait_host(campus, HANGS, ["ready"])
    create(campus, "recovered", bound_to(HANGS))
    ready = wait_ready(campus, "recovered", BOOT_SECONDS)
    tell(f"{HANGS} hung for {time.monotonic() - begin - ready:.0f} s, was ready {again:.0f} s later, and a node on it after {ready:.0f} s")
    delete(campus, "recovered")
