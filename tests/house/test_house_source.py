"""What a chapter's files must not hold, whichever way it is asked."""

import markup_rules
import source_rules
from contract import CHAPTERS


def test_nothing_is_printed(folder):
    assert source_rules.prints(folder) + markup_rules.said_in_scripts(folder) == []


def test_html_is_made_by_templates_alone(folder):
    assert source_rules.html_in_python(folder) == []


def test_escaping_is_never_switched_off(folder):
    assert source_rules.unescaped(folder) + markup_rules.unescaped_in_templates(folder) == []


def test_templates_hold_no_inline_script(folder):
    assert markup_rules.inline_script_in_templates(folder) == []


def test_scripts_put_in_text_and_never_html(folder):
    assert markup_rules.html_in_scripts(folder) == []


def test_nothing_is_loaded_from_another_host(folder):
    assert markup_rules.elsewhere_in_files(folder) == []


def test_forms_that_post_carry_a_token(folder):
    assert markup_rules.posts_without_token(folder) == []


def test_daphne_stands_first(folder):
    assert source_rules.runserver_of_another(folder) == []


def test_settings_keep_others_out(folder):
    assert source_rules.open_doors(folder) == []


def test_sockets_stand_behind_the_origin_validator(folder):
    assert source_rules.asgi(folder, bool(CHAPTERS[folder.name].socket)) == []


def test_chapter_stands_alone(folder):
    assert source_rules.leans_on_others(folder) == []


def test_rules_know_every_address(folder):
    # A new page has to be named in the contract, so that the rules look at it too.
    assert source_rules.routes(folder) == CHAPTERS[folder.name].routes
