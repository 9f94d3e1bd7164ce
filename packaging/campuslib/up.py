"""`campus up` and `campus down`: the phases, in order. Every phase looks first and does only what is missing."""

import os
import shutil
import signal
import subprocess

import build
import control
import hosts
import network
import postgres
import proc
import state
from progress import Progress
from state import Campus, CampusError

PHASES = ["packages", "network", "hosts", "database", "build", "image", "control", "agents", "catalog", "demo"]


# Says in a state directory without a campus that what is there was kept by `down --keep-cache`.
_CACHE_MARK = ".campus-cache"
_CACHED = ("build", "image", _CACHE_MARK)


def _memory_mib(args, hosts_count):
    """Per host: 4 GiB, or less so that all hosts together take at most three quarters of what is free."""
    with open("/proc/meminfo", encoding="ascii") as f:
        free = {line.split(":")[0]: int(line.split()[1]) // 1024 for line in f if line.split()[1].isdigit()}
    most = free["MemAvailable"] * 3 // 4 // hosts_count
    if args.vm_memory_mib is not None:
        if args.vm_memory_mib > most:
            raise CampusError(f"--vm-memory-mib {args.vm_memory_mib}: {hosts_count} hosts would take more than 75 % of the "
                              f"{free['MemAvailable']} MiB that are free; at most {most}")
        return args.vm_memory_mib
    return min(4096, most // 64 * 64)


def settle(args):
    """The campus to bring up: as it was saved, or new from the arguments. What is asked must agree with what is there."""
    campus = state.load(args.name, args.state)
    if campus is None:
        directory = os.path.realpath(args.state or state.default_state_dir(args.name))
        _new_state_dir(directory)
        count = args.hosts or 3
        campus = Campus(name=args.name, state_dir=directory, hosts=count, sites=args.sites or min(2, count),
                        mtus=args.underlay_mtu or [1500, 1450], vm_memory_mib=_memory_mib(args, count),
                        octet=state.claim_octet(args.name))
        if not os.path.isdir(directory):
            campus.made.append(directory)
    else:
        state.claim_octet(args.name, campus.octet)
        for what, asked, is_so in (("--sites", args.sites, campus.sites), ("--underlay-mtu", args.underlay_mtu, campus.mtus)):
            if asked is not None and asked != is_so:
                raise CampusError(f"this campus was made with {what} {is_so}; `campus down` first to change that")
        if args.hosts is not None and args.hosts < campus.hosts:
            raise CampusError(f"this campus has {campus.hosts} hosts; `campus down` first to have fewer")
        campus.hosts = args.hosts or campus.hosts
        campus.vm_memory_mib = args.vm_memory_mib or campus.vm_memory_mib
    if campus.sites > campus.hosts:
        raise CampusError(f"{campus.sites} sites need at least as many hosts")
    campus.build_dir = os.path.realpath(args.build_dir) if args.build_dir else campus.build_dir
    campus.image = os.path.realpath(args.image) if args.image else campus.image
    if args.kubernetes_dir:
        campus.kubernetes_dir = os.path.realpath(args.kubernetes_dir)
        if not os.path.isdir(os.path.join(campus.kubernetes_dir, "bin")):
            raise CampusError(f"--kubernetes-dir {args.kubernetes_dir}: has no bin/ with kubeadm, kubelet and kubectl")
    campus.kubernetes = campus.kubernetes if args.kubernetes is None else args.kubernetes
    campus.settings.update(dict(args.settings))
    os.makedirs(campus.path("log"), exist_ok=True)
    os.chmod(campus.state_dir, 0o711)
    campus.save()
    return campus


def _new_state_dir(directory):
    """`down` will remove this directory: it must be ours alone."""
    if directory.count("/") < 2 or (os.path.exists(directory) and not os.path.isdir(directory)):
        raise CampusError(f"--state {directory}: give a directory of its own")
    if os.path.isdir(directory) and os.listdir(directory) and not os.path.exists(os.path.join(directory, _CACHE_MARK)):
        raise CampusError(f"--state {directory} is not empty and not of a campus")


def _hosts_phase(campus, step):
    started = []
    for host in campus.host_names:
        step.say(f"{host} at {campus.host_site(host)}, {campus.host_address(host)}")
        hosts.start_host(campus, host)
        started.append((host, hosts.start_libvirtd(campus, host)))
    for host, process in started:
        step.say(f"libvirtd of {host}")
        hosts.wait_libvirtd(campus, host, process)
    network.check_reach(campus)
    step.detail = f"{campus.hosts} hosts, libvirtd answers on each"


def _network_phase(campus, step):
    step.say(f"router, {campus.sites} sites")
    network.make_router(campus)
    for host in campus.host_names:
        network.make_host(campus, host)
    network.finish_mtus(campus)
    step.detail = ", ".join(f"{site} 10.{campus.octet}.{n}.0/24 MTU {campus.site_mtu(n)}"
                            for n, site in enumerate(campus.site_names, 1))


def _database_phase(campus, step):
    postgres.initialise(campus, step)
    process = postgres.start(campus)
    postgres.make_database(campus)
    step.detail = f"pid {process.pid}, socket {campus.run_path('postgres')}"


def _control_phase(campus, step):
    step.say("keys and configuration")
    control.configure(campus, step)
    process = control.start(campus)
    control.make_sites(campus)
    step.detail = f"pid {process.pid}, {campus.api_url}"


def _agents_phase(campus, step):
    agents = {}
    for host in campus.host_names:
        step.say(host)
        agents[host] = control.make_agent(campus, host, step)
    control.wait_agents(campus, agents, step)
    step.detail = f"{campus.hosts} agents report"


def _packages_phase(campus, args, step):
    del campus
    if args.install:
        build.install(step, with_build=args.build)
    else:
        build.check_installed()
        step.detail = "not installed by wish; what is needed was found"


def up(args):
    with state.locked(args.name) as lock:
        try:
            campus = settle(args)
        except CampusError:
            if state.load(args.name) is None:
                state.release_octet(args.name)
                state.unlink_lock(args.name)
            raise
        progress = Progress(campus.path("log"), lock)
        manifest = []

        def build_phase(step):
            if args.build:
                build.build(campus, step)
            build.programs(campus)

        steps = {
            "packages": ("Debian packages", lambda s: _packages_phase(campus, args, s)),
            "network": ("sites and router", lambda s: _network_phase(campus, s)),
            "hosts": ("hosts and libvirtd", lambda s: _hosts_phase(campus, s)),
            "database": ("PostgreSQL", lambda s: _database_phase(campus, s)),
            "build": ("building the programs" if args.build else "programs", build_phase),
            "image": ("node image", lambda s: manifest.append(build.image(campus, s, args.install))),
            "control": ("control node", lambda s: _control_phase(campus, s)),
            "agents": ("agents", lambda s: _agents_phase(campus, s)),
            "catalog": ("flavors, image, key pair", lambda s: control.make_catalog(campus, manifest[0], s)),
            "demo": ("demo cluster", lambda s: control.make_demo(campus, manifest[0], s)),
        }
        wanted = PHASES[:PHASES.index(args.until) + 1] if args.until else PHASES
        if not args.demo:
            wanted = [phase for phase in wanted if phase != "demo"]
        try:
            for phase in wanted:
                title, work = steps[phase]
                with progress.phase(phase, title) as step:
                    work(step)
        except (CampusError, KeyboardInterrupt):
            progress.summary()
            raise
        progress.summary()
        _what_next(campus, args, wanted)


def _command(campus):
    program = os.path.join(build.CHECKOUT, "packaging", "campus")
    return f"sudo {program}" + ("" if campus.name == state.DEFAULT_NAME else f" --name {campus.name}")


def _what_next(campus, args, wanted):
    campus_command = _command(campus)
    print(f"\nCampus {campus.name} is up" + (f" as far as: {wanted[-1]}" if args.until else "") + ". What to try next:")
    print(f"  {campus_command} status")
    print(f"  {campus_command} exec h1 -- virsh list --all")
    if "control" in wanted:
        print(f"  eval \"$({campus_command} env)\" && dure node list")
    if "demo" in wanted:
        print(f"  {campus_command} ssh {control.CLUSTER}-w1 -- hostname")
        print(f"  dure cluster scale {control.CLUSTER} --workers 3")
        print(f"  {campus_command} check {control.CLUSTER}")
    print(f"  {campus_command} down")


def down(args):
    with state.locked(args.name):
        campus = state.load(args.name, args.state)
        if campus is None:
            state.release_octet(args.name)
            if not args.keep_cache and _drop_cache(args.state or state.default_state_dir(args.name)):
                print(f"campus {args.name}: kept build and image removed")
            else:
                print(f"campus {args.name}: nothing to remove"
                      + ("" if args.state else " (a campus made with --state DIR needs it again after a reboot)"))
        else:
            _take_down(campus, args.keep_cache)
        state.unlink_lock(args.name)


def _drop_cache(directory):
    if not os.path.exists(os.path.join(directory, _CACHE_MARK)):
        return False
    for name in ("build", "image"):
        shutil.rmtree(os.path.join(directory, name), ignore_errors=True)
    os.unlink(os.path.join(directory, _CACHE_MARK))
    _rmdir(directory)
    return True


def _take_down(campus, keep_cache):
    progress = Progress(campus.path("log"))
    with progress.phase("down-programs", "control node") as step:
        control.stop(campus)
        step.detail = ""
    with progress.phase("down-hosts", "hosts, and all that runs in them") as step:
        for component in proc.components(campus):
            if component.startswith("host-"):
                hosts.stop_host(campus, component.removeprefix("host-"))
        for process in hosts.unrecorded(campus):
            step.note(f"pid {process.pid} is a host of this campus without a record; ended")
            process.end((signal.SIGKILL, 30))
    with progress.phase("down-database", "PostgreSQL"):
        postgres.stop(campus)
    with progress.phase("down-rest", "whatever else it started"):
        for component in proc.components(campus):
            process = proc.find(campus, component)
            if process and not process.end((signal.SIGTERM, 3), (signal.SIGKILL, 10)):
                raise CampusError(f"{component} (pid {process.pid}) does not end")
    with progress.phase("down-network", "namespaces and links") as step:
        for warning in network.remove(campus):
            step.note(warning)
    with progress.phase("down-files", "files"):
        _remove_files(campus, keep_cache)
    progress.summary()


def _remove_files(campus, keep_cache):
    _refuse_mounts(campus.state_dir)
    kept = {name for name in _CACHED if keep_cache and os.path.exists(campus.path(name))}
    if kept:
        with open(campus.path(_CACHE_MARK), "w", encoding="utf-8"):
            kept.add(_CACHE_MARK)
    made = list(campus.made)
    # The file that says whose directory this is goes last: a `down` that was cut short can be repeated.
    for name in sorted(os.listdir(campus.state_dir) if os.path.isdir(campus.state_dir) else []):
        if name in kept or name == "campus.json":
            continue
        path = campus.path(name)
        if os.path.isdir(path) and not os.path.islink(path):
            shutil.rmtree(path)
        else:
            os.unlink(path)
    for path in sorted(made, key=len, reverse=True):
        if path == campus.state_dir:
            continue
        if path == network.NETNS_DIR and network.is_mount(path):
            # Refused by the kernel while anybody's namespace is mounted in it.
            subprocess.run(["umount", path], check=False, stderr=subprocess.DEVNULL)
        _rmdir(path)
    if os.path.exists(campus.path("campus.json")):
        os.unlink(campus.path("campus.json"))
    if not kept:
        _rmdir(campus.state_dir)
    shutil.rmtree(campus.runtime_dir, ignore_errors=True)
    state.release_octet(campus.name)


def _refuse_mounts(directory):
    with open("/proc/self/mountinfo", encoding="utf-8") as f:
        points = [line.split()[4] for line in f]
    below = [p for p in points if p == directory or p.startswith(directory + "/")]
    if below:
        raise CampusError(f"mounted below {directory}: {', '.join(below)}; the campus did not do that. umount it, then again")


def _rmdir(path):
    try:
        os.rmdir(path)
    except OSError:
        pass  # not empty, so not ours alone; or gone already
