"""The outside oracle: what is really there, read past the programs under test.

libvirt, the process table, files, links, forwarding entries, firewall tables, agents' journals and the database, each
from its own source. Nothing here asks the control node or an agent.
"""

import json
import os
import re
import sqlite3
import subprocess
import xml.etree.ElementTree

import hosts
import network
import plan
import postgres
import proc
from state import CampusError

_UUID = re.compile(r"[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}")
_BRIDGE, _VXLAN, _TAP = re.compile(r"dvb(\d+)$"), re.compile(r"dvx(\d+)$"), re.compile(r"dvt[0-9a-f]{12}$")
# Tables of the agent's journal whose rows mean that the host may still have something.
_OBLIGATIONS = ("obligations", "obligation")
# A claim, a network number or a removal that outlives the last cluster is something that nobody will ever give back.
_TAKEN = {"claims": "claim", "networks": "network", "removals": "removal not confirmed"}
_SHOWN = ("claims", "networks", "removals", "clusters", "nodes", "hosts")


def _nsenter(campus, host, *argv):
    first = hosts.require_holder(campus, host)
    done = subprocess.run(["nsenter", "-t", str(first.pid), "-m", "-n", *argv], capture_output=True, text=True, check=False,
                          timeout=60)
    if done.returncode != 0:
        raise CampusError(f"{host}: `{' '.join(argv[:4])}` failed: {done.stderr.strip()[-300:]}")
    return done.stdout


def _domains(campus, host):
    names = _nsenter(campus, host, "virsh", "-q", "-c", "qemu:///system", "list", "--all", "--uuid").split()
    found = []
    for uuid in names:
        try:
            text = _nsenter(campus, host, "virsh", "-q", "-c", "qemu:///system", "dumpxml", uuid)
            state = _nsenter(campus, host, "virsh", "-q", "-c", "qemu:///system", "domstate", uuid).strip()
        except CampusError:
            continue  # it went between the two questions
        tree = xml.etree.ElementTree.fromstring(text)
        metadata = {}
        for element in tree.findall("./metadata//*"):
            key = element.tag.rpartition("}")[2]
            metadata.update({f"{key}.{k}" if key != "dure" else k: v for k, v in element.attrib.items()})
            if element.text and element.text.strip():
                metadata[key] = element.text.strip()
        found.append({
            "uuid": uuid, "name": tree.findtext("name"), "state": state, "type": tree.get("type"),
            "taps": [t.get("dev") for t in tree.findall("./devices/interface/target") if t.get("dev")],
            "disks": [s.get("file") for s in tree.findall("./devices/disk/source") if s.get("file")],
            "metadata": metadata,
        })
    return found


def qemu_processes(campus, host):
    """QEMU processes of the host as the machine sees them, whether libvirt knows them or not."""
    inode = os.stat(f"/proc/{hosts.require_holder(campus, host).pid}/ns/pid").st_ino
    found = []
    for pid in filter(str.isdigit, os.listdir("/proc")):
        try:
            if os.stat(f"/proc/{pid}/ns/pid").st_ino != inode:
                continue
            with open(f"/proc/{pid}/cmdline", "rb") as f:
                argv = f.read().decode(errors="replace").split("\0")
        except (OSError, ValueError):
            continue
        if "qemu-system" in argv[0] or argv[0].endswith("/kvm"):
            uuid = argv[argv.index("-uuid") + 1] if "-uuid" in argv else None
            if "-uuid" in argv:  # libvirt also runs QEMU for a moment to ask what it can do
                found.append({"pid": int(pid), "uuid": uuid})
    return found


def _links(ns):
    bridges, vxlans, taps = [], [], []
    for name, link in network.links(ns).items():
        data = link.get("linkinfo", {}).get("info_data", {})
        entry = {"name": name, "mtu": link.get("mtu"), "master": link.get("master"), "state": link.get("operstate"),
                 "mac": link.get("address")}
        if _BRIDGE.match(name):
            shown = network.ip_json("-4", "addr", "show", "dev", name, ns=ns)
            addresses = [f"{a['local']}/{a['prefixlen']}" for found in shown for a in found.get("addr_info", [])]
            bridges.append({**entry, "vni": int(_BRIDGE.match(name).group(1)), "addresses": addresses})
        elif _VXLAN.match(name):
            vxlans.append({**entry, "vni": data.get("id"), "local": data.get("local"), "learning": data.get("learning"),
                           "port": data.get("port")})
        elif _TAP.match(name):
            taps.append(entry)
    return bridges, vxlans, taps


