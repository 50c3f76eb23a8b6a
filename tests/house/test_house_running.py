"""What a chapter does when it runs, asked as a person, a page elsewhere or a program would."""

import live_rules


def test_what_is_typed_is_shown_as_text(visit):
    assert live_rules.pages_escape(visit) == []


def test_messages_arrive_as_text(visit_with_socket):
    assert live_rules.messages_arrive_as_text(visit_with_socket) == []


def test_nothing_runs_in_pages(visit):
    assert live_rules.nothing_runs_in_pages(visit) == []


def test_only_own_pages_open_sockets(visit_with_socket):
    assert live_rules.only_own_pages_open_sockets(visit_with_socket) == []


def test_bad_frames_are_refused(visit_with_socket):
    assert live_rules.bad_frames_are_refused(visit_with_socket) == []


def test_odd_requests_are_answered(visit):
    assert live_rules.odd_requests_are_answered(visit) == []


def test_looking_changes_nothing(visit):
    assert live_rules.looking_changes_nothing(visit) == []


def test_posts_need_a_token(visit):
    assert live_rules.posts_need_a_token(visit) == []
