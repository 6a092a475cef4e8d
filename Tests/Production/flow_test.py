#!/usr/bin/python3
# SPDX-License-Identifier: Apache-2.0
"""The flow of the original's README on MariaDB and RabbitMQ, and what its clients may do to us: with real servers and clients.

Usage: flow_test.py [name of one test …]
"""

import base64
import glob
import json
import os
import re
import shutil
import signal
import socket
import subprocess
import sys
import tempfile
import time
import uuid

import production
from production import Application, eventually


def scored(application, name):
    """Rows of a metric with a score."""
    return int(application.sql("SELECT COUNT(anomaly_score) FROM metric_data JOIN metric USING (uid) WHERE name = '%s'"
                               % name)[0][0])


def lines(name, count, start=1_700_000_000):
    return ["%s %s %d" % (name, 50 + 40 * ((number * 37) % 101) / 101, start + 300 * number) for number in range(count)]


def checkpoints_of(application, uid):
    """Paths of the saved states of a metric's model."""
    return glob.glob(os.path.join(application.directory, "checkpoints", "**", uid, "*.checkpoint"), recursive=True)


def test_readme_flow(pair):
    """migrate, processes, samples by three ways, models by HTTP, results by SQL, HTTP and AMQP."""
    app = Application("readme", pair)
    try:
        refused = app.run("migrate", check=False)
        assert refused.returncode == 1, refused
        text = refused.stdout + refused.stderr
        assert "CREATE DATABASE `readme`" in text and "127.0.0.1" in text, text
        assert production.servers.SQL_PASSWORD not in text, text
        app.create_database()
        assert "315d6ad6c19f" in app.run("migrate").stdout
        app.run("migrate")
        for label in ("listener", "storer", "runner", "http"):
            app.start(label, label)
        app.bind_results("skeleton_results")
        sent = lines("cpu_percent", 150)
        # The sender may come before the engine: it declares the durable queue.
        app.amqp_send(sent)
        eventually("rows by AMQP", lambda: app.sql("SELECT last_rowid FROM metric WHERE name = 'cpu_percent'") == [["150"]])
        row = app.sql("SELECT * FROM metric_data ORDER BY rowid LIMIT 1")[0]
        assert row[1:3] == ["1", "2023-11-14 22:13:20"] and row[4:] == ["NULL"] * 4, row
        eventually("HTTP", lambda: app.request("GET", "/nobody")[0] == 404)
        status, text = app.request("PUT", "/cpu_percent", '{"min":0, "max":100}')
        assert status == 201 and text.startswith("Created "), (status, text)
        uid = text.split()[1]
        assert app.request("PUT", "/cpu_percent", "{}")[0] == 400
        eventually("scores of earlier rows", lambda: scored(app, "cpu_percent") == 150)
        assert app.sql("SELECT uid, name, description, status FROM metric WHERE name = 'cpu_percent'") == [
            [uid, "cpu_percent", "Custom metric cpu_percent", "1"]]
        app.graphite_send(lines("cpu_percent", 10, start=1_700_100_000))
        eventually("scores of new rows", lambda: scored(app, "cpu_percent") == 160)
        status, text = app.request("POST", "/load_average", "1.62 1434229721\n1.7 1434229726")
        assert (status, text) == (200, "Saved /load_average 1.620000 @ 1434229721\nSaved /load_average 1.700000 @ 1434229726\n")
        messages = []
        def all_results():
            messages.extend(app.take_results("skeleton_results"))
            rowids = [row["rowid"] for properties, message in messages if "results" in message for row in message["results"]]
            return rowids[-1:] == [160] and sorted(set(rowids)) == list(range(1, 161))
        eventually("results by AMQP", all_results)
        properties, command = messages[0]
        assert properties.headers == {"dataType": "model-cmd-result"} and command["method"] == "defineModel", command
        assert command["status"] == 0 and command["modelInfo"]["metricName"] == "cpu_percent", command
        properties, result = messages[1]
        assert properties.headers is None and properties.delivery_mode == 2, properties
        assert result["metric"] == {"uid": uid, "name": "cpu_percent", "description": "Custom metric cpu_percent",
                                    "resource": "cpu_percent", "location": "", "datasource": "custom",
                                    "spec": {"metric": "cpu_percent"}}, result["metric"]
        assert set(result["results"][0]) == {"rowid", "ts", "value", "rawAnomaly", "anomaly", "multiStepBestPredictions"}
        # Stopping as supervisor does, and starting again, changes nothing.
        before = app.sql("SELECT * FROM metric_data ORDER BY uid, rowid")
        assert app.stop() == [], "stopped late"
        app.start("all", "listener,storer,runner,http")
        app_lines = lines("cpu_percent", 5, start=1_700_200_000)
        eventually("the listener", lambda: app.graphite_send(app_lines) or True)
        eventually("scores after a restart", lambda: scored(app, "cpu_percent") == 165)
        after = app.sql("SELECT * FROM metric_data WHERE rowid <= 160 ORDER BY uid, rowid")
        assert after == before
    finally:
        app.remove()


