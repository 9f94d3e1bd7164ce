"""The underlay: a namespace per host, a router namespace with one bridge per site, one link to the control node.

Every function looks first and changes only what is not as it should be, so that it can run over a half-made network.
"""

import json
import os
import shutil
import socket
import subprocess
import sys

from state import CampusError

NETNS_DIR = "/run/netns"


def ip(*argv, ns=None, check=True):
    command = ["ip", *(["-n", ns] if ns else []), *argv]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    if check and done.returncode != 0:
        raise CampusError(f"`{' '.join(command)}` failed: {done.stderr.strip()}")
    return done


def ip_json(*argv, ns=None):
    return json.loads(ip("-j", *argv, ns=ns).stdout or "[]")


def links(ns=None):
    return {link["ifname"]: link for link in ip_json("-d", "link", "show", ns=ns)}


def is_mount(path):
    """By the kernel's list: os.path.ismount() does not see a bind mount within one file system."""
    with open("/proc/self/mountinfo", encoding="utf-8") as f:
        return any(line.split()[4] == path for line in f)


def namespace_exists(ns):
    """A name in /run/netns whose namespace is gone (after a reboot) is not a namespace."""
    path = f"{NETNS_DIR}/{ns}"
    if not os.path.exists(path):
        return False
    return os.stat(path).st_dev != os.stat(NETNS_DIR).st_dev


def namespace_inode(ns):
    return os.stat(f"{NETNS_DIR}/{ns}").st_ino


def make_namespace(campus, ns):
    if namespace_exists(ns):
        return
    path = f"{NETNS_DIR}/{ns}"
    if os.path.exists(path):
        os.unlink(path)
    if not is_mount(NETNS_DIR):
        campus.note_made(NETNS_DIR)
    ip("netns", "add", ns)


def _in_namespace(ns, code, *argv):
    """Runs a small Python text inside a network namespace (no other view is changed)."""
    done = subprocess.run(["nsenter", f"--net={NETNS_DIR}/{ns}", sys.executable, "-I", "-c", code, *argv],
                          capture_output=True, text=True, check=False)
    if done.returncode != 0:
        raise CampusError(f"in {ns}: {done.stderr.strip()[-300:]}")
    return done.stdout


_SYSCTLS = """
import os, sys
for setting in sys.argv[1:]:
    path, value = setting.split("=")
    path = "/proc/sys/net/" + path
    if os.path.exists(path):
        with open(path, "w") as f:
            f.write(value)
"""


def _forward(ns):
    # A machine with Docker passes bridged frames to iptables by default; the campus wants plain bridges.
    _in_namespace(ns, _SYSCTLS, "ipv4/ip_forward=1", "ipv4/conf/all/rp_filter=0", "ipv4/conf/default/rp_filter=0",
                  "bridge/bridge-nf-call-iptables=0", "bridge/bridge-nf-call-ip6tables=0",
                  "bridge/bridge-nf-call-arptables=0", "ipv6/conf/default/accept_ra=0")


def _has_address(link, address, length):
    return any(a.get("local") == address and a.get("prefixlen") == length for a in link.get("addr_info", []))


def _address(ns, device, address, length):
    shown = ip_json("-4", "addr", "show", "dev", device, ns=ns)
    if not any(_has_address(link, address, length) for link in shown):
        ip("addr", "replace", f"{address}/{length}", "dev", device, ns=ns)


def make_router(campus):
    ns = campus.router_ns
    make_namespace(campus, ns)
    ip("link", "set", "lo", "up", ns=ns)
    present = links(ns)
    for number, site in enumerate(campus.site_names, 1):
        if site not in present:
            ip("link", "add", site, "type", "bridge", ns=ns)
        _address(ns, site, campus.site_gateway(number), 24)
        ip("link", "set", site, "mtu", str(campus.site_mtu(number)), "up", ns=ns)
    _forward(ns)
    _make_control_link(campus)


def _make_control_link(campus):
    ns, name = campus.router_ns, campus.control_link
    here, there = links(), links(ns)
    if name in here and "ctl" not in there:
        ip("link", "del", name)
        here.pop(name)
    if name not in here:
        if "ctl" in there:
            ip("link", "del", "ctl", ns=ns)
        ip("link", "add", name, "type", "veth", "peer", "name", "ctl", "netns", ns)
    _address(ns, "ctl", campus.control_gateway, 24)
    ip("link", "set", "ctl", "up", ns=ns)
    _address(None, name, campus.control_address, 24)
    ip("link", "set", name, "up")
    ip("route", "replace", campus.prefix, "via", campus.control_gateway, "dev", name)


