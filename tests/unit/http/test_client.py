from beseda.http.client import count_connections


def test_connections_leave_files_for_the_rest() -> None:
    assert 64 <= count_connections() <= 4096