def has_queue(application, name):
    """Whether the broker has a queue of that name."""
    connection = application.amqp()
    try:
        connection.channel().queue_declare(name, passive=True)
        return True
    except production.pika.exceptions.ChannelClosedByBroker:
        return False
    finally:
        connection.close()


def test_original_client(pair):
    """A program with the original's library monitors and unmonitors: SQL, a queue per model, a notification."""
    app = Application("clientapp", pair)
    try:
        app.create_database()
        app.run("migrate")
        app.start("engine", "listener,storer,runner,http")
        eventually("HTTP", lambda: app.request("PUT", "/other", '{"min":0, "max":100}')[0] in (201, 400))
        app.graphite_send(lines("m", 20))
        uid = app.sql("SELECT uid FROM metric WHERE name = 'm'")[0][0]
        eventually("the queue for notifications", lambda: has_queue(app, "clientapp.mswapper.scheduler.notification"))
        def act(status, command, parameters):
            connection = app.amqp()
            channel = connection.channel()
            queue = "clientapp.mswapper.model.input." + uid
            if parameters:
                channel.queue_declare(queue, durable=True)
            channel.confirm_delivery()
            text = "'%s'" % json.dumps(parameters) if parameters else "NULL"
            # The original's library works the parameters out by itself; here they come from a model of the same range.
            model = "'%s'" % app.sql("SELECT model_params FROM metric WHERE name = 'other'")[0][0] if parameters else "NULL"
            app.sql("UPDATE metric SET status = %d, parameters = %s, model_params = %s, message = NULL WHERE uid = '%s'"
                    % (status, text, model, uid))
            if not parameters:
                app.sql("UPDATE metric_data SET raw_anomaly_score = NULL, anomaly_score = NULL, display_value = NULL, "
                        "multi_step_best_predictions = NULL WHERE uid = '%s'" % uid)
                channel.queue_declare(queue, durable=True)
            body = uuid.uuid1().hex + "\n" + json.dumps([["mc", uuid.uuid4().hex, command, None]])
            channel.basic_publish("", queue, body, pika_persistent(), mandatory=True)
            channel.basic_publish("", "clientapp.mswapper.scheduler.notification", json.dumps(uid), mandatory=True)
            connection.close()
            # Else the next command could be on its way into the queue just when it goes.
            eventually("the model's queue is gone", lambda: not has_queue(app, queue))
        spec = {"datasource": "custom", "metricSpec": {"metric": "m"}, "modelParams": {"min": 0, "max": 100}}
        act(2, "defineModel", spec)
        eventually("ACTIVE and scored", lambda: scored(app, "m") == 20
                   and app.sql("SELECT status FROM metric WHERE name = 'm'")[0] == ["1"])
        # Models are saved at the end; a status of 0 set by another program takes what was saved with it.
        app.stop()
        assert checkpoints_of(app, uid), "no checkpoint was saved"
        app.start("engine", "listener,storer,runner,http")
        act(0, "deleteModel", None)
        eventually("the checkpoints are gone", lambda: not checkpoints_of(app, uid))
        assert app.sql("SELECT status FROM metric WHERE name = 'm'")[0] == ["0"]
        eventually("the listener", lambda: socket.create_connection(("127.0.0.1", app.graphite)).close() or True)
        app.graphite_send(lines("m", 5, start=1_700_100_000))
        assert scored(app, "m") == 0
        act(2, "defineModel", spec)
        eventually("a new generation", lambda: scored(app, "m") == 25)
    finally:
        app.remove()


def pika_persistent():
    return production.pika.BasicProperties(delivery_mode=2)


def variable(file, section, key):
    """The variable that beats a key of a configuration file."""
    return "_NTA_UTILS_CONFIG__%s__%s__%s" % (file.upper(), section.upper(), key.upper())


