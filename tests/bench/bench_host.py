"""A control node and one real agent beside it, in the private machine that tests/run makes for a benchmark."""

import http.client
import json
import os
import pathlib
import subprocess
import sys

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parents[1] / "support" / "plant"))

from plant import Plant, wait_for  # noqa: E402

UPLINK, ADDRESS = "bench0", "192.0.2.1"
CAPACITY = {"vcpus": 64, "memory_mib": 16384, "disk_gib": 512}
FLAVOR = {"name": "small", "vcpus": 1, "memory_mib": 128, "disk_gib": 4}
BASE_GIB = 2
# A boot sector that stops the processor: a guest that runs and takes no time from those that are measured after it.
SLEEPING = bytes([0xFA, 0xF4, 0xEB, 0xFD]).ljust(510, b"\0") + bytes([0x55, 0xAA])


def missing():
    """What this benchmark needs and has not got; empty when all is there."""
    for name in ("DURE_TEST_PG", "DURE_TEST_LIBVIRT_URI", "DURE_TEST_PRIVATE_NETNS", "DURE_BUILD_DIR"):
        if not os.environ.get(name):
            return f"{name} is not set; run it by `tests/run bench` as root"
    return ""


def run(*argv, **more):
    return subprocess.run(argv, check=True, stdin=subprocess.DEVNULL, capture_output=True, text=True, timeout=120, **more).stdout


class BenchHost:
    """The plant, and a host in it that makes real guests."""

    def __init__(self):
        self.uri = os.environ["DURE_TEST_LIBVIRT_URI"]
        self.plant = Plant(os.environ["DURE_BUILD_DIR"], os.environ["DURE_TEST_PG"])

    def start(self):
        run("ip", "link", "add", UPLINK, "type", "veth", "peer", "name", UPLINK + "p")
        run("ip", "address", "add", ADDRESS + "/24", "dev", UPLINK)
        for link in (UPLINK, UPLINK + "p"):
            run("ip", "link", "set", link, "up")
        self.plant.init()
        self.plant.start_control()
        self._make_host()
        self._start_agent()
        self._make_catalog()

    @property
    def agent_pid(self):
        return self.plant.processes["agent"].pid

    def _make_host(self):
        plant, keys = self.plant, self.plant.folder / "agent-keys"
        run(plant.program("dure-hostagent"), "init", "--dir", str(keys))
        plant.need("POST", "/api/v1/sites", {"name": "lab", "underlay_mtu": 1500})
        plant.need("POST", "/api/v1/hosts", {
            "name": "pc", "site": "lab", "id": (keys / "host_id").read_text().strip(), "address": ADDRESS,
            "curve_key": (keys / "curve.pub").read_text().strip(), "class": "anchor", "capacity": CAPACITY})

    def _start_agent(self):
        plant = self.plant
        sections = {
            "host": {"keys_dir": str(plant.folder / "agent-keys"), "state_dir": str(plant.folder / "agent")},
            "control": {"endpoint": f"tcp://127.0.0.1:{plant.agents_port}", "blobs": f"http://127.0.0.1:{plant.blobs_port}",
                        "bundle": str(plant.folder / "keys/agent-bundle.toml")},
            "libvirt": {"uri": self.uri}, "network": {"underlay_address": ADDRESS, "uplink": UPLINK},
            "capacity": CAPACITY, "log": {"level": os.environ.get("DURE_BENCH_LOG", "info")}}
        text = "".join(f"[{name}]\n" + "".join(f"{k} = {json.dumps(v)}\n" for k, v in keys.items())
                       for name, keys in sections.items())
        (plant.folder / "agent.toml").write_text(text)
        os.makedirs(plant.folder / "agent", mode=0o711, exist_ok=True)
        plant.folder.chmod(0o711)  # libvirt's storage driver looks through it
        plant._start("agent", [plant.program("dure-hostagent"), "run", "--config", str(plant.folder / "agent.toml")])
        wait_for("the agent reports", lambda: self._host_ready(), 90, 0.2)

    def _host_ready(self):
        host = self.plant.need("GET", "/api/v1/hosts/pc")
        return True if host["state"] == "ready" else f"{host['state']}\n" + self.plant.log("agent")[-2000:]

    def _make_catalog(self):
        plant = self.plant
        raw, base = plant.folder / "base.raw", plant.folder / "base.qcow2"
        with open(raw, "wb") as disk:
            disk.write(SLEEPING)
            disk.truncate(BASE_GIB << 30)
        run("qemu-img", "convert", "-f", "raw", "-O", "qcow2", str(raw), str(base))
        connection = http.client.HTTPConnection("127.0.0.1", plant.api_port, timeout=60)
        connection.request("POST", "/api/v1/blobs", base.read_bytes(), {"Authorization": f"Bearer {plant.token}"})
        blob = json.loads(connection.getresponse().read())
        connection.close()
        plant.need("POST", "/api/v1/flavors", FLAVOR)
        plant.need("POST", "/api/v1/images", {"name": "image", "disk": blob, "min_disk_gib": BASE_GIB})
        key = plant.folder / "guest-key"
        run("ssh-keygen", "-q", "-t", "ed25519", "-N", "", "-f", str(key))
        plant.need("POST", "/api/v1/keypairs", {"name": "key", "public_key": pathlib.Path(f"{key}.pub").read_text().strip()})
        self.base = base

    def stop(self):
        self.plant.stop()