def make_host(campus, host):
    ns, router = campus.host_ns(host), campus.router_ns
    number = campus.host_site_number(host)
    mtu = str(campus.site_mtu(number))
    make_namespace(campus, ns)
    ip("link", "set", "lo", "up", ns=ns)
    here, there = links(ns), links(router)
    if ("eth0" in here) != (host in there):
        for where, device, seen in ((ns, "eth0", here), (router, host, there)):
            if device in seen:
                ip("link", "del", device, ns=where)
        here.pop("eth0", None)
    if "eth0" not in here:
        ip("link", "add", host, "mtu", mtu, "netns", router, "type", "veth", "peer", "name", "eth0", "mtu", mtu,
           "netns", ns)
    ip("link", "set", host, "mtu", mtu, "master", f"site{number}", "up", ns=router)
    ip("link", "set", "eth0", "mtu", mtu, "up", ns=ns)
    _address(ns, "eth0", campus.host_address(host), 24)
    ip("route", "replace", "default", "via", campus.site_gateway(number), ns=ns)
    _forward(ns)


def used(campus, host):
    """Whether the namespace holds more than make_host() put there: links or firewall tables of an agent."""
    ns = campus.host_ns(host)
    if set(links(ns)) - {"lo", "eth0"}:
        return True
    tables = subprocess.run(["nsenter", f"--net={NETNS_DIR}/{ns}", "nft", "list", "tables"], capture_output=True, text=True,
                            check=False)
    return bool(tables.stdout.strip())


def clear_host(campus, host):
    """What a power loss leaves of a host's network: nothing. The cable is plugged in again."""
    ns = campus.host_ns(host)
    if namespace_exists(ns):
        _delete_links(ns)
        ip("netns", "del", ns)
    make_host(campus, host)


def finish_mtus(campus):
    """A bridge takes the smallest MTU of its ports as they come; ours is the site's, stated."""
    for number, site in enumerate(campus.site_names, 1):
        ip("link", "set", site, "mtu", str(campus.site_mtu(number)), ns=campus.router_ns)


_CONNECT = """
import socket, sys
socket.create_connection((sys.argv[1], int(sys.argv[2])), timeout=5).close()
"""


def check_reach(campus):
    """Each host reaches the control node by TCP: a firewall of the machine shows here, and not as a silent agent."""
    with socket.socket(socket.AF_INET, socket.SOCK_STREAM) as listener:
        listener.bind((campus.control_address, 0))
        listener.listen(campus.hosts)
        port = str(listener.getsockname()[1])
        for host in campus.host_names:
            try:
                _in_namespace(campus.host_ns(host), _CONNECT, campus.control_address, port)
            except CampusError as error:
                raise CampusError(
                    f"{host} ({campus.host_address(host)}) cannot reach the control node at {campus.control_address}: "
                    f"{error}\n  A firewall of this machine may drop it: allow input on {campus.control_link} from "
                    f"{campus.prefix}."
                ) from error


def remove(campus):
    """Takes every namespace and link of the campus away. Links inside a namespace go with it."""
    warnings = []
    if shutil.which("ip") is None:
        return warnings  # so nothing was made
    if campus.control_link in links():
        ip("link", "del", campus.control_link, check=False)
    prefix = f"{campus.name}-"
    names = os.listdir(NETNS_DIR) if os.path.isdir(NETNS_DIR) else []
    for ns in sorted(names):
        rest = ns[len(prefix):]
        if not ns.startswith(prefix) or not (rest == "r" or (rest[:1] == "h" and rest[1:].isdigit())):
            continue
        if namespace_exists(ns):
            holders = ip("netns", "pids", ns, check=False).stdout.split()
            if holders:
                warnings.append(f"namespace {ns} is still used by process {', '.join(holders)}, which the campus did "
                                "not start; it disappears when that ends")
            _delete_links(ns)
            ip("netns", "del", ns)
        else:
            os.unlink(f"{NETNS_DIR}/{ns}")
    return warnings


def _delete_links(ns):
    """The kernel takes a namespace's links away later, by itself; deleting them first leaves nothing to wait for."""
    for name, link in links(ns).items():
        kind = link.get("linkinfo", {}).get("info_kind")
        if kind in ("veth", "bridge", "vxlan", "tun"):
            ip("link", "del", name, ns=ns, check=False)
