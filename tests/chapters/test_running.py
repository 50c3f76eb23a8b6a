"""Check running chapters with requests as people, foreign pages and programs would send them."""

from tests.chapters import live_rules


def test_typed_markup_is_shown_as_text(visit):
    assert live_rules.pages_escape_input(visit) == []


def test_messages_arrive_as_text(visit_with_socket):
    assert live_rules.messages_arrive_as_text(visit_with_socket) == []


def test_pages_run_only_own_scripts(visit):
    assert live_rules.pages_run_only_own_scripts(visit) == []


def test_only_own_pages_open_sockets(visit_with_socket):
    assert live_rules.only_own_pages_open_sockets(visit_with_socket) == []


def test_bad_frames_are_refused(visit_with_socket):
    assert live_rules.bad_frames_are_refused(visit_with_socket) == []


def test_odd_requests_do_not_fail(visit):
    assert live_rules.odd_requests_do_not_fail(visit) == []


def test_get_requests_change_nothing(visit):
    assert live_rules.get_requests_change_nothing(visit) == []


def test_posts_need_a_csrf_token(visit):
    assert live_rules.posts_need_a_token(visit) == []
