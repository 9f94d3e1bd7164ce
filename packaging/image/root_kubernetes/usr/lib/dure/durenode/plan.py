"""What a node does next, as a function of what is known. No side effects."""

import re

NODE = re.compile(r"[a-z0-9]([a-z0-9-]{0,61}[a-z0-9])?", re.ASCII)  # names that a host takes


class Facts:
    """All that the next step depends on."""

    def __init__(self, document=None, revision=None, applied=None, address_up=False, containerd_up=False, member=False,
                 in_place=False, ready=False):
        self.document, self.revision, self.applied = document, revision, applied
        self.address_up, self.containerd_up = address_up, containerd_up
        self.member, self.in_place, self.ready = member, in_place, ready


def next_step(facts):
    """One of: wait, network, apply, containerd, adopt, init, join, stranded, ready, upkeep."""
    if facts.document is None:
        return "wait"
    if not facts.address_up:
        return "network"
    if facts.applied != facts.revision:
        return "apply"
    if not facts.containerd_up:
        return "containerd"
    if not facts.member:
        if facts.in_place:
            return "adopt"
        if not credentials(facts.document):
            return "stranded"
        return "init" if facts.document.role == "init" else "join"
    return "upkeep" if facts.ready else "ready"


def credentials(document):
    return any(file.path == "/etc/dure/kubeadm.json" for file in document.files)


def backoff(failures, patience):
    """Seconds before the next try."""
    return min(2.0 * 2 ** min(failures, 5), 30.0) * max(1.0, min(patience, 3.0))


def system_weight(document):
    """The weight of kubelet and containerd beside all pods (79 of two processors), None: systemd's own, 100. On a slow machine the
    API server has to get through its first minute, while the kubelet, which took half of the machine, can only ask it again."""
    return 25 if document.role != "worker" and document.patience > 1 else None


def needs_reset(failures):
    """kubeadm goes on where it was, unless that failed once more: then what is half done is cleared away."""
    return failures >= 2 and failures % 2 == 0


def routes_to_change(wanted, present):
    """Both are {prefix: via}; -> (to set, to remove)."""
    return ({prefix: via for prefix, via in wanted.items() if present.get(prefix) != via},
            sorted(prefix for prefix in present if prefix not in wanted))


def masquerade_rules(document, segment):
    """For `nft -f`: what pods send to the outside goes with the node's address. Every value is a checked prefix."""
    inside = [document.pod_network, document.services] + ([segment] if segment else [])
    outside = " ".join(f"ip daddr != {prefix}" for prefix in inside)
    rule = f"ip saddr {document.own_pods} {outside} masquerade" if document.cni == "native" else ""
    return ("table ip dure\ndelete table ip dure\n"
            "table ip dure {\n chain postrouting {\n  type nat hook postrouting priority srcnat;\n"
            f"  {rule}\n }}\n}}\n")


def hosts_file(hosts):
    lines = ["127.0.0.1 localhost", "::1 localhost ip6-localhost ip6-loopback"]
    return "\n".join(lines + [f"{address} {name}" for address, name in hosts]) + "\n"


def has_resolver(text):
    servers = [line.split()[1] for line in text.splitlines() if line.startswith("nameserver ") and len(line.split()) > 1]
    return any(not server.startswith("127.") and server != "::1" for server in servers)


def last_words(output):
    """The line of a tool's output that says what went wrong."""
    lines = [line.strip() for line in output.splitlines() if line.strip()]
    telling = [line for line in lines if "rror" in line and "stack trace" not in line]
    lines = [line for line in lines if "stack trace" not in line]
    return (telling or lines or ["no output"])[-1]


PROMOTED = re.compile(r"error execution phase (\S+): .*can only promote a learner member")


def phase_done(words):
    """The phase of kubeadm that failed although etcd had done what it asked for; None: it is another failure.

    kubeadm 1.32 asks for a member's promotion on and on, also when an answer came too late and it has long taken place.
    """
    found = PROMOTED.search(words)
    return found[1] if found else None


def condition_ready(node):
    """Of a Node object from the API server; anything unexpected is not ready."""
    return ready_condition(node) == "True"


def ready_condition(node):
    """"True", "False" or "Unknown", as the cluster last saw it; None: it says nothing about that."""
    try:
        return next((each["status"] for each in node["status"]["conditions"] if each["type"] == "Ready"), None)
    except (KeyError, TypeError):
        return None


def not_ready(nodes, cni, members):
    """Names of the nodes that the cluster calls NotReady or Unknown, and of the members that it does not know. A pod network
    that its user has yet to bring leaves every node NotReady: with "none" only those count of which the cluster has not heard."""
    good = ("True", "False") if cni == "none" else ("True",)
    known = {node["metadata"]["name"]: node for node in nodes}
    bad = {name for name, node in known.items() if NODE.fullmatch(name) and ready_condition(node) not in good}
    return sorted(bad | (set(members) - known.keys()))