def _fdb(ns):
    """Forwarding entries of our VXLAN devices; the kernel's own ('self permanent' without a destination) are not ours."""
    done = subprocess.run(["bridge", "-n", ns, "-j", "fdb", "show"], capture_output=True, text=True, check=False)
    return [
        {"device": e["ifname"], "mac": e["mac"], "destination": e["dst"]}
        for e in json.loads(done.stdout or "[]") if _VXLAN.match(e.get("ifname", "")) and "dst" in e
    ]


def _neighbours(ns):
    return [
        {"device": e["dev"], "address": e["dst"], "mac": e.get("lladdr"), "state": e.get("state")}
        for e in network.ip_json("neigh", "show", ns=ns)
        if e.get("dev", "").startswith(("dvb", "dvx")) and "PERMANENT" in e.get("state", [])
    ]


def _nft(campus, host):
    text = _nsenter(campus, host, "nft", "-j", "list", "ruleset")
    tables, mentioned = {}, set()
    for item in json.loads(text).get("nftables", []):
        for kind, body in item.items():
            if kind == "table":
                tables.setdefault(f"{body['family']} {body['name']}", {"rules": 0, "chains": 0})
            elif kind in ("rule", "chain"):
                key = f"{body['family']} {body['table']}"
                tables.setdefault(key, {"rules": 0, "chains": 0})[kind + "s"] += 1
            mentioned.update(re.findall(r"dv[bx]\d+|dvt[0-9a-f]{12}", json.dumps(body)))
    return [{"name": k, **v} for k, v in sorted(tables.items())], sorted(mentioned)


def _files(campus, host):
    """Everything below the agent's state directory; `object` is the id in the path, if there is one."""
    top = campus.host_dir(host, "agent")
    found = []
    for root, _, names in os.walk(top):
        for name in names:
            path = os.path.join(root, name)
            uuids = _UUID.findall(os.path.relpath(path, top))
            try:
                found.append({"path": os.path.relpath(path, top), "bytes": os.lstat(path).st_size,
                              "object": uuids[0] if uuids else None})
            except FileNotFoundError:
                continue
    return sorted(found, key=lambda f: f["path"])


def _journal(campus, host):
    """Obligations in the agent's journal, read from a read-only connection."""
    owed = []
    for item in _files(campus, host):
        path = campus.host_dir(host, "agent", item["path"])
        try:
            with open(path, "rb") as f:
                if f.read(16) != b"SQLite format 3\0":
                    continue
            with sqlite3.connect(f"file:{path}?mode=ro", uri=True, timeout=5) as db:
                db.row_factory = sqlite3.Row
                names = {row[0] for row in db.execute("SELECT name FROM sqlite_master WHERE type = 'table'")}
                for table in sorted(names & set(_OBLIGATIONS)):
                    for row in db.execute(f'SELECT * FROM "{table}"'):  # a constant of ours, not input
                        owed.append({k: v.hex() if isinstance(v, bytes) else v for k, v in dict(row).items()})
            db.close()
        except (OSError, sqlite3.Error) as error:
            owed.append({"unreadable": f"{item['path']}: {error}"})
    return owed


def _database(campus):
    if proc.find(campus, postgres.COMPONENT) is None:
        return {}
    tables = set(postgres.psql(campus, "SELECT table_name FROM information_schema.tables WHERE table_schema = 'public'"))
    found = {}
    for table in _SHOWN:
        if table in tables:
            rows = postgres.psql(campus, f"SELECT row_to_json(t) FROM {table} t")  # a constant of ours, not input
            found[table] = [json.loads(row) for row in rows]
    return found


def observe(campus):
    seen = {"name": campus.name, "hosts": {}, "database": _database(campus)}
    for host in campus.host_names:
        if hosts.holder(campus, host) is None:
            seen["hosts"][host] = {"off": True, "files": _files(campus, host), "obligations": _journal(campus, host)}
            continue
        ns = campus.host_ns(host)
        bridges, vxlans, taps = _links(ns)
        tables, mentioned = _nft(campus, host)
        entry = {
            "site": campus.host_site(host), "qemu_processes": qemu_processes(campus, host),
            "bridges": bridges, "vxlans": vxlans, "taps": taps, "fdb": _fdb(ns), "neighbours": _neighbours(ns),
            "nft_tables": tables, "nft_devices": mentioned, "files": _files(campus, host),
            "obligations": _journal(campus, host),
        }
        try:
            entry["domains"] = _domains(campus, host)
        except CampusError as error:
            entry["domains"], entry["libvirt_error"] = [], str(error)
        seen["hosts"][host] = entry
    return seen


