# SPDX-License-Identifier: Apache-2.0
"""A real MariaDB and a real RabbitMQ for tests: loopback only, free ports, private directories, gone afterwards.

Nothing of the machine's own servers is touched: each server has its data, logs, socket and (RabbitMQ) its own epmd, cookie and
node name below one directory. `Servers` starts both at once; `kill` and `start` of each let a test crash and restart them.
"""

import os
import random
import shutil
import signal
import socket
import subprocess
import tempfile
import time

RABBITMQ = "/usr/lib/rabbitmq/bin/rabbitmq-server"
# The one in /usr/sbin changes user and ignores our ports; this one does as it is told.

SQL_USER, SQL_PASSWORD = "htm", "p%ss w0rd"
AMQP_USER, AMQP_PASSWORD = "htm", "p%ss w0rd"


def missing_packages():
    """The Debian packages the servers need and this machine lacks."""
    wanted = {"mariadb-server": shutil.which("mariadbd") or shutil.which("mariadbd", path="/usr/sbin"),
              "rabbitmq-server": os.path.exists(RABBITMQ)}
    return [name for name, there in wanted.items() if not there]


given_ports = set()


def free_ports(count):
    """Ports nobody listens on, all different, also from those this process was given before.

    They lie below the range from which the system takes ports of outgoing connections (32768 and up on Linux): a server that binds its
    port seconds later, or again after a restart, doesn't find a connection on it.
    """
    ports = []
    while len(ports) < count:
        port = random.SystemRandom().randrange(12000, 32768)
        if port in given_ports:
            continue
        with socket.socket() as holder:
            try:
                holder.bind(("0.0.0.0", port))
            except OSError:
                continue
        given_ports.add(port)
        ports.append(port)
    return ports


def accepts(port):
    with socket.socket() as probe:
        probe.settimeout(1)
        return probe.connect_ex(("127.0.0.1", port)) == 0


def is_group_alive(group):
    """Whether a process of a process group still runs; those that ended and that nobody has waited for don't."""
    for entry in filter(str.isdigit, os.listdir("/proc")):
        try:
            with open("/proc/%s/stat" % entry) as file:
                state, _, number = file.read().rpartition(")")[2].split()[:3]
        except OSError:
            continue
        if int(number) == group and state not in "ZX":
            return True
    return False


def make_certificate(directory):
    """A certificate authority and a certificate for localhost signed by it; None without openssl."""
    if not shutil.which("openssl"):
        return None
    def run(*arguments):
        subprocess.run(["openssl", *arguments], cwd=directory, check=True, stdout=subprocess.DEVNULL,
                       stderr=subprocess.DEVNULL)
    curve = ["-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:prime256v1", "-nodes"]
    run("req", "-x509", *curve, "-keyout", "ca.key", "-out", "ca.pem", "-days", "2", "-subj", "/CN=test authority")
    run("req", *curve, "-keyout", "server.key", "-out", "server.csr", "-subj", "/CN=localhost")
    with open(os.path.join(directory, "names"), "w") as names:
        names.write("subjectAltName=DNS:localhost,IP:127.0.0.1\n")
    run("x509", "-req", "-in", "server.csr", "-CA", "ca.pem", "-CAkey", "ca.key", "-CAcreateserial", "-days", "2",
        "-out", "server.pem", "-extfile", "names")
    os.chmod(os.path.join(directory, "server.key"), 0o600)
    return {name: os.path.join(directory, name) for name in ("ca.pem", "server.pem", "server.key")}


class Server:
    """One server process in a session of its own, so that all of it can be ended at once."""

    process = None
    address = "127.0.0.1"
    """Where it listens; 0.0.0.0 only in network namespaces of a test's own."""

    def spawn(self, arguments, environment=None):
        log = open(self.log, "ab")
        self.process = subprocess.Popen(arguments, stdin=subprocess.DEVNULL, stdout=log, stderr=log, env=environment,
                                        cwd=self.directory, start_new_session=True)
        log.close()

    def wait_until_ready(self, seconds=300):
        deadline = time.monotonic() + seconds
        while not self.is_ready():
            if self.process.poll() is not None or time.monotonic() > deadline:
                with open(self.log, errors="replace") as log:
                    raise RuntimeError("%s did not start:\n%s" % (type(self).__name__, log.read()[-3000:]))
            time.sleep(0.05)

    def signal_all(self, number):
        try:
            os.killpg(self.process.pid, number)
        except (ProcessLookupError, AttributeError):
            pass

    def kill(self):
        """As a power cut would."""
        self.signal_all(signal.SIGKILL)
        if self.process:
            self.process.wait()
            # The others of its group have its ports and files a moment longer.
            deadline = time.monotonic() + 60
            while is_group_alive(self.process.pid) and time.monotonic() < deadline:
                time.sleep(0.02)

    def freeze(self):
        self.signal_all(signal.SIGSTOP)

    def thaw(self):
        self.signal_all(signal.SIGCONT)


