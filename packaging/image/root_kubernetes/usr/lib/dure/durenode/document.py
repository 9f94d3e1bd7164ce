"""The host's message and the document in it: checked completely before anything is done. No side effects."""

import hashlib
import json
import re
from ipaddress import IPv4Address, IPv4Network

MAX_LINE_BYTES = 160 * 1024
MAX_FILE_BYTES = 64 * 1024
FOLDERS = ("/etc/dure/", "/etc/kubernetes/pki/", "/etc/cni/net.d/")
ROLES = ("init", "control-plane", "worker")
MODES = {"0600": 0o600, "0644": 0o644}
NAME = re.compile(r"[a-z0-9]([a-z0-9-]{0,61}[a-z0-9])?", re.ASCII)
HOST_NAME = re.compile(r"(?=.{1,253}\Z)[a-z0-9]([a-z0-9-]{0,61}[a-z0-9])?(\.[a-z0-9]([a-z0-9-]{0,61}[a-z0-9])?)*", re.ASCII)
VERSION = re.compile(r"v\d{1,3}\.\d{1,3}\.\d{1,3}(-[a-z0-9.]{1,32})?", re.ASCII)
USER = re.compile(r"[A-Za-z0-9][A-Za-z0-9:._@-]{0,127}", re.ASCII)
PATH = re.compile(r"(/[A-Za-z0-9][A-Za-z0-9._-]{0,63}){3,6}", re.ASCII)
REVISION = re.compile(r"[0-9a-f]{16}", re.ASCII)
KEY = b'"document":'


class Refused(Exception):
    """The message is not what the contract says; the text names the field and repeats nothing of its value."""


class Document:
    """Plain values; see `parse_document`."""

    __slots__ = ("cluster", "node", "role", "kubernetes", "address", "api", "hosts", "pod_network", "own_pods", "routes",
                 "network", "services", "mtu", "cni", "joined", "files", "departing", "admins", "patience")


class File:
    __slots__ = ("path", "mode", "content")

    def __init__(self, path, mode, content):
        self.path, self.mode, self.content = path, mode, content

    @property
    def secret(self):
        """All but the pod network's configuration is there for the join alone."""
        return not self.path.startswith("/etc/cni/")


def _need(condition, what):
    if not condition:
        raise Refused(what)


def _closed(value, required, optional, what):
    _need(isinstance(value, dict), f"{what} is not an object")
    _need(set(required) <= set(value), f"{what} lacks a field")
    _need(set(value) <= set(required) | set(optional), f"{what} has an unknown field")


def _text(value, grammar, what):
    _need(isinstance(value, str) and grammar.fullmatch(value) is not None, what)
    return value


def _list(value, most, what):
    _need(isinstance(value, list) and len(value) <= most, what)
    return value


def _address(value, what):
    try:
        _need(isinstance(value, str) and len(value) <= 15, what)
        return str(IPv4Address(value))
    except ValueError:
        raise Refused(what) from None


def _prefix(value, what):
    try:
        _need(isinstance(value, str) and len(value) <= 18 and "/" in value, what)
        return str(IPv4Network(value))
    except ValueError:
        raise Refused(what) from None


def _integer(value, least, most, what):
    _need(isinstance(value, int) and not isinstance(value, bool) and least <= value <= most, what)
    return value


def _pair(value, what):
    _need(isinstance(value, list) and len(value) == 2, what)
    return value


def _names(value, most, grammar, what):
    names = [_text(each, grammar, what) for each in _list(value, most, what)]
    _need(len(set(names)) == len(names), what)
    return names


