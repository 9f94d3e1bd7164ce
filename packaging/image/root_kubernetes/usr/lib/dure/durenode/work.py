"""The thread that brings the node into its cluster and keeps it right there. One loop: look, do the next step, again."""

import threading
import time

from durenode import plan, system


class Worker(threading.Thread):
    def __init__(self, board):
        super().__init__(daemon=True)
        self.board = board
        self.facts = plan.Facts()
        self.failures = 0
        self.segment = None
        self.readiness = self.upkeep = None

    def run(self):
        # The board is what the host sees; an error here must not end the thread.
        while True:
            step = "look"
            try:
                self.look()
                step = plan.next_step(self.facts)
                pause = getattr(self, "do_" + step)()
                if self.failures and step in ("init", "join", "apply"):
                    self.failures = 0
                if step not in ("wait", "network", "containerd") and pause is not None:
                    self.board.fail("kubernetes", None)
            except Exception as error:  # noqa: BLE001
                self.failures += 1
                print(f"{step}: {error!r}", flush=True)
                self.board.fail("kubernetes", f"{step}: {error}")
                patience = self.facts.document.patience if self.facts.document else 1.0
                pause = plan.backoff(self.failures, patience)
            if pause:
                self.board.wait(pause, self.facts.revision)

    def look(self):
        facts = self.facts
        facts.revision, facts.document = self.board.newest()
        if facts.document is None:
            return
        if facts.applied != facts.revision:
            self.segment = system.own_segment(facts.document.address)
            facts.address_up = self.segment is not None
        if not facts.containerd_up:
            facts.containerd_up = system.containerd_answers()
            if facts.containerd_up:
                self.board.reach("containerd")
        if not facts.member:
            from durenode import member  # what follows needs the TLS library: not before it is of use
            facts.member = member.is_member()
            facts.in_place = not facts.member and member.in_place(facts.document)
            if facts.member:
                self.joined()

    def joined(self):
        self.facts.member = True
        self.failures = 0
        self.board.reach("init" if self.facts.document.role == "init" else "join")

    def do_wait(self):
        return 30.0

    def do_network(self):
        return 0.5

    def do_apply(self):
        document, revision = self.facts.document, self.facts.revision
        system.write_hosts(document)
        system.write_resolver(document)
        system.set_routes(document.routes)
        system.set_masquerade(document, self.segment)
        for file in document.files:
            if not file.secret:
                system.write_file(file.path, file.content, file.mode)
        self.facts.applied = revision

    def do_containerd(self):
        return 0.5

    def do_adopt(self):
        from durenode import member
        member.adopt()
        self.joined()

    def do_stranded(self):
        self.board.fail("kubernetes", "join: the document has no credential, and this node is not a member")
        self.board.wait(30, self.facts.revision)

    def do_init(self):
        from durenode import member
        member.init(self.facts.document, self.failures)
        self.joined()

    def do_join(self):
        from durenode import member
        member.write_files(self.facts.document, member=False)
        if not member.something_to_join(self.facts.document):
            return 2.0
        member.join(self.facts.document, self.failures)
        self.joined()

    def do_ready(self):
        from durenode import member
        if self.readiness is None:
            member.forget_secrets()
            self.readiness = member.Readiness()
        if not self.readiness.look(self.facts.document):
            return 1.0
        # `ready` is the last stage: the host may give the machine to its user.
        while "configured" not in self.board.stages or "network" not in self.board.stages:
            time.sleep(0.5)
        self.readiness.done()
        self.facts.ready = True
        self.board.reach("ready")
        self.board.serves = True  # from now on it is watched

    def do_upkeep(self):
        from durenode import api, upkeep
        if self.upkeep is None:
            self.upkeep = upkeep.Upkeep()
        try:
            self.board.say(departed=self.upkeep.run(self.facts.document, lambda departed: self.board.say(departed=departed)))
        except api.NoAnswer as silent:
            # Its own API server starts again, say: nothing of a member's state is wrong by that.
            self.upkeep.server = None
            print(f"upkeep: {silent}", flush=True)
            return 5.0
        finally:
            self.board.say(access=self.upkeep.access)
        return 10.0 if self.facts.document.departing or self.upkeep.busy else 60.0
