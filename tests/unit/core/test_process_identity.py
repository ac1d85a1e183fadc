import os
import subprocess
import sys

from beseda.core.process_identity import find_dead_processes, new_process_id

HOST = new_process_id().partition(":")[0]


def test_every_name_is_another_and_never_dead_to_itself() -> None:
    own = new_process_id()
    assert own != new_process_id()
    assert find_dead_processes([own]) == []


def test_process_that_ended_is_dead() -> None:
    ended = subprocess.Popen([sys.executable, "-c", ""])
    ended.wait()
    assert find_dead_processes([f"{HOST}:{ended.pid}:ab"]) == [f"{HOST}:{ended.pid}:ab"]


def test_earlier_process_with_our_number_is_dead() -> None:
    earlier = f"{HOST}:{os.getpid()}:ab"
    assert find_dead_processes([earlier]) == [earlier]


def test_running_process_other_machines_and_strange_names_are_left_alone() -> None:
    assert find_dead_processes([f"{HOST}:{os.getppid()}:ab", "elsewhere:1:ab", "", "x", f"{HOST}:x:y"]) == []
