"""The thread that looks, every few seconds, whether what was reached is still so. What is not is told no longer, with a reason."""

import threading
import time

from durenode import network

PERIOD = 5.0
FIRST = 1.0  # until the network is there for the first time


class Watch(threading.Thread):
    def __init__(self, board):
        super().__init__(daemon=True)
        self.board, self.network = board, network.Network()
        self.lost = set()

    def run(self):
        while True:
            try:
                self.look()
            except Exception as error:  # noqa: BLE001  an error here must not end the thread
                print(f"watch: {error!r}", flush=True)
            time.sleep(PERIOD if self.lost or "network" in self.board.stages else FIRST)

    def look(self):
        self._tell("network", self.network.fault())

    def _tell(self, stage, fault):
        """Nothing is said against what has not been there yet in this boot."""
        if not fault:
            self.lost.discard(stage)
            self.board.fail(stage, None)
            self.board.reach(stage)
        elif self.board.drop(stage) or stage in self.lost:
            self.lost.add(stage)
            self.board.fail(stage, fault)