def test_several_of_every_service(pair):
    """Two of each on one installation: one storer takes the queue and another takes over when it is killed, rows stay in order, the
    broker's coordinates come from variables, and no message of results has more rows than chunk_size says."""
    app = Application("several", pair)
    try:
        # rabbitmq.conf may be missing.
        os.remove(os.path.join(app.directory, "conf", "rabbitmq.conf"))
        app.environment.update({
            variable("rabbitmq", "connection", "host"): "127.0.0.1",
            variable("rabbitmq", "connection", "port"): str(pair.rabbitmq.port),
            variable("rabbitmq", "credentials", "user"): production.servers.AMQP_USER,
            variable("rabbitmq", "credentials", "password"): production.servers.AMQP_PASSWORD,
            variable("application", "metric_streamer", "chunk_size"): "50"})
        app.create_database()
        app.run("migrate")
        graphite, http = production.servers.free_ports(2)
        other = dict(app.environment, **{variable("application", "metric_listener", "plaintext_port"): str(graphite),
                                         variable("application", "http", "port"): str(http)})
        for number, environment in enumerate((None, other)):
            for service in ("listener", "storer", "runner", "http"):
                app.start("%s%d" % (service, number), service, environment=environment)
        def status():
            return json.loads(app.run("status", "--json").stdout)
        eventually("two runners and one storer at work", lambda: (now := status())["runners"] == 2
                   and now["activeStorers"] == 1 and now["ownedPartitions"] == 16)
        app.bind_results("several_results")
        first, second = (app.graphite, app.http), (graphite, http)
        def use(ports):
            app.graphite, app.http = ports
        eventually("HTTP", lambda: app.request("GET", "/nobody")[0] == 404)
        # Earlier rows of one metric, many more than a message holds; the model is made through the other HTTP process.
        eventually("the listener", lambda: app.graphite_send(lines("long", 180)) or True)
        use(second)
        eventually("the other HTTP", lambda: app.request("PUT", "/long", '{"min":0, "max":100}')[0] in (201, 400))
        eventually("the other listener", lambda: app.graphite_send([]) or True)
        eventually("scores of earlier rows", lambda: scored(app, "long") == 180)
        # The same metric through both listeners in turn: who has an answer sends the next.
        for part in range(10):
            use((first, second)[part % 2])
            app.graphite_send(lines("long", 4, start=1_700_100_000 + 1200 * part))
        # A queue full of messages, and the storer that takes them killed in the middle.
        for part in range(40):
            app.amqp_send(["queued.%d %d %d" % (metric, part, 1_700_000_000 + 60 * part) for metric in range(50)])
        eventually("the queue is being taken", lambda: app.sql("SELECT MAX(last_rowid) > 1 FROM metric WHERE name LIKE 'queued.%'") == [["1"]],
                   pause=0.005)
        standing_by = [label for label in ("storer0", "storer1") if "stands by" in app.log(label)]
        assert len(standing_by) == 1, standing_by
        app.kill({"storer0": "storer1", "storer1": "storer0"}[standing_by[0]])
        eventually("the other storer has taken over", lambda: app.sql(
            "SELECT COUNT(*), MIN(last_rowid), MAX(last_rowid) FROM metric WHERE name LIKE 'queued.%'") == [["50", "40", "40"]])
        eventually("the other storer says so", lambda: "takes queue" in app.log(standing_by[0]))
        # In order and once: value and time rise with the row.
        assert app.sql("SELECT COUNT(*) FROM metric_data JOIN metric USING (uid) WHERE name LIKE 'queued.%' AND (metric_value <> rowid - 1 "
                       "OR timestamp <> '2023-11-14 22:13:20' + INTERVAL 60 * (rowid - 1) SECOND)") == [["0"]]
        assert app.sql("SELECT COUNT(*) FROM metric_data a JOIN metric_data b ON b.uid = a.uid AND b.rowid = a.rowid + 1 "
                       "WHERE b.timestamp <= a.timestamp") == [["0"]]
        eventually("all scores", lambda: scored(app, "long") == 220)
        messages = []
        def rowids():
            messages.extend(app.take_results("several_results"))
            return [row["rowid"] for _, message in messages for row in message.get("results", [])]
        # At least once, and in order: what comes again has come before.
        eventually("results by AMQP", lambda: list(dict.fromkeys(rowids())) == list(range(1, 221)))
        sizes = [len(message["results"]) for _, message in messages if "results" in message]
        assert max(sizes) == 50, sizes
        assert app.stop() == []
    finally:
        app.remove()


