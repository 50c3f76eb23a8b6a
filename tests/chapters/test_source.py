"""Check that no chapter's files contain forbidden code."""

from tests.chapters import markup_rules, source_rules
from tests.support.contract import CHAPTERS


def test_nothing_is_printed(folder):
    assert source_rules.prints(folder) + markup_rules.prints_in_scripts(folder) == []


def test_only_templates_contain_html(folder):
    assert source_rules.html_in_python(folder) == []


def test_escaping_is_never_switched_off(folder):
    assert source_rules.unescaped(folder) + markup_rules.unescaped_in_templates(folder) == []


def test_templates_have_no_inline_script(folder):
    assert markup_rules.inline_script_in_templates(folder) == []


def test_scripts_insert_text_and_never_html(folder):
    assert markup_rules.html_in_scripts(folder) == []


def test_nothing_is_loaded_from_another_host(folder):
    assert markup_rules.other_hosts_in_files(folder) == []


def test_forms_that_post_have_a_csrf_token(folder):
    assert markup_rules.posts_without_token(folder) == []


def test_runserver_serves_websockets(folder):
    assert source_rules.runserver_without_websockets(folder) == []


def test_settings_keep_protections_on(folder):
    assert source_rules.insecure_settings(folder) == []


def test_sockets_are_behind_the_origin_validator(folder):
    assert source_rules.asgi(folder, bool(CHAPTERS[folder.name].socket)) == []


def test_chapter_imports_nothing_from_the_repository(folder):
    assert source_rules.imports_from_the_repository(folder) == []


def test_contract_lists_every_route(folder):
    # A new page has to be listed in the contract, so that the rules check it too.
    assert source_rules.routes(folder) == CHAPTERS[folder.name].routes
