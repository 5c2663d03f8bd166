"""The completions of packaging/completion, asked for in a real bash and a real zsh.

    /usr/bin/python3 tests/completion.py build/dev/msgid-milter build/dev/msgid-audit
"""

import os
import re
import shutil
import subprocess
import sys
import tempfile
import unittest
from pathlib import Path

COMPLETION = Path(__file__).resolve().parent.parent / "packaging/completion"
PROGRAMS = [Path(program).resolve() for program in sys.argv[1:3]]

# What Readline sets for a line, and then the function that "complete -F" named.
BASH = r"""
source "$1"
compopt() { [[ $* != '-o nospace' ]] || echo NOSPACE; }
program=$2
shift 2
COMP_WORDS=("$@")
COMP_CWORD=$(($# - 1))
read -ra known <<<"$(complete -p "$program")"
"${known[2]}" "$program"
[[ ${#COMPREPLY[@]} = 0 ]] || printf '%s\n' "${COMPREPLY[@]}"
"""

# In an interactive zsh: Ctrl-X asks for completions, and each word offered goes to $OUT, "done" behind the last.
ZSH_SETUP = r"""
PROMPT=
autoload -U compinit && compinit -D -u
zstyle ':completion:*' verbose no
compadd() {
  local -a offered
  builtin compadd -O offered "$@"
  print -rl -- $offered >>$OUT
  builtin compadd "$@"
}
_ask() { _main_complete; print done >>$OUT; compstate[insert]=; compstate[list]= }
zle -C ask complete-word _ask
bindkey '^X' ask
print ready >>$OUT
"""

ZSH = r"""
zmodload zsh/zpty zsh/zselect
wait_for() {
  local i junk
  for i in {1..600}; do
    while zpty -rt z junk 2>/dev/null; do :; done
    [[ "$(tail -n 1 $OUT)" == $1 ]] && return 0
    zselect -t 5 || :
  done
  print -u2 "no $1 from zsh"
  return 1
}
: >$OUT
zpty z zsh -f -i
zpty -w z ". $SETUP"
wait_for ready || exit 1
for line in ${(f)LINES_TO_ASK}; do
  : >$OUT
  zpty -wn z $'\x15'"$line"$'\x18' # Ctrl-U: without the line before
  wait_for done || exit 1
  print -r -- "${(j:|:)${(f)"$(grep -vxE 'done|' $OUT)"}}"
done
zpty -d z
"""


def option_names(program, *arguments):
    """The options that --help names, with "=" where a value follows."""
    text = subprocess.run([program, *arguments, "--help"], capture_output=True, text=True, check=True).stdout
    options, _, policy = text.partition("The policy:")
    names = {name + ("=" if re.match(r"=|[A-Z]+( |$)|\S+\|", rest) else "")
             for name, rest in re.findall(r"^  (--[a-z.-]+) ?(.*)$", options, re.M)}
    return names | {f"--{name}=" for line in policy.splitlines()[1:] for name in line.split()}


class Asked(unittest.TestCase):
    maxDiff = None

    def setUp(self):
        scratch = tempfile.TemporaryDirectory()
        self.addCleanup(scratch.cleanup)
        self.scratch = Path(scratch.name)
        for program in PROGRAMS:
            (self.scratch / program.name).symlink_to(program)
        self.files = self.scratch / "files"
        self.files.mkdir()
        (self.files / "a message.eml").touch()
        (self.files / "plain.eml").touch()
        self.environment = {"PATH": f"{self.scratch}:/usr/bin:/bin", "HOME": str(self.scratch), "TERM": "dumb",
                            "LC_ALL": "C.UTF-8"}

    def run_shell(self, command, **more):
        done = subprocess.run(command, capture_output=True, text=True, timeout=120, cwd=self.files,
                              stdin=subprocess.DEVNULL, env=self.environment | more)
        self.assertEqual((done.returncode, done.stderr), (0, ""), done.stdout)
        return done.stdout.splitlines()


