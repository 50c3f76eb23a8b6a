"""The command line: `python -m course VERB`. The verbs are those of verbs.py.

Any Python 3 can read this file, so that an old one can say which to choose. Everything else is
imported when it's needed: most verbs run again with the environment's Python.
"""

import argparse
import contextlib
import importlib
import os
import sys
import textwrap

OLDEST = (3, 11)

INTRODUCTION = "`make run` shows the chat, and `make test-all` tests everything. What there is:"
ENDING = """\
PYTHON=python3.13 chooses a Python, and DJANGO=6.1 a Django. Each pair gets its own environment.
Without make: python3 -m course run --chapter 03 --port 8001, and python3 -m course run --help.
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
    from course import console

    return console.exit_status(lambda: do(words))


def do(words):
    """Carry out the command in `words`; return the exit status. Raises CourseError."""
    from course import chapters
    from course.tasks import environment
    from course.verbs import VERBS

    asked, more = parser().parse_known_args(words)
    if asked.verb in (None, "help"):
        sys.stdout.write(help_text())
        return 0
    verb = next(each for each in VERBS if each.name == asked.verb)
    if more and not verb.more:
        parser().error("%s doesn't know %s" % (verb.name, " ".join(more)))
    arguments = vars(asked)
    del arguments["verb"]
    lacking = [each.variable for each in verb.arguments if each.needed and not arguments[each.key]]
    if lacking:
        parser().error("%s needs %s: %s" % (verb.name, " and ".join(lacking), verb.call))
    packages = verb.packages
    if isinstance(packages, str):
        packages = function(packages)(**arguments)
    if packages:
        django = arguments.pop("django", None)
        if verb.check:
            function(verb.check)(**arguments)
        # A program that reads JSON has no use for how the environment is made.
        out = sys.stderr if arguments.get("json") else sys.stdout
        with contextlib.redirect_stdout(out):
            python = environment.ensure(chapters.ROOT, django)
        if not environment.is_in_use(python):
            return run_in_place([str(python), "-m", "course"] + words)
    if verb.module:
        return run_in_place([sys.executable, "-m", verb.module] + words[1:])
    if verb.more:
        arguments["more"] = more
    return function(verb.function)(**arguments) or 0


def parser():
    """Return the parser of the command line."""
    from course.verbs import VERBS

    top = Parser(prog="python -m course", description="The course's tools.", allow_abbrev=False)
    verbs = top.add_subparsers(dest="verb", metavar="VERB", parser_class=Parser)
    verbs.add_parser("help", help="lists what make can do")
    for verb in VERBS:
        text = verb.help.replace("`", "")
        command = verbs.add_parser(verb.name, help=text, description=text, allow_abbrev=False)
        for each in verb.arguments:
            options = dict(each.options)
            if "type" in options:
                options["type"] = function(options["type"])
            if not each.is_flag:
                options["metavar"] = each.example
            command.add_argument(each.name, help=each.help, **options)
    return top


def help_text():
    """Return what `make help` prints."""
    from course.verbs import VERBS

    lines = [INTRODUCTION.replace("`", ""), ""]
    for verb in VERBS:
        wrapped = textwrap.wrap(verb.explanation.replace("`", ""), 66)
        if len(verb.call) > 22:
            lines.append("  " + verb.call)
        else:
            lines.append("  %-23s%s" % (verb.call, wrapped.pop(0)))
        lines += [" " * 25 + line for line in wrapped]
    return "\n".join(lines) + "\n\n" + ENDING


def function(name):
    """Import the function called "module:function"."""
    module, _, attribute = name.partition(":")
    return getattr(importlib.import_module(module), attribute)


def run_in_place(command):
    """Run a command in place of this process."""
    sys.stdout.flush()
    os.execv(command[0], command)


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