def _files(value):
    files = []
    for entry in _list(value, 16, "files"):
        _closed(entry, ("path", "mode", "content"), (), "files")
        path = _text(entry["path"], PATH, "files: path")
        _need(path.startswith(FOLDERS) and ".." not in path, "files: path")
        _need(isinstance(entry["mode"], str) and entry["mode"] in MODES, "files: mode")
        content = entry["content"]
        _need(isinstance(content, str) and "\0" not in content, "files: content")
        try:
            content = content.encode()
        except UnicodeEncodeError:
            raise Refused("files: content") from None
        _need(len(content) <= MAX_FILE_BYTES, "files: content")
        files.append(File(path, MODES[entry["mode"]], content))
    paths = [file.path for file in files]
    _need(len(set(paths)) == len(paths), "files: a path twice")
    return files


def parse_document(value):
    _closed(value, ("v", "cluster", "node", "role", "kubernetes", "address", "api", "hosts", "pods", "services", "mtu",
                    "cni", "joined"), ("network", "files", "departing", "admins", "patience"), "document")
    _integer(value["v"], 1, 1, "v")
    made = Document()
    made.cluster = _text(value["cluster"], NAME, "cluster")
    made.node = _text(value["node"], NAME, "node")
    _need(isinstance(value["role"], str) and value["role"] in ROLES, "role")
    made.role = value["role"]
    made.kubernetes = _text(value["kubernetes"], VERSION, "kubernetes")
    made.address = _address(value["address"], "address")
    made.api = _text(value["api"], HOST_NAME, "api")
    made.hosts = []
    for entry in _list(value["hosts"], 1024, "hosts"):
        address, name = _pair(entry, "hosts")
        made.hosts.append((_address(address, "hosts"), _text(name, HOST_NAME, "hosts")))
    pods = value["pods"]
    _closed(pods, ("network", "own", "routes"), (), "pods")
    made.pod_network, made.own_pods = _prefix(pods["network"], "pods: network"), _prefix(pods["own"], "pods: own")
    made.routes = {}
    for entry in _list(pods["routes"], 1024, "pods: routes"):
        prefix, via = _pair(entry, "pods: routes")
        made.routes[_prefix(prefix, "pods: routes")] = _address(via, "pods: routes")
    made.network = _prefix(value["network"], "network") if value.get("network") is not None else None
    made.services = _prefix(value["services"], "services")
    made.mtu = _integer(value["mtu"], 576, 65535, "mtu")
    _need(isinstance(value["cni"], str) and value["cni"] in ("native", "none"), "cni")
    made.cni = value["cni"]
    _need(isinstance(value["joined"], bool), "joined")
    made.joined = value["joined"]
    made.files = _files(value.get("files", []))
    made.departing = _names(value.get("departing", []), 64, NAME, "departing")
    made.admins = _names(value.get("admins", []), 512, USER, "admins")
    patience = value.get("patience", 1.0)
    _need(isinstance(patience, (int, float)) and not isinstance(patience, bool) and 0.1 <= patience <= 100, "patience")
    made.patience = float(patience)
    return made


def _no_twins(pairs):
    made = dict(pairs)
    _need(len(made) == len(pairs), "a field twice")
    return made


def _no_constant(_text_of_it):
    raise Refused("not a number of JSON")


def parse_message(line):
    """One line of the host -> (revision, now_ms, Document)."""
    _need(len(line) <= MAX_LINE_BYTES, "too long")
    try:
        message = json.loads(line.decode(), object_pairs_hook=_no_twins, parse_constant=_no_constant)
    except (ValueError, RecursionError):
        raise Refused("not JSON") from None
    _closed(message, ("v", "revision", "now_ms", "document"), (), "message")
    _integer(message["v"], 1, 1, "v")
    revision = _text(message["revision"], REVISION, "revision")
    now_ms = _integer(message["now_ms"], 1, 1 << 45, "now_ms")
    # The document is the last field; its bytes are what the revision names.
    raw = line[line.index(KEY) + len(KEY):]
    _need(raw.endswith(b"}") and hashlib.sha256(raw[:-1]).hexdigest()[:16] == revision,
          "the document is not of its revision")
    return revision, now_ms, parse_document(message["document"])
