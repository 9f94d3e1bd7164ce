"""What the cases about faults share: hosts that a cluster is bound to, commands, and states to wait for."""

import os
import time

from campus import STATE, expect, wait_for

HOSTS = 6             # of these h4 to h6 are there for the faults alone
BOOT_SECONDS = 900    # as in cases.py: several nodes at once, on a machine that may do other things as well
SSH_SECONDS = 180
STATE_SECONDS = 30    # what a host or agent tells is seen
GONE_SECONDS = 10     # a deletion whose hosts answer


def tell(text):
    """One write for the whole line: other rows print as well."""
    print(f"    {text}\n", end="", flush=True)


def command(campus, *argv, timeout=60, check=True):
    """A command that is not repeated, so that it must not meet the minutes in which another case has stopped the database."""
    with campus.database:
        return campus.dure(*argv, timeout=timeout, check=check)


def bound_to(host):
    """Options of `cluster create` that bind all its nodes to one host."""
    return ["--control-plane-label", f"pc={host}", "--label", f"pc={host}"]


def create(campus, name, where, workers=0, image="debian-13-node", more=()):
    """Begun; whoever needs it waits for it."""
    command(campus, "cluster", "create", name, "--workers", str(workers), "--flavor", "tiny", "--image", image, "--keypair", "demo",
            "--no-wait", *where, *more)


def delete(campus, name, seconds=GONE_SECONDS):
    """Ends within that time, and nothing of the cluster is left in the database."""
    begin = time.monotonic()
    command(campus, "cluster", "delete", name, timeout=seconds + 60)
    took = time.monotonic() - begin
    expect(took <= seconds, f"the deletion of {name} took {took:.1f} s, more than {seconds}")
    expect(name not in {c["name"] for c in campus.json("cluster", "list")["items"]}, f"{name} is still there")
    return took


def node(campus, name):
    return campus.json("node", "show", name)


def host(campus, name):
    return campus.json("host", "show", name)


def brief(row):
    return f"{row['name']} {row['state']}" + (f": {row['reason']}" if row.get("reason") else "")


def _all_are(campus, cluster, state):
    nodes = campus.nodes(cluster)
    return True if nodes and all(n["state"] == state for n in nodes) else "; ".join(map(brief, nodes)) or "no nodes"


def wait_ready(campus, cluster, seconds=BOOT_SECONDS):
    """-> seconds until its nodes and the cluster itself were"""
    begin = time.monotonic()
    wait_for(f"the nodes of {cluster} are ready", lambda: _all_are(campus, cluster, "ready"), seconds)

    def cluster_ready():
        row = campus.json("cluster", "show", cluster)
        return True if row["state"] == "ready" else brief(row)

    wait_for(f"cluster {cluster} is ready", cluster_ready, STATE_SECONDS)
    return time.monotonic() - begin


def _is(row, states, words):
    right = row["state"] in states and all(word in (row.get("reason") or "").lower() for word in words)
    return True if right else brief(row)


def wait_node(campus, name, states, words=(), seconds=STATE_SECONDS):
    """Until the node is in one of these states, with all the words in its reason. -> (seconds, its row)"""
    begin = time.monotonic()
    what = f"node {name} is {' or '.join(states)}" + (f" and says {', '.join(words)}" if words else "")
    wait_for(what, lambda: _is(node(campus, name), states, words), seconds)
    return time.monotonic() - begin, node(campus, name)


def wait_host(campus, name, states, words=(), seconds=STATE_SECONDS):
    """The same of a host, as `host list` shows it."""
    begin = time.monotonic()

    def row():
        return next(r for r in campus.json("host", "list")["items"] if r["name"] == name)

    what = f"host {name} is {' or '.join(states)}" + (f" and says {', '.join(words)}" if words else "")
    wait_for(what, lambda: _is(row(), states, words), seconds)
    return time.monotonic() - begin, row()


def domains(campus, where):
    return campus.exec(where, "virsh", "-q", "list", "--all", "--uuid").stdout.split()


def inside(campus, name, what):
    """What a command in a node has printed. On a busy machine its sshd may take longer than a client waits: then once more."""
    answer = []

    def done():
        got = campus.ssh(name, what, check=False)
        answer[:] = [got.stdout.strip()]
        return True if got.returncode == 0 else f"{got.returncode}: {got.stdout[-200:]}{got.stderr[-200:]}"

    wait_for(f"`{what}` in {name}", done, SSH_SECONDS)
    return answer[0]


def boot_id(campus, name):
    return inside(campus, name, "cat /proc/sys/kernel/random/boot_id")


def program(campus, name):
    path = os.path.join(campus.build_dir, {"dure-hostagent": "hostagent"}[name], name)
    expect(os.access(path, os.X_OK), f"{path} is not built")
    return path


def of_host(name, *parts):
    """A file of a host, as the machine sees it."""
    return os.path.join(STATE, "hosts", name, *parts)