class MariaDB(Server):
    def __init__(self, directory, port, certificate):
        self.directory, self.port, self.certificate = directory, port, certificate
        self.log = os.path.join(directory, "log")
        self.data = os.path.join(directory, "data")
        self.socket = os.path.join(directory, "s")
        os.makedirs(directory)

    def program(self, name):
        return shutil.which(name) or shutil.which(name, path="/usr/sbin:/usr/bin")

    def options(self):
        user = ["--user=root"] if os.getuid() == 0 else []
        return ["--no-defaults", "--datadir=" + self.data, *user]

    def prepare(self):
        with open(self.log, "ab") as log:
            subprocess.run([self.program("mariadb-install-db"), *self.options(), "--skip-test-db",
                            "--auth-root-authentication-method=normal"], check=True, stdout=log, stderr=log,
                           cwd=self.directory)
        with open(os.path.join(self.directory, "init.sql"), "w") as script:
            for host in ("localhost", "%"):
                script.write("CREATE USER IF NOT EXISTS '%s'@'%s' IDENTIFIED BY '%s';\n" % (SQL_USER, host, SQL_PASSWORD))
                script.write("GRANT ALL ON *.* TO '%s'@'%s';\n" % (SQL_USER, host))

    def start(self):
        tls = []
        if self.certificate:
            tls = ["--ssl-ca=" + self.certificate["ca.pem"], "--ssl-cert=" + self.certificate["server.pem"],
                   "--ssl-key=" + self.certificate["server.key"]]
        # Commits reach the kernel, not the disk: enough to survive a killed server, and fast.
        self.spawn([self.program("mariadbd"), *self.options(), *tls, "--bind-address=" + self.address, "--port=%d" % self.port,
                    "--socket=" + self.socket, "--pid-file=" + os.path.join(self.directory, "pid"), "--skip-name-resolve",
                    "--innodb-flush-log-at-trx-commit=2", "--innodb-buffer-pool-size=128M", "--max-connections=300",
                    "--max-connect-errors=100000", "--character-set-server=utf8mb4", "--collation-server=utf8mb4_bin",
                    "--init-file=" + os.path.join(self.directory, "init.sql")])
        self.wait_until_ready()

    def is_ready(self):
        return os.path.exists(self.socket) and accepts(self.port)

    def stop(self):
        self.signal_all(signal.SIGTERM)
        if self.process:
            try:
                self.process.wait(60)
            except subprocess.TimeoutExpired:
                pass
        self.kill()