def test_two_applications_side_by_side(pair):
    """Same metric names, one broker, one database server: neither sees anything of the other. Checkpoints in SQL and in files."""
    one, two = Application("left", pair, checkpoints="sql:"), Application("right", pair)
    try:
        for app in (one, two):
            app.create_database()
            app.run("migrate")
            app.start("engine", "listener,storer,runner,http")
            app.bind_results(app.name + "_results")
        for app, count in ((one, 120), (two, 130)):
            eventually("HTTP", lambda: app.request("PUT", "/m", '{"min":0, "max":100}')[0] in (201, 400))
            app.amqp_send(lines("m", count, start=1_700_000_000 + count))
        for app, count in ((one, 120), (two, 130)):
            eventually("scores", lambda: scored(app, "m") == count)
            assert app.sql("SELECT COUNT(*), MIN(rowid), MAX(rowid) FROM metric_data") == [[str(count), "1", str(count)]]
            uid = app.sql("SELECT uid FROM metric")[0][0]
            uids = {message["metric"]["uid"] for _, message in app.take_results(app.name + "_results") if "metric" in message}
            assert uids == {uid}, uids
        assert one.stop() == []
        assert int(one.sql("SELECT COUNT(*) FROM htmengine_checkpoint")[0][0]) > 0
        one.start("engine", "listener,storer,runner,http")
        eventually("the listener", lambda: one.graphite_send(lines("m", 5, start=1_700_200_000)) or True)
        eventually("scores from a checkpoint in SQL", lambda: scored(one, "m") == 125)
        assert os.listdir(os.path.join(two.directory)) and not os.path.exists(os.path.join(one.directory, "checkpoints"))
    finally:
        one.remove()
        two.remove()


def test_status_and_migrate_options(pair):
    """What people ask: how far it is, how full the queues are, which SQL would run."""
    app = Application("asked", pair)
    try:
        app.create_database()
        assert "57ab75d58038" in app.run("migrate", "--version", "1d2eddc43366").stdout
        assert app.sql("SELECT * FROM alembic_version") == [["1d2eddc43366"]]
        unknown = app.run("migrate", "--version", "nosuch", check=False)
        assert unknown.returncode != 0 and "315d6ad6c19f" in unknown.stderr, unknown
        script = app.run("migrate", "--offline").stdout
        assert "multi_step_best_predictions" in script and "UPDATE alembic_version SET version_num = '315d6ad6c19f'" in script
        app.run("migrate")
        assert "Nothing to do" in app.run("migrate").stdout
        app.sql("CREATE DATABASE asked_by_hand", database=False)
        by_hand = Application("asked_by_hand", pair)
        by_hand.sql(script)
        assert "Nothing to do" in by_hand.run("migrate").stdout
        by_hand.remove()
        app.start("engine", "storer,runner,http")
        def status():
            return json.loads(app.run("status", "--json").stdout)
        eventually("all partitions have a runner, and the queue a storer", lambda: (now := status())["ownedPartitions"] == 16
                   and now["runners"] == 1 and now["activeStorers"] == 1)
        assert status()["lagRows"] == 0, status()
        assert "Sent asked-allq-ready.avg" in app.run("send", "queues", "--prefix", "asked", "--once").stdout
        eventually("the engine watches itself", lambda: app.sql(
            "SELECT last_rowid FROM metric WHERE name = 'asked-q-asked.metric.custom.data-ready.avg'") == [["1"]])
        # The same by itself, every two seconds on the clock, while everything else goes on.
        watcher = subprocess.Popen([production.program(), "send", "queues", "--prefix", "watched", "--interval", "2"],
                                   env=app.environment, stdout=subprocess.DEVNULL, stderr=subprocess.PIPE)
        watched = "SELECT timestamp, metric_value FROM metric_data JOIN metric USING (uid) WHERE name = 'watched-allq-ready.avg'"
        eventually("the process's own number of partitions", lambda: "htmengine_bus_partitions_owned 16\n" in app.request("GET", "/metrics")[1])
        me = "%s:%d" % (socket.gethostname(), app.processes["engine"].pid)
        eventually("the owner's name", lambda: {one["owner"] for one in status()["partitionOwners"]} == {me})
        # The numbers for Prometheus are some seconds old.
        for line in ['htmengine_partition_owned{partition="15",owner="%s"} 1' % me, "htmengine_partitions_owned 16",
                     "htmengine_runners 1", "htmengine_active_storers 1", "htmengine_lag_rows 0", "htmengine_lag_seconds 0",
                     'htmengine_queue_ready{queue="asked.metric.custom.data"} 0',
                     'htmengine_partition_lag_rows{partition="0"} 0']:
            eventually(line, lambda: line + "\n" in app.request("GET", "/metrics")[1])
        numbers = app.request("GET", "/metrics")[1]
        for line in re.findall(r"^# TYPE (\w+)", numbers, re.M):
            assert "# HELP %s " % line in numbers, "%s has no explanation" % line
        eventually("the watcher's samples", lambda: len(app.sql(watched)) >= 2)
        watcher.send_signal(signal.SIGINT)
        assert watcher.wait(60) in (0, -signal.SIGINT) and not watcher.stderr.read()
        assert all(int(row[0][-2:]) % 2 == 0 and float(row[1]) >= 0 for row in app.sql(watched)), app.sql(watched)
        text = app.run("status").stdout
        assert "asked.metric.custom.data" in text and text.count(me) == 16, text
        # Nobody scores: the lag is counted, in rows and seconds.
        app.request("PUT", "/m", '{"min":0, "max":100}')
        eventually("ACTIVE", lambda: app.sql("SELECT status FROM metric WHERE name = 'm'") == [["1"]])
        app.kill("engine")
        app.start("listener", "listener")
        began = int(time.time()) - 5000
        eventually("the listener", lambda: app.graphite_send(lines("m", 4, start=began)) or True)
        eventually("the broker knows that the runner is gone", lambda: status()["ownedPartitions"] == 0)
        behind = status()
        one = [one for one in behind["partitionOwners"] if one["lagRows"]]
        assert behind["lagRows"] == 4 and 4990 < behind["lagSeconds"] < 5300, behind
        assert len(one) == 1 and one[0]["lagRows"] == 4 and one[0]["lagSeconds"] == behind["lagSeconds"], one
        assert behind["ownedPartitions"] == 0 and all(one["owner"] is None for one in behind["partitionOwners"]), behind
    finally:
        app.remove()