def left_over(seen):
    """What a campus without clusters must not have, one sentence each."""
    found = []
    for host, entry in seen["hosts"].items():
        if entry.get("libvirt_error"):
            found.append(f"{host}: libvirt does not answer, so its domains are not known: {entry['libvirt_error']}")
        found += [f"{host}: domain {d['name']} ({d['uuid']}, {d['state']})" for d in entry.get("domains", [])]
        found += [f"{host}: QEMU process {q['pid']} of {q['uuid']}" for q in entry.get("qemu_processes", [])]
        for kind, word in (("bridges", "bridge"), ("vxlans", "VXLAN device"), ("taps", "tap")):
            found += [f"{host}: {word} {link['name']}" for link in entry.get(kind, [])]
        found += [f"{host}: forwarding entry {e['mac']} -> {e['destination']} on {e['device']}" for e in entry.get("fdb", [])]
        found += [f"{host}: neighbour {e['address']} on {e['device']}" for e in entry.get("neighbours", [])]
        found += [f"{host}: firewall rules name {device}" for device in entry.get("nft_devices", [])]
        found += [f"{host}: file {f['path']} of {f['object']}" for f in entry["files"] if f["object"]]
        found += [f"{host}: journal obligation {json.dumps(o, sort_keys=True)}" for o in entry["obligations"]]
    for table, word in _TAKEN.items():
        found += [f"database: {word} {json.dumps(row, sort_keys=True)}" for row in seen["database"].get(table, [])]
    return found


def check_cluster(seen, cluster):
    """Compares what the database says of a cluster with what the hosts have. Answers (nodes, faults)."""
    nodes = plan.cluster_nodes(seen["database"], cluster)
    row = plan.network_of(seen["database"], cluster)
    if not nodes or row is None:
        return [], [f"the database has no cluster {cluster!r}" if nodes is None else f"cluster {cluster!r} has no nodes or network"]
    faults = []
    where = {}
    for host, entry in seen["hosts"].items():
        if entry.get("off"):
            faults += [f"{host} is off, and has node {n['name']}" for n in nodes if n["host"] == host]
            continue
        if entry.get("libvirt_error"):
            faults.append(f"{host}: libvirt does not answer: {entry['libvirt_error']}")
        known = {d["uuid"] for d in entry["domains"]}
        faults += [f"{host}: QEMU process {q['pid']} of {q['uuid']} is unknown to libvirt"
                   for q in entry["qemu_processes"] if q["uuid"] not in known]
        for domain in entry["domains"]:
            where.setdefault(domain["uuid"], []).append((host, domain))
        faults += plan.compare(entry, host, row, nodes)
    for uuid, places in where.items():
        if len(places) > 1:
            faults.append(f"domain {uuid} is on several hosts: {', '.join(h for h, _ in places)}")
    for node in nodes:
        faults += _check_node(node, where.get(node["id"], []))
    return nodes, faults


def _check_node(node, places):
    name = f"node {node['name']}"
    if not places:
        return [f"{name}: no domain on any host"]
    faults = [f"{name}: planned on {node['host']}, is on {host}" for host, _ in places if host != node["host"]]
    if node["state"] == "ready":
        faults += [f"{name}: said to be ready, its domain is {d['state']}" for _, d in places if d["state"] != "running"]
        if node["generation"] != node["observed_generation"]:
            faults.append(f"{name}: generation {node['generation']}, observed {node['observed_generation']}")
    return faults


def only_cluster(seen, nodes):
    """The part of `seen` that belongs to these nodes: their domains, and the networks of the taps' bridges."""
    ids = {n.get("id") for n in nodes} | {n["name"] for n in nodes}
    for entry in seen["hosts"].values():
        if entry.get("off"):
            continue
        entry["domains"] = [d for d in entry["domains"]
                            if d["uuid"] in ids or d["name"] in ids or ids & set(d["metadata"].values())]
        taps = {t for d in entry["domains"] for t in d["taps"]}
        masters = {t["master"] for t in entry["taps"] if t["name"] in taps}
        numbers = {int(_BRIDGE.match(m).group(1)) for m in masters if m and _BRIDGE.match(m)}
        entry["taps"] = [t for t in entry["taps"] if t["name"] in taps]
        entry["bridges"] = [b for b in entry["bridges"] if b["vni"] in numbers]
        entry["vxlans"] = [v for v in entry["vxlans"] if v["vni"] in numbers]
        devices = {f"dv{kind}{n}" for kind in "bx" for n in numbers}
        entry["fdb"] = [e for e in entry["fdb"] if e["device"] in devices]
        entry["neighbours"] = [e for e in entry["neighbours"] if e["device"] in devices]
        uuids = {d["uuid"] for d in entry["domains"]}
        entry["qemu_processes"] = [q for q in entry["qemu_processes"] if q["uuid"] in uuids]
        entry["files"] = [f for f in entry["files"] if f["object"] in uuids | ids]
    return seen
