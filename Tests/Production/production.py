# SPDX-License-Identifier: Apache-2.0
"""An application on real servers: configuration, processes of the engine, and clients that aren't ours.

The servers are those of Tests/Support/servers.py; clients are the `mariadb` shell, pika, curl's wire formats by hand.
"""

import json
import os
import shutil
import signal
import socket
import subprocess
import sys
import tempfile
import time
import traceback
import urllib.error
import urllib.request
import zlib

sys.dont_write_bytecode = True
sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), "..", "Support"))
import servers

try:
    import pika
except ImportError:
    pika = None

ROOT = os.path.abspath(os.path.join(os.path.dirname(os.path.abspath(__file__)), "..", ".."))


def reason_to_skip():
    """Why tests on real servers can't run here; None when they can."""
    if os.environ.get("HTMENGINE_TEST_SERVERS") == "no":
        return "HTMENGINE_TEST_SERVERS=no"
    missing = servers.missing_packages() + ([] if pika else ["python3-pika"])
    return "not installed: " + " ".join(missing) if missing else None


def program():
    """The engine's binary: HTMENGINE_BINARY, or the newest build of this checkout."""
    named = os.environ.get("HTMENGINE_BINARY")
    if named:
        return named
    builds = [os.path.join(ROOT, ".build", kind, "htmengine") for kind in ("release", "debug")]
    there = [path for path in builds if os.path.exists(path)]
    if not there:
        raise SystemExit("no htmengine built: make build")
    return max(there, key=os.path.getmtime)


def eventually(what, check, seconds=120, pause=0.1):
    """Waits until `check` gives something true, and returns that."""
    deadline = time.monotonic() + seconds
    while True:
        try:
            value = check()
        except (OSError, urllib.error.URLError, Refused):
            value = None
        if value:
            return value
        if time.monotonic() > deadline:
            raise AssertionError("not within %d s: %s" % (seconds, what))
        time.sleep(pause)


last_logs = {}
"""What the processes of the application removed last have logged."""


class Refused(Exception):
    """The database shell failed, or htmengine status."""


