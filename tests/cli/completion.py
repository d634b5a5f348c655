"""Completions: what bash, zsh and fish offer after a part of a command line.

The scripts are those that the build made; the shells are real ones, and one that is not here is
skipped. A snapshot's types are those of make_snapshot's leak, and of its hostile heap none that a
shell could take for more than a word.
"""

import os
import re
import shutil
import subprocess
import sys
import tempfile
import time

BUILD = os.environ.get("builddir") or os.getcwd()
REFGRAPH = os.path.abspath(os.environ.get("REFGRAPH") or os.path.join(BUILD, "refgraph"))
MAKE = os.path.join(BUILD, "tests", "cli", "make_snapshot")
SCRIPTS = os.path.join(BUILD, "completions")

SEQUENCE = re.compile("\x1b\\[[0-9;?]*[a-zA-Z]")
BASH = """
source %s/refgraph
COMP_WORDS=("$@"); COMP_CWORD=$(($# - 1)); _refgraph; printf '%%s\\n' "${COMPREPLY[@]}"
"""
ZSH = """
zmodload zsh/zpty
zpty -b z zsh -f -i
zpty -w z "PROMPT=; fpath=(%s \\$fpath); autoload -Uz compinit; compinit -u -D; bindkey '^I' list-choices; LISTMAX=9999; print READ''Y"
for ((i = 0; i < 100; i++)); do
    zpty -r -t z part && out+=$part
    [[ $out == *READY* ]] && break
    sleep 0.1
done
out=
zpty -w -n z "$1"$'\\t'
for ((i = 0; i < 15; i++)); do
    while zpty -r -t z part; do out+=$part; i=0; done
    sleep 0.1
done
print -r -- $out
zpty -d z
"""


def bash(line, _folder):
    words = line.replace("=", " = ").split(" ")
    done = subprocess.run(["bash", "-c", BASH % SCRIPTS, "bash"] + words, capture_output=True,
                          text=True, timeout=60)
    return done.stdout + done.stderr


def fish(line, folder):
    done = subprocess.run(["fish", "-c", "set fish_complete_path %s; complete -C '%s'"
                           % (SCRIPTS, line)], capture_output=True, text=True, timeout=60,
                          env=dict(os.environ, HOME=folder, XDG_CONFIG_HOME=folder))
    return done.stdout + done.stderr


def zsh(line, _folder):
    done = subprocess.run(["zsh", "-f", "-c", ZSH % SCRIPTS, "zsh", line], capture_output=True,
                          text=True, timeout=120)
    return SEQUENCE.sub(" ", done.stdout).replace(line, "", 1) + done.stderr


# A line, what must be offered, what must not.
CASES = (
    ("refgraph cy", ["cycles"], ["garbage"]),
    ("refgraph backrefs --hi", ["--highlight"], ["--sort"]),
    ("refgraph cycles --format ", ["json", "svg"], ["ids"]),
    ("refgraph objects --sort ref", ["refcount"], ["address"]),
    ("refgraph why leak.rgs Ses", ["Session"], ["Request"]),
    ("refgraph refs leak.rgs --avoid Re", ["Request"], ["Session"]),
    ("refgraph types leak.rgs --new-since le", ["leak.rgs"], ["Session"]),
    ("refgraph why leak.rgs ga", ["garbage"], ["Session"]),
    ("refgraph types ", ["PID", "leak.rgs"], []),
    ("refgraph dump ", ["PID"], []),
    ("refgraph completion ", ["bash", "zsh", "fish"], []),
    ("refgraph help gen", ["generations"], ["garbage"]),
    ("refgraph why hostile.rgs ", [], ["$(", "`", "\x1b]", "'"]),
)


def check(shell, line, wanted, unwanted, folder, pid):
    said = shell(line, folder)
    offers = said.split()
    for word in wanted:
        word = word.replace("PID", str(pid))
        if not any(offer.startswith(word) for offer in offers):
            return "%r is not offered after %r: %r" % (word, line, said[:500])
    for word in unwanted:
        if word in said if not word[0].isalpha() else word in offers:
            return "%r is offered after %r: %r" % (word, line, said[:500])
    return None


def main():
    shells = ((bash, "bash"), (zsh, "zsh"), (fish, "fish"))
    print("1..%d" % (len(shells) * len(CASES)))
    failed = number = 0
    with tempfile.TemporaryDirectory(prefix="refgraph-completion-") as folder:
        for name in ("leak", "hostile"):
            subprocess.run([MAKE, name, os.path.join(folder, name + ".rgs")], check=True)
        os.symlink(REFGRAPH, os.path.join(folder, "refgraph"))
        os.environ["PATH"] = folder + ":" + os.environ["PATH"]
        os.chdir(folder)
        target = subprocess.Popen([sys.executable, "-c", "import sys; sys.stdin.read()"],
                                  stdin=subprocess.PIPE)
        time.sleep(0.3)
        for shell, program in shells:
            for line, wanted, unwanted in CASES:
                number += 1
                if not shutil.which(program):
                    print("ok %d - %s: %s # SKIP no %s here" % (number, program, line, program))
                    continue
                wrong = check(shell, line, wanted, unwanted, folder, target.pid)
                failed += wrong is not None
                print("%sok %d - %s: %s" % ("not " if wrong else "", number, program, line))
                if wrong:
                    print("# " + wrong)
        target.stdin.close()
        target.wait()
    return 1 if failed else 0


if __name__ == "__main__":
    sys.exit(main())
