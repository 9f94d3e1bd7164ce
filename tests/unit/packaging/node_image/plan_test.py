import unittest

from durenode import document, plan
from samples import document as sample


def made(**changes):
    return document.parse_document(sample(**changes))


class NextStep(unittest.TestCase):
    def test_a_worker_goes_from_nothing_to_upkeep_one_step_after_the_other(self):
        facts, seen = plan.Facts(), []
        moves = {"wait": {"document": made(), "revision": "a"}, "network": {"address_up": True}, "apply": {"applied": "a"},
                 "containerd": {"containerd_up": True}, "join": {"member": True}, "ready": {"ready": True}}
        while (step := plan.next_step(facts)) != "upkeep":
            seen.append(step)
            for name, value in moves[step].items():
                setattr(facts, name, value)
        self.assertEqual(seen, ["wait", "network", "apply", "containerd", "join", "ready"])

    def facts(self, **changes):
        base = {"document": made(), "revision": "a", "applied": "a", "address_up": True, "containerd_up": True}
        return plan.Facts(**{**base, **changes})

    def test_the_role_decides_between_init_and_join(self):
        self.assertEqual(plan.next_step(self.facts(document=made(role="init"))), "init")
        self.assertEqual(plan.next_step(self.facts(document=made(role="control-plane"))), "join")

    def test_a_new_document_is_applied_in_a_running_member(self):
        self.assertEqual(plan.next_step(self.facts(member=True, ready=True, revision="b")), "apply")

    def test_a_worker_killed_after_its_join_does_not_join_again(self):
        self.assertEqual(plan.next_step(self.facts(in_place=True)), "adopt")

    def test_without_a_credential_and_not_a_member_the_node_says_so(self):
        self.assertEqual(plan.next_step(self.facts(document=made(joined=True, files=[]))), "stranded")

    def test_a_member_needs_no_credential_after_its_reboot(self):
        self.assertEqual(plan.next_step(self.facts(document=made(joined=True, files=[]), member=True)), "ready")


class Trying(unittest.TestCase):
    def test_the_pause_grows_and_is_bounded(self):
        pauses = [plan.backoff(failures, 1.0) for failures in range(1, 12)]
        self.assertEqual(pauses, sorted(pauses))
        self.assertLessEqual(plan.backoff(1000, 100.0), 90)

    def test_what_is_half_done_is_continued_first_and_cleared_away_then(self):
        self.assertEqual([plan.needs_reset(failures) for failures in range(6)], [False, False, True, False, True, False])

    def test_on_a_slow_control_plane_pods_come_before_the_kubelet(self):
        weights = {(role, patience): plan.system_weight(made(role=role, patience=patience))
                   for role in ("init", "control-plane", "worker") for patience in (1.0, 6.0)}
        self.assertEqual({key for key, weight in weights.items() if weight is not None}, {("init", 6.0), ("control-plane", 6.0)})
        self.assertLess(weights["init", 6.0], 79)


class Texts(unittest.TestCase):
    def test_only_routes_that_differ_are_touched(self):
        fresh, stale = plan.routes_to_change({"10.1.0.0/24": "10.0.0.1", "10.2.0.0/24": "10.0.0.2"},
                                             {"10.1.0.0/24": "10.0.0.1", "10.2.0.0/24": "10.0.0.9", "10.3.0.0/24": "10.0.0.3"})
        self.assertEqual((fresh, stale), ({"10.2.0.0/24": "10.0.0.2"}, ["10.3.0.0/24"]))

    def test_pods_are_hidden_only_from_the_outside(self):
        rules = plan.masquerade_rules(made(), "10.128.0.0/24")
        self.assertIn("ip saddr 10.64.2.0/24 ip daddr != 10.64.0.0/12 ip daddr != 10.96.0.0/16 ip daddr != 10.128.0.0/24 "
                      "masquerade", rules)
        self.assertNotIn("masquerade", plan.masquerade_rules(made(cni="none"), "10.128.0.0/24"))

    def test_the_hosts_file_is_localhost_and_the_members(self):
        self.assertEqual(plan.hosts_file([("10.0.0.1", "a")]).splitlines()[0], "127.0.0.1 localhost")
        self.assertIn("10.0.0.1 a\n", plan.hosts_file([("10.0.0.1", "a")]))

    def test_a_resolver_is_one_that_is_not_the_node_itself(self):
        self.assertTrue(plan.has_resolver("search x\nnameserver 10.0.0.1\n"))
        for text in ("", "search x\n", "nameserver\n", "nameserver 127.0.0.53\nnameserver ::1\n", "#nameserver 10.0.0.1\n"):
            self.assertFalse(plan.has_resolver(text))

    def test_the_telling_line_of_a_tool_is_found(self):
        output = "[init] Using\nerror execution phase preflight: no such thing\nTo see the stack trace of this error execute with --v=5\n"
        self.assertEqual(plan.last_words(output), "error execution phase preflight: no such thing")
        self.assertEqual(plan.last_words("a\nb\n\n"), "b")
        self.assertEqual(plan.last_words(""), "no output")

    def test_a_node_is_ready_only_by_its_condition(self):
        self.assertTrue(plan.condition_ready({"status": {"conditions": [{"type": "Ready", "status": "True"}]}}))
        for odd in (None, {}, {"status": {"conditions": [{"type": "Ready", "status": "Unknown"}]}}, {"status": {"conditions": 5}}):
            self.assertFalse(plan.condition_ready(odd))


if __name__ == "__main__":
    unittest.main()