class RabbitMQ(Server):
    def __init__(self, directory, ports, certificate):
        self.directory, self.certificate = directory, certificate
        self.port, self.tls_port, self.management_port, self.epmd_port, self.distribution_port = ports
        self.log = os.path.join(directory, "log")
        os.makedirs(directory)

    def path(self, name):
        return os.path.join(self.directory, name)

    def environment(self):
        environment = {key: value for key, value in os.environ.items() if not key.startswith("RABBITMQ_")}
        environment.update(
            HOME=self.directory, RABBITMQ_NODENAME="t%d@localhost" % self.port, ERL_EPMD_PORT=str(self.epmd_port),
            ERL_EPMD_ADDRESS="127.0.0.1", RABBITMQ_DIST_PORT=str(self.distribution_port),
            RABBITMQ_MNESIA_BASE=self.path("mnesia"), RABBITMQ_LOG_BASE=self.path("logs"), RABBITMQ_LOGS="-",
            RABBITMQ_CONFIG_FILE=self.path("rabbitmq.conf"), RABBITMQ_CONF_ENV_FILE=self.path("none"),
            RABBITMQ_ENABLED_PLUGINS_FILE=self.path("plugins"), RABBITMQ_PID_FILE=self.path("pid"),
            RABBITMQ_SERVER_ADDITIONAL_ERL_ARGS="-kernel inet_dist_use_interface {127,0,0,1} +S 1:1 +sbwt none")
        return environment

    def prepare(self):
        with open(self.path(".erlang.cookie"), "w") as cookie:
            cookie.write("testcookie%d" % self.port)
        os.chmod(self.path(".erlang.cookie"), 0o400)
        for name in ("mnesia", "logs"):
            os.makedirs(self.path(name))
        # The management plugin serves the queue numbers over HTTP.
        with open(self.path("plugins"), "w") as plugins:
            plugins.write("[rabbitmq_management].\n")
        with open(self.path("rabbitmq.conf"), "w") as conf:
            conf.write("listeners.tcp.1 = %s:%d\n" % (self.address, self.port))
            conf.write("management.tcp.ip = 127.0.0.1\nmanagement.tcp.port = %d\n" % self.management_port)
            conf.write("default_user = %s\ndefault_pass = %s\n" % (AMQP_USER, AMQP_PASSWORD))
            conf.write("disk_free_limit.absolute = 10MB\nlog.console.level = warning\n")
            # Queue numbers must be fresh for tests of them.
            conf.write("collect_statistics_interval = 1000\n")
            if self.certificate:
                conf.write("listeners.ssl.1 = 127.0.0.1:%d\n" % self.tls_port)
                conf.write("ssl_options.cacertfile = %s\nssl_options.certfile = %s\nssl_options.keyfile = %s\n" % (
                    self.certificate["ca.pem"], self.certificate["server.pem"], self.certificate["server.key"]))
                conf.write("ssl_options.verify = verify_none\nssl_options.fail_if_no_peer_cert = false\n")

    def start(self):
        self.spawn([RABBITMQ], self.environment())
        self.wait_until_ready()

    def is_ready(self):
        ports = [self.port, self.management_port] + ([self.tls_port] if self.certificate else [])
        return all(accepts(port) for port in ports)

    def stop(self):
        # What it holds is thrown away, so it may end as fast as it can. epmd is a process of its own session.
        self.kill()
        # It refuses to go until it has noticed that the node is gone.
        deadline = time.monotonic() + 60
        while accepts(self.epmd_port) and time.monotonic() < deadline:
            subprocess.run(["epmd", "-kill"], env=self.environment(), stdout=subprocess.DEVNULL,
                           stderr=subprocess.DEVNULL)
            time.sleep(0.05)


class Servers:
    """Both servers, started at the same time."""

    def __init__(self, directory=None):
        # A unix socket's path has at most 107 bytes, so the directory is a short one.
        self.directory = directory or tempfile.mkdtemp(prefix="htme-", dir="/tmp" if os.path.isdir("/tmp") else None)
        self.certificate = make_certificate(self.directory)
        ports = free_ports(6)
        self.mariadb = MariaDB(os.path.join(self.directory, "m"), ports[0], self.certificate)
        self.rabbitmq = RabbitMQ(os.path.join(self.directory, "r"), ports[1:], self.certificate)

    def start(self):
        self.rabbitmq.prepare()
        self.rabbitmq.spawn([RABBITMQ], self.rabbitmq.environment())
        self.mariadb.prepare()
        self.mariadb.start()
        self.rabbitmq.wait_until_ready()

    def coordinates(self):
        """What tests need to know, as environment variables."""
        values = {
            "HTMENGINE_TEST_SQL_HOST": "127.0.0.1", "HTMENGINE_TEST_SQL_PORT": self.mariadb.port,
            "HTMENGINE_TEST_SQL_SOCKET": self.mariadb.socket, "HTMENGINE_TEST_SQL_USER": SQL_USER,
            "HTMENGINE_TEST_SQL_PASSWORD": SQL_PASSWORD, "HTMENGINE_TEST_AMQP_HOST": "127.0.0.1",
            "HTMENGINE_TEST_AMQP_PORT": self.rabbitmq.port, "HTMENGINE_TEST_AMQP_USER": AMQP_USER,
            "HTMENGINE_TEST_AMQP_PASSWORD": AMQP_PASSWORD,
            "HTMENGINE_TEST_AMQP_MANAGEMENT_PORT": self.rabbitmq.management_port,
        }
        if self.certificate:
            values["HTMENGINE_TEST_CA"] = self.certificate["ca.pem"]
            values["HTMENGINE_TEST_AMQP_TLS_PORT"] = self.rabbitmq.tls_port
        return {key: str(value) for key, value in values.items()}

    def stop(self):
        try:
            self.rabbitmq.stop()
        finally:
            try:
                self.mariadb.kill()
            finally:
                shutil.rmtree(self.directory, ignore_errors=True)