@unittest.skipUnless(shutil.which("bash"), "skipped: no bash")
class Bash(Asked):
    def ask(self, *words):
        return self.run_shell(["/bin/bash", "--noprofile", "--norc", "-c", BASH, "bash",
                               COMPLETION / "bash" / words[0], words[0], *words])

    def test_every_option_is_offered(self):
        self.assertEqual(set(self.ask("msgid-milter", "")), option_names(PROGRAMS[0]))
        for subcommand in "check", "fix", "explain", "report":
            self.assertEqual(set(self.ask("msgid-audit", subcommand, "--")), option_names(PROGRAMS[1], subcommand))

    def test_options(self):
        self.assertEqual(self.ask("msgid-milter", "--mo"), ["NOSPACE", "--mode="])
        self.assertEqual(self.ask("msgid-milter", "--check"), ["--check-config"])
        self.assertEqual(self.ask("msgid-milter", "--no-such"), [])
        self.assertEqual(self.ask("msgid-audit", "fix", "--in"), ["--in-place"])
        self.assertEqual(self.ask("msgid-audit", "report", "--sig"), [])

    def test_values(self):
        for words in (["--mode", "=", ""], ["--mode", "="], ["--mode", ""]):
            self.assertEqual(self.ask("msgid-milter", *words), ["rewrite", "log-only"])
        self.assertEqual(self.ask("msgid-milter", "--mode", "=", "lo"), ["log-only"])
        self.assertEqual(self.ask("msgid-milter", "--rule.malformed", "=", ""), ["report", "off"])
        self.assertEqual(self.ask("msgid-milter", "--user", "=", "roo"), ["root"])
        self.assertEqual(self.ask("msgid-milter", "--socket-group", "=", "roo"), ["root"])
        self.assertEqual(self.ask("msgid-milter", "--config", "=", "a"), ["a message.eml"])
        self.assertEqual(self.ask("msgid-milter", "--timeout", "=", ""), [])
        self.assertEqual(self.ask("msgid-audit", "check", "--format", "=", ""), ["text", "json"])
        self.assertEqual(self.ask("msgid-audit", "report", "--format", "=", "h"), ["html"])
        self.assertEqual(self.ask("msgid-audit", "check", "--rule.malformed", "=", ""), ["report", "off"])
        self.assertEqual(self.ask("msgid-audit", "check", "--signed", "=", "k"), ["keep"])
        self.assertEqual(self.ask("msgid-audit", "check", "--fold-at", "=", ""), [])
        self.assertEqual(self.ask("msgid-audit", "fix", "-o", "a"), ["a message.eml"])

    def test_subcommands_and_files(self):
        self.assertEqual(set(self.ask("msgid-audit", "")),
                         {"check", "fix", "explain", "report", "--help", "--version"})
        self.assertEqual(self.ask("msgid-audit", "check", "a"), ["a message.eml"])

    def test_a_program_that_does_not_run(self):
        for program in PROGRAMS:
            (self.scratch / program.name).unlink()
            self.assertEqual(self.ask(program.name, ""), [])


@unittest.skipUnless(shutil.which("zsh"), "skipped: no zsh")
class Zsh(Asked):
    def ask(self, *lines):
        """What is offered for each line, all asked in one shell: compinit takes seconds. _files offers a file twice."""
        setup = self.scratch / "setup"
        setup.write_text(f"fpath=({COMPLETION / 'zsh'} $fpath)\n{ZSH_SETUP}")
        answers = self.run_shell(["zsh", "-f", "-c", ZSH], OUT=str(self.scratch / "out"), SETUP=str(setup),
                                 LINES_TO_ASK="\n".join(lines))
        return {line: list(dict.fromkeys(answer.split("|"))) for line, answer in zip(lines, answers, strict=True)}

    def test_syntax(self):
        for file in (COMPLETION / "zsh").iterdir():
            self.run_shell(["zsh", "-n", file])

    def test_both_programs(self):
        expected = {
            "msgid-milter --mode=": ["rewrite", "log-only"],
            "msgid-milter --rule.malformed=o": ["off"],
            "msgid-milter --user=roo": ["root"],
            "msgid-audit ": ["check", "fix", "explain", "report", "--help", "--version"],
            "msgid-audit report --format=": ["text", "json", "csv", "html"],
            "msgid-audit check --rule.malformed=": ["report", "off"],
            "msgid-audit check p": ["plain.eml"],
        }
        # _arguments offers "=" as a suffix, not as a part of the name.
        options = {
            "msgid-milter --": option_names(PROGRAMS[0]),
            "msgid-audit fix --": option_names(PROGRAMS[1], "fix"),
            "msgid-audit report --": option_names(PROGRAMS[1], "report"),
        }
        answers = self.ask(*expected, *options)
        self.assertEqual({line: answers[line] for line in expected}, expected)
        for line, names in options.items():
            self.assertEqual({name.rstrip("=") for name in answers[line]}, {name.rstrip("=") for name in names}, line)


if __name__ == "__main__":
    os.umask(0o022)
    unittest.main(argv=[sys.argv[0], *sys.argv[3:]])
