"""The thread of a control-plane member that asks its API server which nodes the cluster calls NotReady, and says so to the host."""

import os
import threading
import time

from durenode import plan

NODES = "/api/v1/nodes"
PERIOD = 20.0
FRESH = 60.0  # what was asked longer ago is not said any more


def members(document):
    """Names of the cluster's nodes: its document tells their addresses, and those of its API server by a name of its own."""
    return [name for _, name in document.hosts if name != document.api]


class Judge(threading.Thread):
    """Apart from the worker, whose steps can take minutes."""

    def __init__(self, board):
        super().__init__(daemon=True)
        self.board, self.server, self.asked_at = board, None, None

    def run(self):
        while True:
            try:
                self.look(time.monotonic())
            except Exception as error:  # noqa: BLE001  an error here must not end the thread
                print(f"judge: {error!r}", flush=True)
            time.sleep(PERIOD)

    def look(self, now):
        _, document = self.board.newest()
        if document is None or document.role == "worker" or not self.board.serves:
            return
        names = self._ask(document)
        if names is not None:
            self.asked_at = now
            self.board.say(not_ready=names)
        elif self.asked_at is None or now - self.asked_at > FRESH:
            self.board.say(not_ready=None)

    def _ask(self, document):
        from durenode import api, member  # needs the TLS library: not before it is of use
        if not os.path.exists(member.ADMIN):
            return None
        try:
            if self.server is None:
                self.server = api.Api.by_kubeconfig(document.api, member.ADMIN, seconds=10 * max(1.0, min(document.patience, 3.0)))
            status, found = self.server.ask("GET", NODES)
            return plan.not_ready(found["items"], document.cni, members(document)) if status == 200 else None
        except api.NoAnswer as silent:
            print(f"judge: {silent}", flush=True)
        except (KeyError, TypeError):
            print("judge: the answer is not a list of nodes", flush=True)
        self.server = None
        return None
