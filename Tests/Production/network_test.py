#!/usr/bin/python3
# SPDX-License-Identifier: Apache-2.0
"""Trouble in the network between hosts: runners live in network namespaces of their own and reach broker and database over veth pairs.

- cut: the link of a host is down; neither side hears of it
- half-open: a runner is killed while its link is down, so that broker and database keep connections nobody is at the other end of
- one-way: what the servers send to a host goes nowhere, what the host sends arrives
- delay: one host reaches the servers through a relay that holds everything back for a while

The outcome must be that of an undisturbed run: every acknowledged sample stored once and scored, every score equal, results at least
once and in order. All of it happens in a network namespace of its own: the machine's network isn't touched. Where namespaces can't
be made, the test says so and is skipped.

Usage: network_test.py [--metrics 12] [--seconds 0] [--seed N]        after the fixed part, random trouble for so many seconds
"""

import argparse
import heapq
import json
import os
import random
import selectors
import socket
import subprocess
import sys
import threading
import time

import failover_test
import production
from production import Application

INSIDE = "HTMENGINE_TEST_INSIDE_NAMESPACE"
SERVER = "10.77.0.1"


def enter_namespace():
    """Runs this program again in a network namespace of its own; returns only when it is in one, or the reason why it can't be."""
    if os.environ.get(INSIDE):
        return None
    flags = ["-n"] if os.getuid() == 0 else ["-r", "-n"]
    for command, wanted in ((["unshare", *flags, "ip", "link", "add", "probe0", "type", "veth", "peer", "name", "probe1"], "veth"),
                            (["unshare", *flags, "unshare", "-n", "true"], "namespaces")):
        try:
            done = subprocess.run(command, capture_output=True, text=True)
        except FileNotFoundError as error:
            return "no %s: install util-linux and iproute2" % error.filename
        if done.returncode != 0:
            return "this system lets us make no %s: %s" % (wanted, done.stderr.strip() or done.returncode)
    os.execvpe("unshare", ["unshare", *flags, sys.executable, os.path.abspath(__file__), *sys.argv[1:]], dict(os.environ, **{INSIDE: "1"}))


def ip(*arguments):
    subprocess.run(["ip", *arguments], check=True, capture_output=True, text=True)


class Host:
    """A network namespace with one link to the servers. Namespaces have no names, so nothing stays behind: a process holds each."""

    def __init__(self, number):
        self.address = "10.77.0.%d" % (10 + number)
        self.link = "host%d" % number
        self.holder = subprocess.Popen(["unshare", "-n", "sleep", "infinity"])
        own = os.readlink("/proc/self/ns/net")
        production.eventually("a namespace", lambda: os.readlink("/proc/%d/ns/net" % self.holder.pid) != own, pause=0.01)
        ip("link", "add", self.link, "type", "veth", "peer", "name", "eth0", "netns", str(self.holder.pid))
        ip("link", "set", self.link, "master", "switch", "up")
        for command in (["address", "add", self.address + "/24", "dev", "eth0"], ["link", "set", "eth0", "up"], ["link", "set", "lo", "up"]):
            subprocess.run([*self.prefix(), "ip", *command], check=True)

    def prefix(self):
        return ["nsenter", "--net=/proc/%d/ns/net" % self.holder.pid]

    def cut(self):
        ip("link", "set", self.link, "down")

    def mend(self):
        ip("link", "set", self.link, "up")

    def deafen(self):
        """From now on the host hears nothing from the servers, which still hear it."""
        ip("route", "add", "blackhole", self.address + "/32")

    def hear(self):
        ip("route", "del", "blackhole", self.address + "/32")

    def remove(self):
        self.holder.kill()
        self.holder.wait()


def relay(ports, delay):
    """Runs in a host's namespace: holds back what goes through the local ports to the servers' and back by `delay` seconds, in order."""
    loop = selectors.DefaultSelector()
    waiting, count = [], 0
    def accept(listener, port):
        client, _ = listener.accept()
        try:
            server = socket.create_connection((SERVER, port), 10)
        except OSError:
            client.close()
            return
        for one, other in ((client, server), (server, client)):
            loop.register(one, selectors.EVENT_READ, ("data", other))
    for port in ports:
        listener = socket.create_server(("127.0.0.1", port))
        loop.register(listener, selectors.EVENT_READ, ("accept", port))
    print("ready", flush=True)
    while True:
        pause = max(0, waiting[0][0] - time.monotonic()) if waiting else None
        for key, _ in loop.select(pause):
            kind, value = key.data
            if kind == "accept":
                accept(key.fileobj, value)
                continue
            try:
                data = key.fileobj.recv(1 << 16)
            except OSError:
                data = b""
            if not data:
                loop.unregister(key.fileobj)
            count += 1
            heapq.heappush(waiting, (time.monotonic() + delay, count, key.fileobj, value, data))
        while waiting and waiting[0][0] <= time.monotonic():
            _, _, source, target, data = heapq.heappop(waiting)
            try:
                target.sendall(data) if data else target.shutdown(socket.SHUT_WR)
            except OSError:
                # One end is gone, so the other goes too.
                try:
                    source.shutdown(socket.SHUT_RDWR)
                except OSError:
                    pass


