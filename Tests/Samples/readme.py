# SPDX-License-Identifier: Apache-2.0
"""The commands of a sample's README, one after the other, with what they print compared with what stands there.

A block ```sh is run as it stands, by one bash after the other that share directory and environment. Words behind `sh`: `embedded` or
`servers`, only in that form; `again`, repeated until it prints what is expected, as a person looks again; `watch`, left running until it
has, then ended by Ctrl-C; `exit=N`, the status it must end with instead of 0. A block ```text is what the last command prints: byte for byte but for ids,
numbers and the widths of table columns; a line `...` stands for any lines.
"""

import os
import re
import shutil
import signal
import subprocess
import time

PATIENCE = 120


class Block:
    def __init__(self, step, words, text):
        self.step, self.words, self.text = step, words, text
        self.expected = None


def blocks(readme, form):
    """What a reader of one form types, in order."""
    result, step, last = [], "", None
    lines = iter(readme.split("\n"))
    for line in lines:
        if line.startswith("## "):
            step, last = line[3:].split(".")[0], None
        if not line.startswith("```") or line == "```":
            continue
        kind, *words = line[3:].split()
        body = []
        for inner in lines:
            if inner == "```":
                break
            body.append(inner)
        text = "\n".join(body)
        if kind == "sh":
            if form in words or not {"embedded", "servers"} & set(words):
                last = Block(step, words, text)
                result.append(last)
            elif last and last.expected is None:
                # The other form's command: the text that follows may still be the one of ours.
                pass
            else:
                last = None
        elif kind == "text" and last:
            last.expected = text
            last = None
    return result


def normal(text):
    """Without what differs from run to run."""
    text = text.replace("\r", "")
    text = re.sub(r"\b[0-9a-f]{32}\b", "UID", text)
    text = re.sub(r"-?\b\d+(\.\d+)?(e[+-]\d+)?\b", "N", text)
    text = re.sub(r"-{3,}", "--", text)
    lines = [re.sub(r" +", " ", line).strip() if "|" in line or "   " in line else line for line in text.split("\n")]
    while lines and not lines[-1]:
        lines.pop()
    return lines


def agrees(expected, printed, beginning=False):
    """Whether the lines are those expected; with `beginning` more may follow."""
    if not expected:
        return beginning or not printed
    if expected[0] == "...":
        return any(agrees(expected[1:], printed[skip:], beginning) for skip in range(len(printed) + 1))
    return bool(printed) and expected[0] == printed[0] and agrees(expected[1:], printed[1:], beginning)


class Shell:
    """A person's terminal: directory and environment stay from command to command."""

    def __init__(self, directory, environment, replace, log):
        self.directory, self.environment, self.replace, self.log = directory, dict(environment), replace, log
        self.state = os.path.join(directory, ".environment")
        self.output = []

    def script(self, text):
        for old, new in self.replace:
            text = text.replace(old, new)
        return text

    def start(self, text, **options):
        state = "'%s'" % self.state
        script = "cd '%s'; [ -f %s ] && . %s\n%s\nstatus=$?; export -p > %s; exit $status" % (
            self.directory, state, state, self.script(text), state)
        return subprocess.Popen(["bash", "-c", script], stdin=subprocess.DEVNULL, env=self.environment, **options)

    def run(self, text):
        """Output and exit status; what goes on in the background keeps no one waiting."""
        path = os.path.join(self.directory, ".output")
        with open(path, "wb") as output:
            status = self.start(text, stdout=output, stderr=self.log).wait(1800)
        with open(path, errors="replace", newline="") as output:
            return output.read(), status

    def watch(self, text, is_enough, patience=PATIENCE):
        """Output until it is enough, then Ctrl-C; what was printed before that had its effect belongs to it."""
        path = os.path.join(self.directory, ".watched")
        with open(path, "wb") as output:
            process = self.start(text, stdout=output, stderr=self.log, process_group=0)
        deadline = time.monotonic() + patience
        try:
            while True:
                time.sleep(0.1)
                if is_enough(self.read(".watched")) or time.monotonic() > deadline or process.poll() is not None:
                    break
        finally:
            try:
                os.killpg(process.pid, signal.SIGINT)
                process.wait(60)
            except ProcessLookupError:
                pass
            except subprocess.TimeoutExpired:
                os.killpg(process.pid, signal.SIGKILL)
                raise AssertionError("Ctrl-C didn't end: " + text)
        return self.read(".watched")

    def follow(self, block):
        """Runs a block and compares what it prints.
        Returns what it printed."""
        expected = None if block.expected is None else normal(self.script(block.expected))
        deadline = time.monotonic() + PATIENCE
        while True:
            if "watch" in block.words:
                printed, status = self.watch(block.text, lambda text: agrees(expected, normal(text), beginning=True)), 0
            else:
                printed, status = self.run(block.text)
            wanted = next((int(word[5:]) for word in block.words if word.startswith("exit=")), 0)
            fine = status == wanted and (
                expected is None or agrees(expected, normal(printed), beginning="watch" in block.words))
            if fine:
                return printed
            if "again" not in block.words or time.monotonic() > deadline:
                raise AssertionError("step %s: %s\nexit status %d, printed:\n%s\nexpected (status %d):\n%s" % (
                    block.step, self.script(block.text), status, printed, wanted, block.expected))
            time.sleep(0.3)

    def eventually(self, what, check, seconds=120):
        deadline = time.monotonic() + seconds
        while True:
            value = check()
            if value:
                return value
            assert time.monotonic() < deadline, "not within %d s: %s" % (seconds, what)
            time.sleep(0.2)

    def read(self, name):
        """What is in a file: nothing yet, where what was started in the background hasn't opened it."""
        try:
            with open(os.path.join(self.directory, name), errors="replace") as file:
                return file.read()
        except FileNotFoundError:
            return ""

    def processes(self):
        """Ids of everything that runs in the application's folder."""
        found = []
        for entry in filter(str.isdigit, os.listdir("/proc")):
            try:
                if os.readlink("/proc/%s/cwd" % entry) == self.directory:
                    found.append(int(entry))
            except OSError:
                pass
        return found

    def end(self, number=signal.SIGTERM):
        for process in self.processes():
            try:
                os.kill(process, number)
            except ProcessLookupError:
                pass

    def remove(self):
        self.end()
        deadline = time.monotonic() + 60
        while self.processes() and time.monotonic() < deadline:
            time.sleep(0.1)
        self.end(signal.SIGKILL)
        self.log.close()
        shutil.rmtree(self.directory, ignore_errors=True)