def test_a_database_of_the_original_goes_on(pair):
    """The recorded database with data: its scores stay, its models are rebuilt from their rows and score what comes."""
    dump = golden("database_with_data.sql")
    if not dump:
        print("  skipped: no recorded database")
        return
    app = Application("takeover", pair)
    try:
        app.create_database()
        with open(dump) as file:
            app.sql(file.read())
        before = app.sql("SELECT * FROM metric_data ORDER BY uid, rowid")
        count = int(app.sql("SELECT last_rowid FROM metric WHERE name = 'cpu_percent'")[0][0])
        app.run("migrate")
        app.start("engine", "listener,storer,runner")
        eventually("the listener", lambda: app.graphite_send(lines("cpu_percent", 3, start=int(time.time()) - 900)) or True)
        eventually("the model goes on", lambda: app.sql(
            "SELECT COUNT(*) FROM metric_data JOIN metric USING (uid) WHERE name = 'cpu_percent' AND rowid > %d "
            "AND anomaly_score IS NOT NULL" % count) == [["3"]], seconds=120)
        kept = {(row[0], row[1]) for row in before}
        after = [row for row in app.sql("SELECT * FROM metric_data ORDER BY uid, rowid") if (row[0], row[1]) in kept]
        changed = [(old, new) for old, new in zip(before, after) if old[:4] != new[:4] or (old[4] != "NULL" and old[4:7] != new[4:7])]
        assert len(before) == len(after) and not changed, changed[:3]
    finally:
        app.remove()


def golden(name):
    """Path of a recording of the original; None where there is none."""
    root = os.environ.get("HTMENGINE_GOLDEN", os.path.join(production.ROOT, "..", "shared", "golden"))
    path = os.path.join(root, "original", name)
    return path if os.path.exists(path) else None


def same_content(ours, theirs, path=""):
    """Key by key and type by type; a whole number may be written with or without a point, as the original does both."""
    numbers = (int, float)
    if isinstance(theirs, dict):
        assert isinstance(ours, dict) and set(ours) == set(theirs), (path, ours, theirs)
        for key in theirs:
            same_content(ours[key], theirs[key], path + "/" + key)
    elif isinstance(theirs, list):
        assert isinstance(ours, list) and len(ours) == len(theirs), (path, ours, theirs)
        for index, (one, other) in enumerate(zip(ours, theirs)):
            same_content(one, other, "%s[%d]" % (path, index))
    elif isinstance(theirs, numbers) and not isinstance(theirs, bool):
        assert isinstance(ours, numbers) and not isinstance(ours, bool) and ours == theirs, (path, ours, theirs)
    else:
        assert type(ours) is type(theirs) and ours == theirs, (path, ours, theirs)