class Application:
    """One application of the engine: its configuration, its database, its processes."""

    def __init__(self, name, pair, root=None, checkpoints=None, extra=""):
        self.name, self.servers = name, pair
        self.directory = root or tempfile.mkdtemp(prefix="htme-app-")
        self.graphite, self.http = servers.free_ports(2)
        self.processes = {}
        conf = os.path.join(self.directory, "conf")
        os.makedirs(conf)
        os.makedirs(os.path.join(self.directory, "logs"))
        self.write("conf/application.conf", """
            [repository]
            db = %s
            host = 127.0.0.1
            user = %s
            passwd = %s
            port = %d
            [metric_streamer]
            results_exchange_name = %s.model.results
            chunk_size = 1440
            [metric_listener]
            plaintext_port = %d
            plaintext_host = 127.0.0.1
            queue_name = %s.metric.custom.data
            [http]
            port = %d
            host = 127.0.0.1
            %s
            """ % (name, servers.SQL_USER, servers.SQL_PASSWORD.replace("%", "%%"), pair.mariadb.port, name, self.graphite,
                   name, self.http, extra))
        self.write("conf/model-checkpoint.conf", "[storage]\nroot = %s\n" % (checkpoints or self.directory + "/checkpoints"))
        self.write("conf/model-swapper.conf", """
            [interface_bus]
            results_queue = %s.mswapper.results
            model_input_queue_prefix = %s.mswapper.model.input.
            scheduler_notification_queue = %s.mswapper.scheduler.notification
            [model_runner]
            partitions = 16
            """ % (name, name, name))
        self.write("conf/rabbitmq.conf", """
            [connection]
            host = 127.0.0.1
            port = %d
            [credentials]
            user = %s
            password = %s
            """ % (pair.rabbitmq.port, servers.AMQP_USER, servers.AMQP_PASSWORD.replace("%", "%%")))
        self.environment = dict(os.environ, APPLICATION_CONFIG_PATH=conf)

    def write(self, name, text):
        with open(os.path.join(self.directory, name), "w") as file:
            file.write("\n".join(line.strip() for line in text.splitlines()) + "\n")

    def sql(self, statement, database=True):
        """Rows of a statement, each a list of texts, by the server's own shell."""
        arguments = ["mariadb", "--no-defaults", "--socket=" + self.servers.mariadb.socket, "--user=" + servers.SQL_USER,
                     "--batch", "--skip-column-names", "--default-character-set=utf8mb4"]
        done = subprocess.run(arguments + ([self.name] if database else []), input=statement, text=True,
                              capture_output=True, env=dict(os.environ, MYSQL_PWD=servers.SQL_PASSWORD))
        if done.returncode != 0:
            raise Refused(done.stderr)
        return [line.split("\t") for line in done.stdout.splitlines()]

    def create_database(self):
        self.sql("CREATE DATABASE `%s` CHARACTER SET utf8mb4 COLLATE utf8mb4_bin" % self.name, database=False)

    def run(self, *arguments, check=True):
        done = subprocess.run([program(), *arguments], text=True, capture_output=True, env=self.environment,
                              cwd=self.directory, timeout=300)
        if check and done.returncode != 0:
            raise AssertionError("htmengine %s: %s%s" % (" ".join(arguments), done.stdout, done.stderr))
        return done

    def start(self, label, services, prefix=(), environment=None):
        """Starts a process of the engine, perhaps through another program; its output goes to logs/<label>.log."""
        with open(os.path.join(self.directory, "logs", label + ".log"), "ab") as log:
            self.processes[label] = subprocess.Popen([*prefix, program(), "serve", "--services", services],
                                                     stdin=subprocess.DEVNULL, stdout=log, stderr=log,
                                                     env=environment or self.environment, cwd=self.directory)

    def signal(self, label, number):
        self.processes[label].send_signal(number)

    def kill(self, label):
        process = self.processes.pop(label)
        process.kill()
        process.wait()

    def partitions_of(self, *labels):
        """How many partitions each of these processes has, and how many nobody has, as `htmengine status` says it."""
        status = self.run("status", "--json", check=False)
        if status.returncode != 0:
            raise Refused(status.stderr)
        owners = [one["owner"] for one in json.loads(status.stdout)["partitionOwners"]]
        mine = [sum(1 for owner in owners if owner and owner.endswith(":%d" % self.processes[label].pid)) for label in labels]
        return mine, len(owners) - sum(mine)

    def wait_for_shares(self, labels, seconds):
        """Waits until these processes have all partitions, each its share; returns how long that took."""
        start = time.monotonic()
        # A share is 16 by their number, rounded up; the last one gets what is left.
        smallest = max(1, 16 - (len(labels) - 1) * -(-16 // len(labels)))
        def settled():
            shares, rest = self.partitions_of(*labels)
            return rest == 0 and min(shares) >= smallest
        eventually("all partitions belong to %s" % ", ".join(labels), settled, seconds=seconds, pause=0.05)
        return time.monotonic() - start

    def log(self, label):
        with open(os.path.join(self.directory, "logs", label + ".log"), errors="replace") as log:
            return log.read()

    def stop(self):
        """Stops all processes as supervisor would; one that doesn't follow is killed and reported."""
        late = []
        for label, process in self.processes.items():
            if process.poll() is None:
                process.send_signal(signal.SIGCONT)
                process.send_signal(signal.SIGTERM)
        for label, process in self.processes.items():
            try:
                process.wait(30)
            except subprocess.TimeoutExpired:
                process.kill()
                process.wait()
                late.append(label)
        self.processes = {}
        return late

    def remove(self):
        self.stop()
        last_logs.clear()
        for name in os.listdir(os.path.join(self.directory, "logs")):
            last_logs["%s/%s" % (self.name, name)] = self.log(name.removesuffix(".log"))
        shutil.rmtree(self.directory, ignore_errors=True)

    # Clients

    def graphite_send(self, lines):
        """Sends lines to port 2003 and returns when the engine says it has them: the end of the stream."""
        with socket.create_connection(("127.0.0.1", self.graphite), 60) as client:
            client.sendall("".join(line + "\n" for line in lines).encode())
            client.shutdown(socket.SHUT_WR)
            client.settimeout(120)
            while client.recv(4096):
                pass

    def amqp(self):
        return pika.BlockingConnection(pika.ConnectionParameters(
            "127.0.0.1", self.servers.rabbitmq.port, "/",
            pika.PlainCredentials(servers.AMQP_USER, servers.AMQP_PASSWORD), heartbeat=600, socket_timeout=60, stack_timeout=120))

    def amqp_send(self, lines, batch=200):
        """Publishes as the original's senders do, and waits for the broker's confirms."""
        connection = self.amqp()
        channel = connection.channel()
        channel.queue_declare(self.name + ".metric.custom.data", durable=True)
        channel.confirm_delivery()
        for start in range(0, len(lines), batch):
            body = json.dumps({"protocol": "plain", "data": lines[start:start + batch]})
            channel.basic_publish("", self.name + ".metric.custom.data", body, pika.BasicProperties(delivery_mode=2),
                                  mandatory=True)
        connection.close()

    def request(self, method, path, body=""):
        request = urllib.request.Request("http://127.0.0.1:%d%s" % (self.http, path), body.encode() or None, method=method)
        try:
            with urllib.request.urlopen(request, timeout=60) as reply:
                return reply.status, reply.read().decode()
        except urllib.error.HTTPError as error:
            return error.code, error.read().decode()

    def bind_results(self, queue):
        """Declares a durable queue on the results exchange, as the original's consumer does."""
        connection = self.amqp()
        channel = connection.channel()
        channel.exchange_declare(self.name + ".model.results", "fanout", durable=True)
        channel.queue_declare(queue, durable=True)
        channel.queue_bind(queue, self.name + ".model.results", "")
        connection.close()

    def take_results(self, queue):
        """All messages that wait in a queue: pairs of properties and parsed body."""
        connection = self.amqp()
        channel = connection.channel()
        messages = []
        while True:
            method, properties, body = channel.basic_get(queue, auto_ack=True)
            if method is None:
                break
            messages.append((properties, json.loads(zlib.decompress(body))))
        connection.close()
        return messages


def run_on_servers(name, seed, pair, test):
    """Runs test(pair) between the start and the end of its servers; what failed is printed with the ends of the engine's logs.

    Returns the exit code. A run that is told to stop still ends its servers.
    """
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(143))
    start = time.monotonic()
    print("%s, seed %d" % (name, seed), flush=True)
    try:
        pair.start()
        test(pair)
    except Exception:
        traceback.print_exc()
        for label, log in last_logs.items():
            print("--- %s\n%s" % (label, log[-2000:]), flush=True)
        return 1
    finally:
        pair.stop()
    print("ok    %s (%.1f s)" % (name, time.monotonic() - start))
    return 0
