"""The stages that every node has, also one without Kubernetes: as /usr/lib/dure/stage tells them."""

import glob
import json
import subprocess

NETWORKS = "/etc/systemd/network/10-cloud-init-*.network"
RESULT = "/run/cloud-init/result.json"


def rendered(key):
    """Values of `key=` in the files that cloud-init made for networkd."""
    values = []
    for path in sorted(glob.glob(NETWORKS)):
        try:
            with open(path, encoding="utf-8", errors="replace") as handle:
                values += [line.split("=", 1)[1].strip() for line in handle if line.startswith(key + "=")]
        except OSError:
            continue
    return values


def tell(*argv):
    try:
        return subprocess.run(argv, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True,
                              timeout=10, check=False)
    except (OSError, subprocess.TimeoutExpired):
        return None


def default_gateway(text):
    words = text.split()
    return words[words.index("via") + 1] if "via" in words[:-1] else None


def network_is_up():
    wanted = rendered("Address")
    shown = tell("ip", "-o", "addr", "show", "scope", "global") if wanted else None
    if not shown or not set(wanted) <= set(shown.stdout.split()):
        return False
    if not rendered("Gateway"):
        return True  # a network without a way out is complete with its address
    for family in ("-4", "-6"):
        route = tell("ip", family, "route", "show", "default")
        gateway = default_gateway(route.stdout) if route else None
        if not gateway:
            continue
        answer = tell("ping", "-n", "-q", "-c", "1", "-W", "1", gateway)
        if answer and answer.returncode == 0:
            return True
        # A gateway may drop ping; that it answered for its hardware address is enough.
        seen = tell("ip", "neigh", "show", "to", gateway)
        words = seen.stdout.split() if seen else []
        return "lladdr" in words and bool({"REACHABLE", "DELAY", "STALE"} & set(words))
    return False


def configured():
    """(done, error) of cloud-init; (False, None) while it works."""
    try:
        with open(RESULT, encoding="utf-8") as handle:
            errors = json.load(handle)["v1"]["errors"]
    except OSError:
        return False, None
    except (ValueError, KeyError, TypeError):
        return False, "cloud-init: unreadable result"
    return (False, "; ".join(map(str, errors))) if errors else (True, None)
