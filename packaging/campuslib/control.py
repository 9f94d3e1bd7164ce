"""The control node and what is told to it: sites, hosts, flavors, image, key pair, the demo cluster."""

import json
import os
import signal
import subprocess
import time
import urllib.error
import urllib.request

import build
import hosts
import proc
from state import CampusError

COMPONENT = "controlnode"

FLAVORS = {"tiny": (1, 512, 4), "small": (1, 768, 6), "medium": (2, 2048, 16)}
KEYPAIR = "demo"
CLUSTER = "demo"
HOST_VCPUS, HOST_DISK_GIB = 4, 40
AGENT_SECONDS = 120
DEMO_MINUTES = 30


def toml(sections):
    """TOML of {section: {key: text or number}}. A JSON string is a TOML basic string."""
    out = []
    for section, values in sections.items():
        out.append(f"[{section}]")
        out += [f"{key} = {json.dumps(value, ensure_ascii=False)}" for key, value in values.items()]
        out.append("")
    return "\n".join(out)


def _write(path, text):
    """Answers whether it says something else than before."""
    try:
        with open(path, encoding="utf-8") as f:
            if f.read() == text:
                return False
    except FileNotFoundError:
        pass
    with open(path + ".new", "w", encoding="utf-8") as f:
        f.write(text)
    os.rename(path + ".new", path)
    return True


def _stop_if_outdated(campus, component, changed, step):
    process = proc.find(campus, component)
    if process and (changed or process.outdated()):
        step.say(f"{component} is stopped to start it anew: its {'configuration' if changed else 'program'} has changed")
        process.end((signal.SIGTERM, 5), (signal.SIGKILL, 10))


def _run(argv, env=None):
    done = subprocess.run(argv, capture_output=True, text=True, check=False, env={**proc.BASE_ENV, **(env or {})}, cwd="/",
                          timeout=300)
    if done.returncode != 0:
        raise CampusError(f"`{os.path.basename(argv[0])} {' '.join(argv[1:4])}` failed with code {done.returncode}: "
                          + (done.stderr.strip() or done.stdout.strip())[-800:])
    return done.stdout


def sections(campus):
    """The control node's configuration. What places its parts is the campus' own and cannot be set from outside."""
    made = {}
    for name, value in campus.settings.items():
        section, key = name.split(".", 1)
        made.setdefault(section, {})[key] = value
    own = {
        "database": {"url": campus.database_url},
        "keys": {"dir": campus.path("keys")},
        "api": {"listen": f"127.0.0.1:{campus.api_port}"},
        "blobs": {"listen": campus.blobs_listen, "dir": campus.path("blobs")},
        "agents": {"listen": campus.agents_endpoint},
    }
    return {"log": {"level": "info"}, **made, **own}


def configure(campus, step):
    os.makedirs(campus.path("keys"), mode=0o700, exist_ok=True)
    os.makedirs(campus.path("blobs"), exist_ok=True)
    _run([build.programs(campus)["dure-controlnode"], "init", "--dir", campus.path("keys")])
    changed = _write(campus.path("controlnode.toml"), toml(sections(campus)))
    _stop_if_outdated(campus, COMPONENT, changed, step)


def start(campus, env=None):
    process = proc.find(campus, COMPONENT)
    if process is None:
        binary = build.programs(campus)["dure-controlnode"]
        process = proc.launch(campus, COMPONENT, [binary, "run", "--config", campus.path("controlnode.toml")], env=env)
    proc.wait_until(process, campus, lambda: ready(campus), 60, f"200 from {campus.api_url}/readyz")
    return process


def ready(campus):
    try:
        with urllib.request.urlopen(f"{campus.api_url}/readyz", timeout=2) as answer:
            return answer.status == 200
    except (urllib.error.URLError, OSError, ValueError):
        return False


def stop(campus):
    process = proc.find(campus, COMPONENT)
    if process and not process.end((signal.SIGTERM, 5), (signal.SIGKILL, 10)):
        raise CampusError(f"the control node (pid {process.pid}) does not end")


def environment(campus):
    return {"DURE_ADDR": campus.api_url, "DURE_TOKEN_FILE": campus.token_file}


def dure(campus, *argv):
    """Runs the command line; answers its JSON."""
    text = _run([build.programs(campus)["dure"], *argv, "-o", "json"], env=environment(campus))
    try:
        return json.loads(text) if text.strip() else None
    except ValueError as error:
        raise CampusError(f"`dure {' '.join(argv[:3])}` did not answer JSON: {text[:200]!r}") from error


def known(campus, noun, name):
    """Exit code 3 is 'not found'; every other failure is a failure."""
    done = subprocess.run([build.programs(campus)["dure"], noun, "show", name, "-o", "json"], capture_output=True, text=True,
                          check=False, env={**proc.BASE_ENV, **environment(campus)}, cwd="/", timeout=60)
    if done.returncode == 0:
        return True
    if done.returncode == 3:
        return False
    raise CampusError(f"`dure {noun} show {name}` failed with code {done.returncode}: {done.stderr.strip()[-400:]}")


def ensure(campus, noun, name, *argv):
    if known(campus, noun, name):
        return False
    dure(campus, noun, *argv)
    return True


def make_sites(campus):
    for number, site in enumerate(campus.site_names, 1):
        ensure(campus, "site", site, "create", site, "--underlay-mtu", str(campus.site_mtu(number)))


def _first_line(path):
    with open(path, encoding="utf-8") as f:
        return f.readline().strip()