def test_recorded_conversation(pair):
    """What the original's programs were heard to say, byte for byte and by foreign clients; our answers must be the original's."""
    recording = golden("messages.jsonl")
    if not recording:
        print("  skipped: no recorded messages")
        return
    if not shutil.which("amqp-publish"):
        print("  skipped: not installed: amqp-tools")
        return
    with open(recording) as file:
        recorded = [dict(json.loads(line)) for line in file]
    for one in recorded:
        one["body"] = base64.b64decode(one["body_base64"])
    app = Application("skeleton", pair)
    server = ["--server=127.0.0.1", "--port=%d" % pair.rabbitmq.port, "--username=" + production.servers.AMQP_USER,
              "--password=" + production.servers.AMQP_PASSWORD]
    def publish(queue, body, durable=True):
        subprocess.run(["amqp-publish", *server, "--routing-key=" + queue, *(["--persistent"] if durable else [])],
                       input=body, check=True)
    try:
        app.create_database()
        app.run("migrate")
        app.bind_results("skeleton_recorded")
        app.start("engine", "storer,runner")
        eventually("a runner", lambda: json.loads(app.run("status", "--json").stdout)["ownedPartitions"] == 16)
        eventually("the queue for notifications", lambda: has_queue(app, "skeleton.mswapper.scheduler.notification"))
        honoured = []
        for name in ("with.classifier", "/load_average"):
            command = next(json.loads(one["body_inflated"]) for one in recorded if "exchange" in one
                           and "modelInfo" in one["body_inflated"] and '"metricName": "%s"' % name in one["body_inflated"])
            result = next(json.loads(one["body_inflated"]) for one in recorded if "exchange" in one
                          and '"results"' in one["body_inflated"] and '"name": "%s"' % name in one["body_inflated"])
            uid, spec = command["modelId"], command["modelInfo"]["modelSpec"]
            queue = "skeleton.mswapper.model.input." + uid
            definition = next(one for one in recorded if one.get("queue") == queue and "defineModel" in one["body_text"])
            parameters = json.loads(definition["body_text"].split("\n", 1)[1])[0][3]
            # The original's library writes the metric with its own statements, then talks to its model swapper.
            def text(value):
                return "'%s'" % json.dumps(value).replace("\\", "\\\\").replace("'", "''")
            app.sql("INSERT INTO metric (uid, datasource, name, description, server, location, parameters, status, poll_interval, "
                    "model_params, last_rowid) VALUES ('%s', 'custom', '%s', 'Custom metric %s', '%s', '', %s, 2, 300, %s, 0)"
                    % (uid, name, name, command["modelInfo"]["resource"], text(spec), text(parameters)))
            subprocess.run(["amqp-declare-queue", *server, "--queue=" + queue, "--durable"], check=True, capture_output=True)
            publish(queue, definition["body"])
            publish("skeleton.mswapper.scheduler.notification", json.dumps(uid).encode(), durable=False)
            start = time.monotonic()
            eventually("ACTIVE", lambda: app.sql("SELECT status FROM metric WHERE uid = '%s'" % uid) == [["1"]], pause=0.05)
            honoured.append(time.monotonic() - start)
            print("  %s was honoured after %.1f s" % (name, honoured[-1]))
            for one in recorded:
                if one.get("queue") == "skeleton.metric.custom.data" and name + " " in one["body_text"]:
                    publish(one["queue"], one["body"])
            wanted = len(result["results"])
            messages = []
            def all_results():
                messages.extend(app.take_results("skeleton_recorded"))
                return sum(len(message.get("results", [])) for _, message in messages) >= wanted
            eventually("results", all_results)
            properties, ours = messages[0]
            assert properties.headers == {"dataType": "model-cmd-result"} and properties.delivery_mode == 2, properties
            assert len(ours["commandId"]) == 32, ours
            same_content(dict(ours, commandId=None), dict(command, commandId=None))
            rows = {}
            for properties, message in messages[1:]:
                assert properties.headers is None and properties.delivery_mode == 2, properties
                same_content(message["metric"], result["metric"])
                assert set(message) == set(result), message
                rows.update({row["rowid"]: row for row in message["results"]})
            same_content([rows[key] for key in sorted(rows)], result["results"])
        # 5 s are required; a machine with other things to do gets more, and a second try.
        assert min(honoured) < 15, honoured
        # One that nobody can read harms no other, and lies where a foreign client finds it.
        publish("skeleton.metric.custom.data", b"\x80\x02garbage")
        publish("skeleton.metric.custom.data", b'{"protocol": "plain", "data": ["after.garbage 1 1700000000"]}')
        eventually("the next message", lambda: app.sql("SELECT last_rowid FROM metric WHERE name = 'after.garbage'") == [["1"]])
        dead = subprocess.run(["amqp-get", *server, "--queue=skeleton.metric.custom.data.dead"], capture_output=True, check=True)
        assert dead.stdout == b"\x80\x02garbage", dead
    finally:
        app.remove()


