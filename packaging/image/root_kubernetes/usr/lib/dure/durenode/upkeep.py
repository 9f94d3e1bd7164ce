"""What a control-plane member does for its cluster all the time: who administers it, and which nodes leave it."""

import hashlib
import os
from urllib.parse import quote

from durenode import api, member, plan, system

LABEL = "dure.io/access"
REQUESTS = "/apis/certificates.k8s.io/v1/certificatesigningrequests"
SWEEPS = 2  # for what a kubelet has asked for before its machine ended


def binding_of(user):
    return {"apiVersion": "rbac.authorization.k8s.io/v1", "kind": "ClusterRoleBinding",
            "metadata": {"name": "dure:access:" + hashlib.sha256(user.encode()).hexdigest()[:20], "labels": {LABEL: "true"}},
            "roleRef": {"apiGroup": "rbac.authorization.k8s.io", "kind": "ClusterRole", "name": "cluster-admin"},
            "subjects": [{"apiGroup": "rbac.authorization.k8s.io", "kind": "User", "name": user}]}


def bindings_to_change(users, listed):
    """-> (bindings to make, names to delete); a binding that says something else than ours is made anew."""
    wanted = {binding["metadata"]["name"]: binding for binding in map(binding_of, users)}
    right, wrong = set(), []
    for item in listed:
        name = item["metadata"]["name"]
        mine = wanted.get(name)
        if mine and item.get("subjects") == mine["subjects"] and item.get("roleRef") == mine["roleRef"]:
            right.add(name)
        else:
            wrong.append(name)
    return [wanted[name] for name in sorted(wanted) if name not in right], sorted(wrong)


def fingerprint(users):
    """Of exactly these users: the control node knows by it that a credential works. It computes the same (bootstrap_plan.cpp)."""
    names = "".join(user + "\n" for user in sorted(users))
    return int.from_bytes(hashlib.sha256(names.encode()).digest()[:6], "big")


def drain_command(name, patience):
    # Pods of a node that is gone never confirm their end: they are not waited for for ever.
    return ["kubectl", "--kubeconfig", member.ADMIN, "drain", name, "--ignore-daemonsets", "--delete-emptydir-data",
            "--force", f"--skip-wait-for-delete-timeout={int(30 * patience) or 1}", f"--timeout={int(120 * patience) or 1}s"]


class Upkeep:
    def __init__(self):
        self.server, self.admins_done, self.drained = None, None, set()
        self.access = None  # fingerprint of who is let in
        self.gone = set()   # of the departing nodes
        self.members, self.left = set(), {}

    @property
    def busy(self):
        """Whether it should be run again soon."""
        return bool(self.left)

    def _ask(self, document, method, path, body=None):
        if self.server is None:
            self.server = api.Api.by_kubeconfig(document.api, member.ADMIN)
        return self.server.ask(method, path, body)

    def _expect(self, document, method, path, body=None, also=()):
        status, value = self._ask(document, method, path, body)
        if status not in (200, 201, 202, *also):
            raise system.StepFailed(f"the API server answered {status} to {method} {path.split('?')[0]}")
        return status, value

    def run(self, document, tell=lambda departed: None):
        """-> names of the departing nodes that are gone; each is told as it goes, since the next one's drain takes minutes.

        What fails of one does not hold the others up: it is raised in the end. Raises NoAnswer or StepFailed.
        """
        if document.role == "worker" or not os.path.exists(member.ADMIN):
            return []
        failures = []
        self._attempt(failures, self._admins, document)
        self.gone &= set(document.departing)
        for name in document.departing:
            if self._attempt(failures, self._depart, document, name):
                self.gone.add(name)
                tell(sorted(self.gone))
        self._attempt(failures, self._sweep, document)
        if failures:
            raise failures[0]
        return sorted(self.gone)

    @staticmethod
    def _attempt(failures, duty, *arguments):
        try:
            return duty(*arguments)
        except system.StepFailed as failed:
            failures.append(failed)
            return None

    def _admins(self, document):
        wanted = tuple(document.admins)
        if self.admins_done == wanted:
            return
        _, found = self._expect(document, "GET", f"{member.BINDINGS}?labelSelector={quote(LABEL + '=true')}")
        make, drop = bindings_to_change(wanted, found["items"])
        for name in drop:
            self._expect(document, "DELETE", f"{member.BINDINGS}/{quote(name)}", also=(404,))
        for binding in make:
            self._expect(document, "POST", member.BINDINGS, binding, also=(409,))
        self.admins_done, self.access = wanted, fingerprint(wanted)

    def _depart(self, document, name):
        path = f"/api/v1/nodes/{quote(name)}"
        status, node = self._expect(document, "GET", path, also=(404,))
        if status == 404:
            self._forget_requests(document, name)  # what was asked for may have come after the answer that is missing
            return True
        # From a node of which the cluster hears nothing nobody would confirm that a pod has ended: its pods go with it.
        if name not in self.drained and plan.ready_condition(node) != "Unknown":
            self.drained.add(name)  # once: what could not be moved in that time goes with the node
            try:
                system.follow(drain_command(name, document.patience), 180 * document.patience)
            except system.StepFailed as failed:
                print(f"drain {name}: {failed}", flush=True)
        self._expect(document, "DELETE", path, also=(404,))
        self._forget_requests(document, name)
        self.drained.discard(name)
        return True

    def _sweep(self, document):
        """A kubelet goes on asking for certificates until its machine ends, which is after its Node object has gone."""
        members = {name for _, name in document.hosts}
        self.left.update({name: SWEEPS for name in self.members - members})
        self.members = members
        for name in sorted(self.left):
            self._forget_requests(document, name)
            self.left[name] -= 1
        self.left = {name: times for name, times in self.left.items() if times > 0}

    def _forget_requests(self, document, name):
        _, found = self._expect(document, "GET", REQUESTS)
        for item in found["items"]:
            if item.get("spec", {}).get("username") == f"system:node:{name}":
                self._expect(document, "DELETE", f"{REQUESTS}/{quote(item['metadata']['name'])}", also=(404,))
