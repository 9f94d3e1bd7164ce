"""A PC that is pulled for good, and comes back set up anew under its name."""

import os
import shutil

from campus import expect, run, wait_for
from fault_tools import (GONE_SECONDS, STATE_SECONDS, bound_to, brief, command, create, delete, domains, host, of_host, program, tell,
                         wait_host, wait_node, wait_ready)

PULLED, STAYS = "h1", "h2"
FIRST_REPORT_SECONDS = 120   # of an agent on a busy machine: libvirt first asks QEMU what it can


def a_host_pulled_for_good_is_given_up(campus):
    """Its cluster is ready again after `host lost` and `cluster repair`, and can be deleted without it."""
    command(campus, "host", "label", PULLED, "worker=yes")
    create(campus, "pulled", ["--control-plane-label", f"pc={STAYS}", "--label", "worker=yes"], workers=1)
    command(campus, "host", "label", STAYS, "worker=yes")  # where the worker may be made again
    wait_ready(campus, "pulled")
    lost = next(n for n in campus.nodes("pulled") if n["host"] == PULLED)
    campus.campus("kill", "host", PULLED)
    told, row = wait_host(campus, PULLED, ["silent"])
    wait_node(campus, lost["name"], ["unknown"], ["silent"])
    tell(f"{PULLED} is silent after {told:.0f} s")
    # Minutes have to pass, or somebody has to say that it does not come back.
    early = command(campus, "cluster", "repair", "pulled", "--no-wait", check=False)
    expect(early.returncode == 5 and "--lost" in early.stderr, f"repair beside a silent host: {early.returncode}\n{early.stderr}")
    row = command(campus, "host", "lost", PULLED)
    expect(host(campus, PULLED)["state"] == "lost", f"`host lost` left it {brief(host(campus, PULLED))}\n{row.stdout}")
    seen = campus.json("cluster", "show", "pulled")
    expect(seen["state"] == "degraded" and "cluster repair" in seen["reason"], f"the cluster without its worker: {brief(seen)}")
    command(campus, "cluster", "repair", "pulled", "--no-wait")
    took = wait_ready(campus, "pulled")
    nodes = campus.nodes("pulled")
    expect(len(nodes) == 2 and {n["host"] for n in nodes} == {STAYS}, f"nodes: {[(n['name'], n['host']) for n in nodes]}")
    gone = delete(campus, "pulled", GONE_SECONDS)
    tell(f"pulled is ready {took:.0f} s after its repair, and deleted in {gone:.1f} s")


def _set_up_anew(campus, blank):
    """The same PC with new keys; blank: with a new disk as well."""
    old = host(campus, PULLED)["id"]
    shutil.rmtree(of_host(PULLED, "keys"))
    for name in ("agent", "etc-libvirt", "lib-libvirt", "cache-libvirt") if blank else ():
        shutil.rmtree(of_host(PULLED, name))
    campus.campus("start", "host", PULLED)
    campus.campus("start", "libvirtd", PULLED)
    run([program(campus, "dure-hostagent"), "init", "--dir", of_host(PULLED, "keys")], 60)
    words = []
    for name in ("host_id", "curve.pub"):
        with open(of_host(PULLED, "keys", name), encoding="utf-8") as f:
            words.append(f.readline().strip())
    expect(words[0] != old, "the host's id is the one it had")
    command(campus, "host", "replace", PULLED, "--id", words[0], "--curve-key", words[1])
    campus.campus("start", "agent", PULLED)


def _left_of(campus, vm):
    """What is still on the PC of a VM: its domain and files."""
    found = [f"domain {vm}"] if vm in domains(campus, PULLED) else []
    for folder, _, names in os.walk(of_host(PULLED, "agent")):
        found += [os.path.join(folder, name) for name in names if vm in name]
    return found


def _takes_a_vm(campus, cluster):
    """It is given a node and starts it; booting it would only take time."""
    create(campus, cluster, bound_to(PULLED))

    def started():
        row = campus.json("node", "show", f"{cluster}-cp1")
        return True if row["vm_state"] == "running" else brief(row)

    wait_for(f"the VM of {cluster}-cp1 runs on {PULLED}", started, FIRST_REPORT_SECONDS)
    delete(campus, cluster, GONE_SECONDS)


def it_comes_back_set_up_anew_with_its_old_disk(campus):
    """New keys, but the old VM is still there: it is removed, and the host is used again."""
    lost_vm = next(r["id"] for r in host(campus, PULLED)["removing"] if r["kind"] == "vm")
    campus.campus("start", "host", PULLED)
    campus.campus("start", "libvirtd", PULLED)
    expect(lost_vm in domains(campus, PULLED), "the old VM is not there any more: nothing is proven")
    campus.campus("kill", "host", PULLED)
    _set_up_anew(campus, blank=False)
    took, _ = wait_host(campus, PULLED, ["ready"], seconds=FIRST_REPORT_SECONDS)
    wait_for("nothing of the old VM is left", lambda: _left_of(campus, lost_vm) == [] or str(_left_of(campus, lost_vm)),
             STATE_SECONDS)
    tell(f"{PULLED} with its old disk is ready {took:.0f} s after its agent was started, and the old VM is gone")
    _takes_a_vm(campus, "olddisk")


def it_comes_back_set_up_anew_with_a_new_disk(campus):
    """A blank PC in the place of one that nobody has given up before."""
    campus.campus("kill", "host", PULLED)
    _set_up_anew(campus, blank=True)
    took, _ = wait_host(campus, PULLED, ["ready"], seconds=FIRST_REPORT_SECONDS)
    tell(f"{PULLED} with a new disk is ready {took:.0f} s after its agent was started")
    _takes_a_vm(campus, "newdisk")
