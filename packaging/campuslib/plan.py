"""What each host has to have for a cluster, worked out again from the database's rows, and compared with what it has.

Written from the meaning of the tables (sql/README.md), not from the programs' code: both may be wrong, hardly alike.
"""

FLOOD = "00:00:00:00:00:00"


def _one(rows, **fields):
    return next((row for row in rows if all(row.get(k) == v for k, v in fields.items())), None)


def cluster_nodes(database, name):
    """The nodes of a cluster, each with its host's name and address; None when there is no such cluster."""
    cluster = _one(database.get("clusters", []), name=name)
    if cluster is None:
        return None
    nodes = []
    for node in database.get("nodes", []):
        if node["cluster"] == cluster["id"] and node["state"] != "deleting":
            host = _one(database.get("hosts", []), id=node["host"]) or {"name": None, "address": None}
            nodes.append({"id": node["id"], "name": node["name"], "role": node["role"], "state": node["state"],
                          "mac": node["mac"], "address": node["address"], "generation": node["generation"],
                          "observed_generation": node["observed_generation"], "vm_state": node["vm_state"],
                          "host": host["name"], "vtep": host["address"]})
    return sorted(nodes, key=lambda n: n["name"])


def network_of(database, name):
    cluster = _one(database.get("clusters", []), name=name)
    return _one(database.get("networks", []), cluster=cluster["id"]) if cluster else None


def wanted(network, nodes, host):
    """What `host` has to have of this network, or None when it has none of its nodes."""
    here = [n for n in nodes if n["host"] == host]
    if not here:
        return None
    remote = [n for n in nodes if n["host"] != host]
    vni = network["vni"]
    length = network["prefix"].partition("/")[2]
    return {
        "bridge": {"name": f"dvb{vni}", "mtu": network["mtu"], "mac": network["gateway_mac"]},
        "addresses": {f"{network['gateway']}/{length}"},
        "vxlan": {"name": f"dvx{vni}", "vni": vni, "mtu": network["mtu"], "local": here[0]["vtep"], "learning": False,
                  "master": f"dvb{vni}"},
        "taps": {"dvt" + n["mac"].replace(":", "") for n in here},
        "fdb": {(n["mac"], n["vtep"]) for n in remote} | {(FLOOD, n["vtep"]) for n in remote},
        "neighbours": {(n["address"], n["mac"]) for n in remote},
    }


def _sets(host, what, want, have):
    return ([f"{host}: missing {what} {item}" for item in sorted(want - have)]
            + [f"{host}: {what} that is not in the plan: {item}" for item in sorted(have - want)])


def _device(host, want, have):
    if have is None:
        return [f"{host}: missing device {want['name']}"]
    return [f"{host}: {want['name']}: {key} is {have.get(key)}, planned is {value}"
            for key, value in want.items() if have.get(key) != value]


def compare(entry, host, network, nodes):
    """The differences between plan and kernel on one host, one sentence each."""
    vni = network["vni"]
    bridge = _one(entry["bridges"], vni=vni)
    vxlan = _one(entry["vxlans"], vni=vni)
    plan = wanted(network, nodes, host)
    if plan is None:
        return [f"{host}: {link['name']} of a network that has no node here" for link in (bridge, vxlan) if link]
    name = plan["bridge"]["name"]
    taps = {t["name"] for t in entry["taps"] if t["master"] == name}
    faults = _device(host, plan["bridge"], bridge) + _device(host, plan["vxlan"], vxlan)
    faults += _sets(host, f"address of {name}", plan["addresses"], set(bridge["addresses"]) if bridge else set())
    faults += _sets(host, f"tap in {name}", plan["taps"], taps)
    faults += _sets(host, f"forwarding entry of {plan['vxlan']['name']}", plan["fdb"],
                    {(e["mac"], e["destination"]) for e in entry["fdb"] if e["device"] == plan["vxlan"]["name"]})
    faults += _sets(host, f"neighbour of {name}", plan["neighbours"],
                    {(e["address"], e["mac"]) for e in entry["neighbours"] if e["device"] == name})
    return faults
