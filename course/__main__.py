"""The command line: `python -m course VERB`. The Makefile's targets are its verbs.

Any Python 3 can read this file, so that an old one can say which to choose. Everything else is
imported when it's needed: most verbs run again with the environment's Python.
"""

import argparse
import os
import signal
import subprocess
import sys

OLDEST = (3, 11)

HELP = """\
Two commands do most:

  make run                 serve chapter 6 at http://127.0.0.1:8000/
                           (CHAPTER=03 serves another, PORT=8001 elsewhere)
  make test-all            run every suite, with a table at the end
                           (REQUIRE_ALL=1: a skipped test is a failed one)

And the rest:

  make start CHAPTER=04 TO=~/mysite
                           write the project as it is at the start of chapter 4 into a
                           new folder (CHAPTER=hardening: at the start of that guide)
  make test CHAPTER=03     run one chapter's suite
  make replay              follow the pages and compare with the folders (CHAPTER=03: one;
                           CHAPTER=hardening, CHAPTER=ten_minutes: another page; with
                           TO=~/mine STEP=5 write the project as it is after step 5)
  make history TO=~/channels-history
                           write a git repository with a commit for each step of the
                           chapters, for git log -p and an editor's timeline
  make draft CHAPTER=03    for authors: print what a chapter's page still lacks
  make screenshots         retake the pages' screenshots
  make bench               measure what a message costs, in about eight minutes
                           (FULL=1: from 1 to 10,000 connections; WRITE=1: for the page)
  make docs                build the site in site/
  make docs-serve          serve it, and rebuild it when a page is saved (PORT=8011)
  make test-docs           test the site, its pictures and the troubleshooting page
  make test-faults         kill servers, Redis and PostgreSQL, and count what's lost
  make lint                check code and spelling
  make lock                pin requirements.in in requirements.txt
  make setup               create the environment, .venv, and nothing else
  make clean               remove environments, the site, caches and databases

PYTHON=python3.13 chooses a Python, DJANGO=6.1 a Django. Each pair gets its own environment.
Without make: python3 -m course run --chapter 03 --port 8001, and python3 -m course --help.
"""


class Parser(argparse.ArgumentParser):
    """A parser that says what's wrong in one line, without listing all options."""

    def error(self, message):
        self.exit(2, message[:1].upper() + message[1:] + ". What there is: make help\n")


def main(words):
    """Carry out the command in `words`; return the exit status."""
    if sys.version_info < OLDEST:
        sentence = "The course needs Python %d.%d or newer, and this is %d.%d. "
        sentence %= OLDEST + tuple(sys.version_info[:2])
        sys.stderr.write(sentence + "Name one: make run PYTHON=python3.12\n")
        return 1
    for name in ("SIGTERM", "SIGHUP"):
        # As an exception, so that servers which were started are stopped on this way out too.
        # What is ignored already was meant to be: by nohup.
        number = getattr(signal, name, None)
        if number and signal.getsignal(number) != signal.SIG_IGN:
            signal.signal(number, leave)
    # A shell ignores it for what it starts in the background, and all that is started here,
    # which is stopped by it, would take that over.
    signal.signal(signal.SIGINT, signal.default_int_handler)
    from course.chapters import UnknownChapter
    from course.progress import Trouble

    try:
        asked, rest = parser().parse_known_args(words)
        return do(asked, rest, words)
    except (Trouble, UnknownChapter) as trouble:
        sys.stderr.write("%s\n" % trouble)
        return 1
    except KeyboardInterrupt:
        sys.stderr.write("\nInterrupted.\n")
        return 130


def leave(number, frame):
    """End the program because of a signal, after cleaning up."""
    raise SystemExit(128 + number)