def make_agent(campus, host, step):
    """Keys, configuration and registration of one host; then its agent is started."""
    binary = build.programs(campus)["dure-hostagent"]
    keys = campus.host_dir(host, "keys")
    _run([binary, "init", "--dir", keys])
    host_id, curve_key = (_first_line(os.path.join(keys, name)) for name in ("host_id", "curve.pub"))
    changed = _write(campus.host_dir(host, "agent.toml"), toml({
        "host": {"keys_dir": keys, "state_dir": campus.host_dir(host, "agent")},
        "control": {"endpoint": campus.agents_endpoint, "blobs": f"http://{campus.blobs_listen}",
                    "bundle": campus.path("keys", "agent-bundle.toml")},
        "libvirt": {"uri": "qemu:///system"},
        "network": {"underlay_address": campus.host_address(host), "uplink": "eth0"},
        "capacity": {"vcpus": HOST_VCPUS, "memory_mib": campus.vm_memory_mib, "disk_gib": HOST_DISK_GIB},
        "log": {"level": "info"},
    }))
    ensure(campus, "host", host, "add", host, "--site", campus.host_site(host), "--id", host_id,
           "--address", campus.host_address(host), "--curve-key", curve_key,
           "--vcpus", str(HOST_VCPUS), "--memory-mib", str(campus.vm_memory_mib), "--disk-gib", str(HOST_DISK_GIB),
           "--class", "anchor")
    _stop_if_outdated(campus, hosts.agent_component(host), changed, step)
    return hosts.start_agent(campus, host, binary)


def wait_agents(campus, agents, step):
    """Until the control node counts on every host: what is placed before would go to the hosts that were quicker.

    `agents` is {host: process}; a first report takes libvirt's look at QEMU, which is seconds on a busy machine.
    """
    def ready(host):
        return dure(campus, "host", "show", host)["state"] in ("ready", "cordoned")

    for host, process in agents.items():
        step.say(f"first report of {host}")
        proc.wait_until(process, campus, lambda h=host: ready(h), AGENT_SECONDS, "report at the control node")


def make_catalog(campus, manifest, step):
    for name, (vcpus, memory, disk) in FLAVORS.items():
        step.say(f"flavor {name}")
        ensure(campus, "flavor", name, "create", name, "--vcpus", str(vcpus), "--memory-mib", str(memory),
               "--disk-gib", str(disk))
    if not os.path.exists(campus.demo_key):
        subprocess.run(["ssh-keygen", "-q", "-t", "ed25519", "-N", "", "-C", "dure-campus-demo", "-f", campus.demo_key],
                       check=True, stdin=subprocess.DEVNULL)
    step.say(f"key pair {KEYPAIR}")
    ensure(campus, "keypair", KEYPAIR, "create", KEYPAIR, "--public-key-file", campus.demo_key + ".pub")
    name = image_name(manifest)
    step.say(f"image {name}")
    ensure(campus, "image", name, "import", name, "--manifest", manifest)
    step.detail = f"{len(FLAVORS)} flavors, image {name}, key pair {KEYPAIR}"


def _described(manifest):
    with open(manifest, encoding="utf-8") as f:
        return json.load(f)


def image_name(manifest):
    return _described(manifest).get("name", "node")


def demo_flavor(manifest):
    """kubeadm wants 2 vCPUs and 1700 MiB."""
    return "medium" if _described(manifest).get("kubernetes") else "small"


def nodes(campus, cluster=None):
    answer = dure(campus, "node", "list", *(["--cluster", cluster] if cluster else []))
    return answer["items"] if isinstance(answer, dict) else answer or []


def make_demo(campus, manifest, step):
    """The demo cluster: created when it does not exist, and waited for either way."""
    argv = ["cluster", "create", CLUSTER, "--workers", "2", "--control-planes", "1", "--flavor", demo_flavor(manifest),
            "--image", image_name(manifest), "--keypair", KEYPAIR, "--sites", ",".join(campus.site_names)]
    if not known(campus, "cluster", CLUSTER):
        step.say("creating (the first boot of a node takes a minute or more without KVM)")
        env = {**os.environ, **environment(campus)}
        code = step.run([build.programs(campus)["dure"], *argv], env=env, check=False, cwd="/")
        if code not in (0, 7):
            raise CampusError(f"`dure {' '.join(argv[:3])}` ended with code {code}\n{step.tail()}")
    deadline = time.monotonic() + DEMO_MINUTES * 60
    while True:
        seen = nodes(campus, CLUSTER)
        states = ", ".join(f"{n['name']} {n['state']}" for n in seen)
        if states and all(n["state"] == "ready" for n in seen):
            break
        if time.monotonic() > deadline:
            raise CampusError(f"the demo cluster is not ready after {DEMO_MINUTES} min: {states or 'it has no nodes'}\n"
                              f"  Look at: campus status; {campus.log_path('controlnode')}; {campus.log_path('agent-h1')}")
        if states != step.detail:
            step.say(states)
        time.sleep(2)  # another process' state over HTTP: there is nothing to wait on
    for node in seen:
        step.note(f"{node['name']:<12} {node['state']:<8} {node.get('host', '?'):<6} {node.get('site', '?'):<8} "
                  f"{node.get('address', '?')}")
    step.detail = f"{len(seen)} nodes ready on {len({n.get('host') for n in seen})} hosts at " \
                  f"{len({n.get('site') for n in seen})} sites"
