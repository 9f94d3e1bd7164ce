"""The thread that looks, every few seconds, whether what was reached is still so. What is not is told no longer, with a reason."""

import threading
import time

from durenode import network, system

PERIOD = 5.0
FIRST = 1.0  # until the network is there for the first time
MISSES = 3  # in a row: one answer that is late is not the end of a program


class Watch(threading.Thread):
    def __init__(self, board):
        super().__init__(daemon=True)
        self.board, self.network = board, network.Network()
        self.lost, self.misses = set(), {}

    def run(self):
        while True:
            try:
                self.look()
            except Exception as error:  # noqa: BLE001  an error here must not end the thread
                print(f"watch: {error!r}", flush=True)
            time.sleep(PERIOD if self.lost or "network" in self.board.stages else FIRST)

    def look(self):
        self._tell("network", self.network.fault())
        if not self.board.serves:
            return  # until then the worker has its own look at them
        # A node without its runtime or its kubelet is none, whatever else still runs there.
        runtime = self._missed("containerd", system.containerd_answers())
        self._tell("containerd", runtime)
        self._tell("ready", self._missed("kubelet", system.kubelet_answers()) or runtime)

    def _missed(self, name, answers):
        self.misses[name] = 0 if answers else self.misses.get(name, 0) + 1
        return f"{name} does not answer" if self.misses[name] >= MISSES else None

    def _tell(self, stage, fault):
        """Nothing is said against what has not been there yet in this boot."""
        if not fault:
            self.lost.discard(stage)
            self.board.fail(stage, None)
            self.board.reach(stage)
        elif self.board.drop(stage) or stage in self.lost:
            self.lost.add(stage)
            self.board.fail(stage, fault)
