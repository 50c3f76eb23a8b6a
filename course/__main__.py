"""The command line: `python -m course VERB`. The verbs are those of verbs.py.

Any Python 3 can read this file, so that an old one can say which to choose. Everything else is
imported when it's needed: most verbs run again with the environment's Python.
"""

import argparse
import importlib
import os
import signal
import subprocess
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
    for name in ("SIGTERM", "SIGHUP"):
        # As an exception, so that servers which were started are stopped on this way out too.
        # What is ignored already was meant to be: by nohup.
        number = getattr(signal, name, None)
        if number and signal.getsignal(number) != signal.SIG_IGN:
            signal.signal(number, leave)
    # A shell ignores it for what it starts in the background, and all that is started here,
    # which is stopped by it, would take that over.
    signal.signal(signal.SIGINT, signal.default_int_handler)
    from course.console import CourseError

    try:
        return do(words)
    except CourseError as error:
        sys.stderr.write("%s\n" % error)
        return 1
    except KeyboardInterrupt:
        sys.stderr.write("\nInterrupted.\n")
        return 130


def leave(number, frame):
    """End the program because of a signal, after cleaning up."""
    raise SystemExit(128 + number)


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
        parser().error("%s does not know %s" % (asked.verb, " ".join(more)))
    arguments = vars(asked)
    lacking = [each for each in verb.arguments if each.needed and not arguments[name_of(each)]]
    if lacking:
        names = " and ".join(each.variable for each in lacking)
        parser().error("%s needs %s: %s" % (verb.name, names, verb.call))
    del arguments["verb"]
    if verb.packages:
        django = arguments.pop("django", None)
        if verb.check:
            function(verb.check)(**arguments)
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
            # What's missing gets a sentence with an example, later.
            options = {key: value for key, value in each.options.items() if key != "required"}
            if isinstance(options.get("type"), str):
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


def name_of(argument):
    """Return an argument's name in Python."""
    return argument.name.strip("-").replace("-", "_")


def function(name):
    """Import the function called "module:function"."""
    module, _, attribute = name.partition(":")
    return getattr(importlib.import_module(module), attribute)


def run_in_place(command):
    """Run a command in place of this process."""
    if os.name != "posix":
        return subprocess.call(command)
    sys.stdout.flush()
    os.execv(command[0], command)


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