def test_ways_to_the_servers(pair):
    """TLS to both servers, checked; the unix socket; a refused login and a server that isn't there say what to do."""
    app = Application("ways", pair)
    try:
        app.create_database()
        subprocess.run(["mariadb", "--no-defaults", "--user=root", "--socket=" + pair.mariadb.socket], check=True, text=True,
                       input="CREATE USER 'tlsonly'@'%' IDENTIFIED BY 'only tls' REQUIRE SSL; GRANT ALL ON ways.* TO 'tlsonly'@'%'")
        override = app.environment
        def configured(**values):
            """The environment with some keys of application.conf and rabbitmq.conf replaced."""
            return dict(override, **{"_NTA_UTILS_CONFIG__" + key.upper(): value for key, value in values.items()})
        def migrate(**values):
            return subprocess.run([production.program(), "migrate"], env=configured(**values), cwd=app.directory, text=True,
                                  capture_output=True, timeout=300)
        repository = "application__repository__"
        for values, said in (({"user": "nobody", "passwd": "s3cret"}, ["user nobody", "GRANT ALL ON `ways`", "CREATE USER"]),
                             ({"host": "127.0.0.1", "port": "1"}, ["port 1", "Is the server running"]),
                             ({"user": "tlsonly", "passwd": "only tls"}, ["user tlsonly"])):
            refused = migrate(**{repository + key: value for key, value in values.items()})
            text = refused.stdout + refused.stderr
            assert refused.returncode == 1 and all(part in text for part in said), (values, text)
            assert values.get("passwd", production.servers.SQL_PASSWORD) not in text, text
        # Two at once do the work once, and both succeed.
        both = [subprocess.Popen([production.program(), "migrate"], env=override, cwd=app.directory, text=True,
                                 stdout=subprocess.PIPE, stderr=subprocess.STDOUT) for _ in range(2)]
        texts = [process.communicate(timeout=300)[0] for process in both]
        assert [process.returncode for process in both] == [0, 0], texts
        assert sum(text.count("315d6ad6c19f") for text in texts) == 1 and sum("Nothing to do" in text for text in texts) == 1, texts
        socket_only = migrate(**{repository + "unix_socket": pair.mariadb.socket, repository + "port": "1"})
        assert "Nothing to do" in socket_only.stdout, socket_only
        if not pair.certificate:
            print("  TLS skipped: no openssl for a certificate")
            return
        authority = pair.certificate["ca.pem"]
        secure = {repository + "user": "tlsonly", repository + "passwd": "only tls", repository + "tls": "verified",
                  repository + "tls_ca": authority, "rabbitmq__connection__host": "localhost",
                  "rabbitmq__connection__port": str(pair.rabbitmq.tls_port), "rabbitmq__connection__tls": "verified",
                  "rabbitmq__connection__tls_ca": authority}
        app.environment = configured(**secure)
        app.start("engine", "listener,storer,runner,http")
        eventually("HTTP over TLS", lambda: app.request("PUT", "/m", '{"min":0, "max":100}')[0] in (201, 400))
        app.amqp_send(lines("m", 20))
        eventually("scores over TLS", lambda: scored(app, "m") == 20)
        app.stop()
        # An authority that hasn't signed the certificate is refused, by both.
        stranger = os.path.join(app.directory, "stranger.pem")
        subprocess.run(["openssl", "req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:prime256v1", "-nodes", "-keyout",
                        "/dev/null", "-out", stranger, "-days", "2", "-subj", "/CN=stranger"], check=True, capture_output=True)
        app.environment = configured(**dict(secure, **{repository + "tls_ca": stranger}))
        assert app.run("status", check=False).returncode == 1
        app.environment = configured(**dict(secure, rabbitmq__connection__tls_ca=stranger))
        refused = app.run("status", check=False)
        assert refused.returncode == 1 and "RabbitMQ" in refused.stderr, refused
    finally:
        app.remove()


