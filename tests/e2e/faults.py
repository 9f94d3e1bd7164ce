"""What hosts, guests and clocks do to a campus that is in use: rows of cases side by side, each on hosts of its own."""

import host_faults
from clock_faults import (SETTLES_SECONDS, a_date_hours_back_stops_nothing, a_date_weeks_ahead_ends_nothing,
                          control_node_with_a_date_of_its_own)
from fault_tools import HOSTS, command, wait_host
from guest_faults import a_cut_off_guest_is_told_and_repaired, a_panicked_guest_is_told_and_repaired
from host_faults import (a_full_disk_only_stops_its_guests_for_a_while, a_hanging_libvirtd_is_told_and_gets_nothing,
                         images_out_of_reach_for_a_minute, what_always_fails_holds_up_nobody)
from lost_host import (a_host_pulled_for_good_is_given_up, it_comes_back_set_up_anew_with_a_new_disk,
                       it_comes_back_set_up_anew_with_its_old_disk)
from running import SideBySide


def more_hosts_for_faults(campus):
    """Three more hosts join; each gets a label of its own."""
    campus.up("--hosts", str(HOSTS), "--until", "hosts")
    host_faults.give_a_disk(campus)
    campus.up("--no-demo", "--set", f"clock.settles_s={SETTLES_SECONDS}")
    control_node_with_a_date_of_its_own(campus)
    for number in range(1, HOSTS + 1):
        wait_host(campus, f"h{number}", ["ready"])
        command(campus, "host", "label", f"h{number}", f"pc=h{number}")


def nothing_is_left_of_the_faults(campus):
    for number in range(1, HOSTS + 1):
        wait_host(campus, f"h{number}", ["ready"])
    campus.check("--empty")


CASES = [
    more_hosts_for_faults,
    SideBySide(
        [a_host_pulled_for_good_is_given_up, it_comes_back_set_up_anew_with_its_old_disk, it_comes_back_set_up_anew_with_a_new_disk],
        [a_hanging_libvirtd_is_told_and_gets_nothing],
        [a_full_disk_only_stops_its_guests_for_a_while, a_date_weeks_ahead_ends_nothing, a_date_hours_back_stops_nothing],
        [images_out_of_reach_for_a_minute, what_always_fails_holds_up_nobody],
        [a_panicked_guest_is_told_and_repaired],
        [a_cut_off_guest_is_told_and_repaired]),
    nothing_is_left_of_the_faults]