def parser():
    """Return the parser of the command line."""
    top = Parser(prog="python -m course", description="The course's tools.", allow_abbrev=False)
    verbs = top.add_subparsers(dest="verb", metavar="VERB", parser_class=Parser)

    def verb(name, text):
        return verbs.add_parser(name, help=text, description=text, allow_abbrev=False)

    def django(command):
        command.add_argument("--django", metavar="6.1", help="a series of Django other than 5.2")

    verb("help", "list what make can do")
    django(verb("setup", "make the environment, and nothing else"))

    run = verb("run", "serve a chapter")
    run.add_argument("--chapter", default="06", metavar="06", help="which; 06 if not given")
    run.add_argument("--port", default=8000, type=port, metavar="8000", help="8000 if not given")
    django(run)

    test = verb("test", "run a chapter's suite; what follows is handed to pytest")
    test.add_argument("--chapter", metavar="03", help="which")
    django(test)
    django(verb("test-all", "run every suite, with a table at the end"))

    replay = verb("replay", "follow the pages, compare with the folders")
    replay.add_argument("chapter", nargs="*", metavar="CHAPTER", help="or guide; all if not given")
    replay.add_argument("--write", action="store_true", help="make the folders from the pages")
    replay.add_argument("--fast", action="store_true", help="the files alone; run nothing")
    replay.add_argument("--to", metavar="FOLDER", help="a new one, to be left as a step leaves it")
    replay.add_argument("--step", type=step_number, metavar="5", help="the last if not given")

    start = verb("start", "lay in a new folder what a chapter or a guide goes on from")
    start.add_argument("chapter", nargs="?", metavar="CHAPTER")
    start.add_argument("to", nargs="?", metavar="FOLDER")

    history = verb("history", "write a git repository with a commit for each step")
    history.add_argument("to", nargs="?", metavar="FOLDER", help="a new one")

    draft = verb("draft", "print what a chapter's page still lacks")
    draft.add_argument("chapter", metavar="CHAPTER")
    verb("screenshots", "retake the pages' screenshots")
    bench = verb("bench", "measure what a message costs")
    bench.add_argument("--full", action="store_true", help="from 1 to 10,000 connections")
    bench.add_argument("--write", action="store_true", help="the page and its picture as well")
    bench.add_argument("--soak", action="store_true", help="1,000 at once; then 100,000 messages")
    bench.add_argument("--only", nargs="+", default=[], metavar="SUBJECT", help="and no others")
    bench.add_argument("--connections", nargs="+", default=[], type=count, metavar="100")
    verb("docs", "build the site in site/")
    docs_serve = verb("docs-serve", "serve the site, and build it anew when a page is saved")
    docs_serve.add_argument("--port", default=8010, type=port, metavar="8010")
    verb("test-docs", "look the site, its pictures and its messages over, with a table at the end")
    verb("test-faults", "kill servers, Redis and PostgreSQL, and count what's lost")
    verb("lint", "check code and spelling")
    verb("lock", "pin requirements.in in requirements.txt")
    verb("clean", "remove environments, the site, caches and databases")
    return top


def port(text):
    """Return the number of a port. Raises argparse.ArgumentTypeError."""
    if text.isascii() and text.isdigit() and 0 < int(text) < 65536:
        return int(text)
    raise argparse.ArgumentTypeError("a port is a number from 1 to 65535, and not %r" % text)


def count(text):
    """Return a number of connections. Raises argparse.ArgumentTypeError."""
    if text.isascii() and text.isdigit() and int(text) > 0:
        return int(text)
    raise argparse.ArgumentTypeError("connections are a number from 1 on, and not %r" % text)


def step_number(text):
    """Return the number of a step. Raises argparse.ArgumentTypeError."""
    if text.isascii() and text.isdigit():
        return int(text)
    raise argparse.ArgumentTypeError("a step is a number from 0 on, and not %r" % text)


def do(asked, rest, words):
    """Carry out what was `asked`; return the exit status. `rest` are words for pytest."""
    from course import chapters, environment

    if rest and asked.verb != "test":
        parser().error("%s does not know %s" % (asked.verb or "python -m course", " ".join(rest)))
    if asked.verb is None or asked.verb == "help":
        sys.stdout.write(HELP)
        return 0
    check(asked)
    if asked.verb == "clean":
        from course import upkeep

        sys.dont_write_bytecode = True
        upkeep.clean(chapters.ROOT)
        return 0
    if asked.verb == "start":
        from course import start

        return start.command(asked.chapter, asked.to)
    if asked.verb == "lock":
        environment.lock(chapters.ROOT)
        return 0
    python = environment.ensure(chapters.ROOT, getattr(asked, "django", None))
    if asked.verb == "setup":
        sys.stdout.write("The environment is ready: %s\n" % python.parent.parent)
        return 0
    if not environment.is_in_use(python):
        return again(python, words)
    return do_inside(asked, rest)