def test_systemd_unit(pair):
    """systemd finds nothing wrong with the unit, which starts the program we have built."""
    if not shutil.which("systemd-analyze"):
        print("  skipped: not installed: systemd")
        return
    with tempfile.TemporaryDirectory() as directory:
        unit = os.path.join(directory, "htmengine.service")
        with open(os.path.join(production.ROOT, "conf", "htmengine.service")) as file:
            text = file.read()
        assert "ExecStart=/usr/bin/htmengine serve" in text
        with open(unit, "w") as file:
            file.write(text.replace("/usr/bin/htmengine", production.program()))
        done = subprocess.run(["systemd-analyze", "verify", unit], capture_output=True, text=True)
        # It also speaks of units that others have installed.
        ours = [line for line in done.stderr.splitlines() if "htmengine" in line]
        assert done.returncode == 0 and not ours, done.stderr


def test_supervisor(pair):
    """The sample's supervisord.conf with the programs that come with the engine: all RUNNING, on the page of port 9001 too."""
    app = Application("supervised", pair)
    port = production.servers.free_ports(1)[0]
    conf = os.path.join(app.directory, "conf", "supervisord.conf")
    control = ["supervisorctl", "-c", conf]
    started = False
    try:
        app.create_database()
        app.run("migrate")
        with open(os.path.join(production.ROOT, "Samples", "Skeleton", "conf", "supervisord.conf.in")) as file:
            text = file.read()
        for key, value in (("@NAME@", app.name), ("@HERE@", app.directory), ("@ENGINE@", production.ROOT),
                           ("@SUPERVISOR_PORT@", str(port))):
            text = text.replace(key, value)
        with open(conf, "w") as file:
            file.write(text)
        environment = dict(os.environ, PATH=os.path.dirname(production.program()) + ":" + os.environ["PATH"])
        subprocess.run(["supervisord", "-c", conf], check=True, cwd=app.directory, env=environment)
        started = True
        def all_running():
            listing = subprocess.run([*control, "status"], capture_output=True, text=True).stdout
            states = {line.split()[0]: line.split()[1] for line in listing.splitlines() if len(line.split()) > 1}
            wanted = ["htmengine:metric_listener", "htmengine:metric_storer", "htmengine:model_runner_00",
                      "htmengine:model_runner_01"]
            off = all(states.get(name) == "STOPPED" for name in ("http", "collector"))
            return all(states.get(name) == "RUNNING" for name in wanted) and off
        eventually("all RUNNING", all_running)
        page = production.urllib.request.urlopen("http://127.0.0.1:%d/" % port, timeout=60).read().decode()
        assert page.count("running") >= 4, page
        eventually("the listener", lambda: app.graphite_send(lines("m", 3)) or True)
        assert app.sql("SELECT last_rowid FROM metric") == [["3"]]
        assert os.path.exists(os.path.join(app.directory, "logs", "model_runner_01.log"))
        subprocess.run([*control, "start", "collector"], check=True, capture_output=True)
        listing = subprocess.run([*control, "status", "collector"], capture_output=True, text=True).stdout
        assert listing.split()[1] == "RUNNING", listing
        assert os.path.exists(os.path.join(app.directory, "logs", "collector.log"))
    finally:
        if started:
            subprocess.run([*control, "shutdown"], capture_output=True)
            eventually("supervisor's end", lambda: not os.path.exists(os.path.join(app.directory, "supervisord.pid")))
        app.remove()


def show_logs():
    """The ends of the engine's logs of the test that failed."""
    for name, log in production.last_logs.items():
        print("--- %s\n%s" % (name, log[-3000:]), flush=True)


def main():
    tests = {name: value for name, value in globals().items() if name.startswith("test_")}
    wanted = ["test_" + name.removeprefix("test_") for name in sys.argv[1:]] or list(tests)
    reason = production.reason_to_skip()
    if reason:
        print("SKIPPED: the production form on real servers (%s)" % reason)
        return 0
    pair = production.servers.Servers()
    failed = 0
    try:
        pair.start()
        for name in wanted:
            start = time.monotonic()
            try:
                tests[name](pair)
                print("ok    %s (%.1f s)" % (name, time.monotonic() - start), flush=True)
            except Exception:
                failed += 1
                print("FAIL  %s" % name, flush=True)
                import traceback
                traceback.print_exc()
                show_logs()
    finally:
        pair.stop()
    return 1 if failed else 0


if __name__ == "__main__":
    # A test run that is told to stop must still end its servers.
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(143))
    # In the background of a shell SIGINT is ignored, and programs that are started would ignore it too.
    signal.signal(signal.SIGINT, signal.default_int_handler)
    sys.exit(main())