class Hosts:
    """One runner on each host, and who may reach the servers how."""

    def __init__(self, application, pair, count, delay):
        self.application, self.relay = application, None
        ip("link", "set", "lo", "up")
        ip("link", "add", "switch", "type", "bridge")
        ip("address", "add", SERVER + "/24", "dev", "switch")
        ip("link", "set", "switch", "up")
        self.hosts = {"runner%d" % number: Host(number) for number in range(count)}
        slow = list(self.hosts)[-1]
        ports = (pair.mariadb.port, pair.rabbitmq.port)
        self.relay = subprocess.Popen([*self.hosts[slow].prefix(), sys.executable, os.path.abspath(__file__), "--relay",
                                       json.dumps(ports), "--delay", str(delay)], stdout=subprocess.PIPE, text=True)
        assert self.relay.stdout.readline() == "ready\n", "the relay did not start"
        for label in self.hosts:
            if label != slow:
                self.configure(label)

    def configure(self, label):
        """A configuration of the host's own, that names the servers by their address."""
        directory = os.path.join(self.application.directory, label)
        os.makedirs(directory)
        for name in os.listdir(os.path.join(self.application.directory, "conf")):
            with open(os.path.join(self.application.directory, "conf", name)) as file:
                text = file.read()
            with open(os.path.join(directory, name), "w") as file:
                file.write(text.replace("\nhost = 127.0.0.1\n", "\nhost = %s\n" % SERVER))

    def start(self, label):
        directory = os.path.join(self.application.directory, label)
        environment = dict(self.application.environment)
        if os.path.exists(directory):
            environment["APPLICATION_CONFIG_PATH"] = directory
        self.application.start(label, "runner", prefix=self.hosts[label].prefix(), environment=environment)

    def remove(self):
        if self.relay:
            self.relay.kill()
            self.relay.wait()
        for host in self.hosts.values():
            host.remove()
        ip("link", "del", "switch")


def fixed_trouble(hosts, application):
    """Each kind of trouble once, several at a time, because noticing takes two heartbeats."""
    labels = list(hosts.hosts)
    first, second, slow = labels[0], labels[1], labels[-1]
    application.wait_for_shares(labels, 120)
    print("  cut for 3 s, which nobody needs to notice", flush=True)
    hosts.hosts[first].cut()
    time.sleep(3)
    hosts.hosts[first].mend()
    print("  one host cut off, the runner of another killed while it is cut off", flush=True)
    hosts.hosts[first].cut()
    hosts.hosts[second].cut()
    time.sleep(1)
    application.kill(second)
    hosts.hosts[second].mend()
    hosts.start(second)
    # Two heartbeats: 14 to 21 s.
    took = application.wait_for_shares([second, slow], 180)
    print("  their partitions were taken over, and shared with the new runner, after %.1f s" % took, flush=True)
    hosts.hosts[first].mend()
    took = application.wait_for_shares(labels, 180)
    print("  the host that came back had its share after %.1f s" % took, flush=True)


def random_trouble(hosts, application, seconds, chance):
    deadline = time.monotonic() + seconds
    while time.monotonic() < deadline:
        label = chance.choice(list(hosts.hosts))
        host, what = hosts.hosts[label], chance.choice(["cut", "half-open", "one-way"])
        pause = chance.choice([chance.uniform(0.5, 8), chance.uniform(20, 45)])
        print("  %s %s for %.0f s" % (label, what, pause), flush=True)
        if what == "one-way":
            host.deafen()
            time.sleep(pause)
            host.hear()
        else:
            host.cut()
            time.sleep(pause)
            if what == "half-open":
                application.kill(label)
            host.mend()
            if what == "half-open":
                hosts.start(label)
        time.sleep(chance.uniform(0.5, 6))


def run(pair, options):
    app, calm, hosts = Application("network", pair, checkpoints="sql:"), Application("calm", pair), None
    try:
        app.create_database()
        app.run("migrate")
        app.bind_results("network_results")
        hosts = Hosts(app, pair, 3, delay=0.05)
        for label in ("listener", "storer", "http"):
            app.start(label, label)
        for label in hosts.hosts:
            hosts.start(label)
        failover_test.monitor_all(app, options.metrics)
        sender = failover_test.Sender(app, options.metrics, 0)
        sender.start()
        fixed_trouble(hosts, app)
        random_trouble(hosts, app, options.seconds, random.Random(options.seed))
        sender.finish()
        rows = sender.round * options.metrics
        print("  %d rounds, %d failed sends" % (sender.round, sender.failures), flush=True)
        for label, process in app.processes.items():
            assert process.poll() is None, "%s ended by itself: %s" % (label, app.log(label)[-2000:])
        failover_test.wait_for_scores(app, rows, 300 + rows / 200)
        failover_test.check_results(app, "network_results", rows)
        failover_test.compare_with_calm(app, calm, sender.round, options.metrics)
    finally:
        app.remove()
        logs = dict(production.last_logs)
        calm.remove()
        production.last_logs.update(logs)
        if hosts:
            hosts.remove()


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("--metrics", type=int, default=12)
    parser.add_argument("--seconds", type=float, default=0)
    parser.add_argument("--seed", type=int, default=random.randrange(1_000_000))
    parser.add_argument("--relay", help=argparse.SUPPRESS)
    parser.add_argument("--delay", type=float, help=argparse.SUPPRESS)
    options = parser.parse_args()
    if options.relay:
        return relay(json.loads(options.relay), options.delay)
    reason = production.reason_to_skip() or enter_namespace()
    if reason:
        print("SKIPPED: trouble in the network (%s)" % reason)
        return 0
    ip("link", "set", "lo", "up")
    pair = production.servers.Servers()
    pair.mariadb.address = pair.rabbitmq.address = "0.0.0.0"
    return production.run_on_servers("network", options.seed, pair, lambda pair: run(pair, options))


if __name__ == "__main__":
    sys.exit(main())