def check(asked):
    """Refuse what can't be done, before anything slow starts."""
    from course import chapters, lay, serve

    if asked.verb in ("test", "draft") and not asked.chapter:
        parser().error("say which chapter: make %s CHAPTER=03" % asked.verb)
    if asked.verb == "start" and not (asked.chapter and asked.to):
        parser().error("say which chapter and which folder: make start CHAPTER=04 TO=~/mysite")
    if asked.verb == "history" and not asked.to:
        parser().error("say which folder: make history TO=~/channels-history")
    to_a_step = asked.verb == "replay" and (asked.to is not None or asked.step is not None)
    if to_a_step and (not asked.to or len(asked.chapter) != 1 or asked.write):
        parser().error("a step is left in a folder so: make replay CHAPTER=03 TO=~/mine STEP=5")
    named = getattr(asked, "chapter", None) or []
    find = chapters.find_lesson if asked.verb in ("replay", "start") else chapters.find
    for name in [named] if isinstance(named, str) else named:
        try:
            find(name)
        except chapters.UnknownChapter as unknown:
            parser().error(str(unknown).rstrip("."))
    if asked.verb == "bench":
        from benchmarks import command

        command.check(asked.only, asked.connections, asked.full, asked.write, asked.soak)
    if asked.verb == "run":
        serve.check_port(asked.port)
    if getattr(asked, "to", None):
        lay.place(asked.to)


def again(python, words):
    """Run the same command with the environment's Python, in place of this process."""
    command = [str(python), "-m", "course"] + words
    if os.name != "posix":
        return subprocess.call(command)
    sys.stdout.flush()
    os.execv(command[0], command)


def do_inside(asked, rest):
    """Carry out a command that needs the environment's packages; return the exit status."""
    from course import chapters

    if asked.verb == "run":
        from course import serve

        return serve.serve(chapters.folder(chapters.find(asked.chapter)), asked.port)
    if asked.verb == "test":
        from course import suites

        return suites.test_one(chapters.folder(chapters.find(asked.chapter)), rest)
    if asked.verb == "test-all":
        from course import suites

        return suites.test_all(suites.everything(chapters.ROOT), require_all())
    if asked.verb == "replay" and asked.to:
        from course import step

        return step.command(asked.chapter[0], asked.to, asked.step)
    if asked.verb == "replay":
        from course import replay

        return replay.command(asked.chapter, asked.write, asked.fast)
    if asked.verb == "history":
        from course import history

        return history.command(asked.to)
    if asked.verb == "draft":
        from course import draft

        return draft.command(asked.chapter)
    if asked.verb == "bench":
        from benchmarks import command

        return command.run(asked.only, asked.connections, asked.full, asked.write, asked.soak)
    if asked.verb == "screenshots":
        from course import screenshots

        return screenshots.command()
    if asked.verb == "docs":
        from course import site

        return site.build(chapters.ROOT)
    if asked.verb == "docs-serve":
        from course import site

        return site.serve_site(chapters.ROOT, asked.port)
    if asked.verb == "test-docs":
        from course import suites

        return suites.test_all(suites.of_docs(chapters.ROOT), require_all())
    if asked.verb == "test-faults":
        from course import services, suites

        services.postgres_programs()  # installed before the suites start, where that's allowed
        return suites.test_all(suites.of_faults(chapters.ROOT), require_all())
    from course import upkeep

    return upkeep.lint(chapters.ROOT)


def require_all():
    """Return whether a skipped test counts as failed."""
    return os.environ.get("REQUIRE_ALL", "") not in ("", "0")


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
