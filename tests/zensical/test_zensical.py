"""The site can also be built with Zensical, which the makers of MkDocs's theme work on instead.

Zensical isn't part of the environment: its newest version is installed in a folder for this run.
"""

import html
import os
import re
import shutil
import subprocess
import sys
from collections import Counter

import pytest

from course import chapters
from course.site import build

ARTICLE = re.compile(r"<article\b.*?</article>", re.DOTALL)
IDS = re.compile(r'\bid="([^"]+)"')
ASSETS = chapters.ROOT / "docs" / "assets"
LINKS = re.compile(r'\b(?:href|src)="([^"]+)"')


@pytest.fixture(scope="module")
def sites(tmp_path_factory):
    """The folders of both sites: MkDocs's, and Zensical's."""
    top = tmp_path_factory.mktemp("sites")
    build.build(top / "mkdocs")
    packages, root = top / "packages", top / "root"
    command = [sys.executable, "-m", "uv", "pip", "install", "--quiet", "--target", packages]
    subprocess.run([*command, "zensical"], check=True)
    # It writes beside mkdocs.yml, and wants the pages there.
    shutil.copytree(chapters.ROOT / "docs", root / "docs")
    shutil.copy(chapters.ROOT / "mkdocs.yml", root)
    done = subprocess.run(
        [sys.executable, "-m", "zensical", "build", "--strict"],
        cwd=root,
        env={**os.environ, "PYTHONPATH": f"{packages}{os.pathsep}{chapters.ROOT}"},
        capture_output=True,
        text=True,
    )
    assert done.returncode == 0, done.stdout + done.stderr
    return top / "mkdocs", root / "site"


@pytest.fixture(scope="module")
def articles(sites):
    """What each page says, as HTML, on both sites: {the page's address: (MkDocs's, Zensical's)}."""
    names = {path.relative_to(sites[0]).as_posix() for path in sites[0].rglob("*.html")}
    found = {}
    for name in sorted(names - {"404.html"}):
        texts = [(site / name).read_text(encoding="utf-8") for site in sites]
        found[name] = tuple(ARTICLE.search(text)[0] for text in texts)
    return found


def words(article):
    return html.unescape(re.sub(r"<[^>]+>", " ", article)).split()


def test_no_page_is_missing_and_none_is_added(sites):
    mkdocs, zensical = ({path.relative_to(site) for path in site.rglob("*.html")} for site in sites)
    assert zensical == mkdocs


def test_no_page_lacks_a_word_or_a_block_of_code(articles):
    differ = [name for name, (one, other) in articles.items() if words(one) != words(other)]
    assert differ == []
    assert all(len(words(article)) > 100 for _, article in articles.values())


def test_no_heading_is_without_the_address_that_links_name(articles):
    for name, (one, other) in articles.items():
        assert set(IDS.findall(one)) <= set(IDS.findall(other)), name


def test_no_link_leads_elsewhere(articles):
    for name, article in articles.items():

        def where(link, page=name):
            return os.path.normpath(link if ":" in link else f"{page}/../{link}")

        one, other = (Counter(map(where, LINKS.findall(text))) for text in article)
        assert one == other, name


def test_no_file_that_a_page_loads_is_missing(sites):
    ours = {path.relative_to(chapters.ROOT / "docs") for path in ASSETS.rglob("*.*")}
    assert [path for path in sorted(ours) if not (sites[1] / path).is_file()] == []


def test_no_diagram_stays_undrawn_and_no_script_fails(sites, window):
    page, failed = window(), []
    page.on("pageerror", lambda error: failed.append(str(error)))
    page.on("requestfailed", lambda request: failed.append(request.url))
    page.goto((sites[1] / "chapters/03_sync_group_chat/1_one_process.html").as_uri())
    page.locator(".diagram svg").wait_for()
    page.locator(".step-done button").first.wait_for()
    assert failed == []
