#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Drives the dashboard of a real engine in headless Chromium.

    /usr/bin/python3 Tests/Browser/dashboard_test.py [--binary .build/release/htmengine] [--out .build/screenshots]

Needs Debian's packages chromium, chromium-driver and python3-selenium. Screenshots of every step land in --out. Exit code 0 when all went well.
Nothing here depends on a clock: each step waits for what it expects, with a generous deadline.
"""

import argparse
import json
import math
import os
import random
import re
import signal
import sqlite3
import subprocess
import sys
import tempfile
import time
import urllib.request
import uuid

from selenium import webdriver
from selenium.webdriver.chrome.service import Service
from selenium.webdriver.common.action_chains import ActionChains
from selenium.webdriver.common.by import By
from selenium.webdriver.common.keys import Keys

HOSTILE = "web.<img/src=x/onerror=document.title='owned'>"


class Engine:
    """A running `htmengine serve` on free ports with a data directory of its own."""

    def __init__(self, binary, data, *options):
        self.process = subprocess.Popen(
            [binary, "serve", "--data", data, "--http", "127.0.0.1:0", "--graphite", "127.0.0.1:0", *options],
            stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True)
        text = ""
        for line in self.process.stdout:
            text += line
            found = re.search(r"http://(127\.0\.0\.1:\d+)/ in a browser", text)
            if found:
                break
        else:
            raise SystemExit("the engine didn't start")
        self.url = "http://" + found.group(1)

    def call(self, method, path, body=None):
        data = body.encode() if isinstance(body, str) else None if body is None else json.dumps(body).encode()
        request = urllib.request.Request(self.url + path, data=data, method=method)
        with urllib.request.urlopen(request, timeout=120) as reply:
            text = reply.read().decode()
            return json.loads(text) if "json" in reply.headers.get("Content-Type", "") else text

    def post(self, name, samples):
        for at in range(0, len(samples), 2000):
            self.call("POST", "/" + urllib.request.quote(name), "\n".join(f"{v} {t}" for t, v in samples[at:at + 2000]))

    def monitor(self, name, **params):
        spec = {"datasource": "custom", "metricSpec": {"metric": name}, "modelParams": params}
        return self.call("POST", "/_models", spec)[0]["uid"]

    def stop(self):
        self.process.send_signal(signal.SIGTERM)
        self.process.wait(120)


def until(what, check, seconds=240):
    """Waits until `check` gives something true, and returns it."""
    deadline = time.monotonic() + seconds
    last = None
    while time.monotonic() < deadline:
        try:
            value = check()
            if value:
                return value
        except Exception as error:  # The page may be in the middle of changing.
            last = error
        time.sleep(0.1)
    raise AssertionError(f"not within {seconds} s: {what} ({last})")


class Page:
    def __init__(self, out, base):
        options = webdriver.ChromeOptions()
        for option in ["--headless=new", "--no-sandbox", "--disable-gpu", "--disable-dev-shm-usage", "--hide-scrollbars"]:
            options.add_argument(option)
        options.set_capability("goog:loggingPrefs", {"browser": "ALL"})
        driver = "/usr/bin/chromedriver"
        self.driver = webdriver.Chrome(options=options, service=Service(driver) if os.path.exists(driver) else Service())
        self.out = out
        self.base = base

    def size(self, width, height, mobile=False):
        self.driver.execute_cdp_cmd("Emulation.setDeviceMetricsOverride", {
            "width": width, "height": height, "deviceScaleFactor": 1, "mobile": mobile})

    def colours(self, scheme):
        self.driver.execute_cdp_cmd("Emulation.setEmulatedMedia", {
            "features": [{"name": "prefers-color-scheme", "value": scheme}]})

    def go(self, path):
        self.driver.get("about:blank")
        self.driver.get(self.base + path)

    def all(self, css):
        return self.driver.find_elements(By.CSS_SELECTOR, css)

    def one(self, css):
        return until(css, lambda: self.all(css))[0]

    def text(self, css):
        return self.one(css).text

    def button(self, words):
        return until(f"button {words}", lambda: [
            b for b in self.all("button") if b.is_displayed() and words in b.text])[0]

    def press(self, words):
        """Clicks a button, once: what is drawn again or lies under something else isn't clicked but tried again."""
        until(f"to press {words}", lambda: self.button(words).click() or True)

    def click(self, css):
        until(f"to click {css}", lambda: self.one(css).click() or True)

    def shot(self, name):
        time.sleep(0.5)  # Lets transitions end; no verdict depends on it.
        self.driver.save_screenshot(os.path.join(self.out, name + ".png"))

    def complaints(self):
        """What the browser's console says: script errors and violations of the content security policy."""
        return [e["message"] for e in self.driver.get_log("browser")
                if e["level"] == "SEVERE" and "status of 4" not in e["message"]]


def taxi_like(start, count, odd):
    """A daily pattern with noise, and a stretch that is nothing like it."""
    noise = random.Random(7)
    samples = []
    for i in range(count):
        t = start + i * 1800
        day = (t % 86400) / 86400
        v = 15000 + 9000 * math.sin(2 * math.pi * (day - 0.3)) + noise.gauss(0, 600)
        if odd <= i < odd + 24:
            v = 27000 + noise.gauss(0, 3000) if i % 2 else 2000
        samples.append((t, round(v, 1)))
    return samples


def first_visit(page, engine):
    page.size(1280, 900)
    page.go("/")
    until("what to type", lambda: "htmengine send cpu" in page.text("main"))
    assert "Waiting for the first value" in page.text(".arrived")
    page.shot("first-visit")
    engine.post("load_average", [(int(time.time()), 0.42)])
    until("the metric to arrive", lambda: "load_average" in page.text(".arrived"))
    page.shot("first-value")
    page.press("Monitor it")
    page.button("Monitor").is_displayed()
    until("the dialog", lambda: page.all("dialog form"))
    page.shot("monitor-dialog")
    page.one("dialog input[name=min]").send_keys("0")
    page.click("dialog button[type=submit]")
    until("the refusal of one bound", lambda: "both" in page.text("dialog .problem"))
    page.one("dialog input[name=max]").send_keys("12")
    page.click("dialog button[type=submit]")
    until("monitored", lambda: "monitored" in page.text(".arrivals"))
    page.press("Show the metrics")
    until("the overview", lambda: page.all("li.metric"))


def live_data(page, engine):
    uid = engine.call("GET", "/_metrics/custom/load_average")["uid"]
    page.go(f"/#/metric/{uid}")
    until("the metric's page", lambda: page.text("h1") == "load_average")
    until("the stream", lambda: "live" in page.text("#live"))
    for value in ("3.25", "4.75"):
        engine.post("load_average", [(int(time.time()) + (1 if value == "4.75" else 0), value)])
        # No reload: the value comes by itself.
        until(f"value {value}", lambda: value in page.text(".facts"))
        time.sleep(1.1)


def anomaly_event(page, engine):
    samples = taxi_like(1_700_000_000, 2400, 2100)
    engine.post("city.taxi_rides", samples)
    uid = engine.monitor("city.taxi_rides", min=0, max=40000)
    until("all scores", lambda: engine.call("GET", f"/_models/{uid}")["scored_rows"] == len(samples), 240)
    found = engine.call("GET", f"/_events?metric={uid}")
    assert found, "no anomaly event on a series with a gross fault"
    page.go(f"/#/metric/{uid}")
    until("the list of anomalies", lambda: page.all("button.event"))
    until("the chart", lambda: page.all(".value-plot canvas"))
    page.shot("metric")
    return uid


def zoom(page, uid):
    words = page.text("#range-words")
    over = page.one(".value-plot .u-over")
    ActionChains(page.driver).move_to_element_with_offset(over, -100, 0).click_and_hold().move_by_offset(150, 0).release().perform()
    until("a shorter range", lambda: page.text("#range-words") != words)
    page.shot("zoomed")
    zoomed = page.text("#range-words")
    page.one(".chart-box").send_keys(Keys.ARROW_LEFT)
    until("panned", lambda: page.text("#range-words") != zoomed)
    page.one(".chart-box").send_keys(Keys.HOME)
    until("back to the first row", lambda: page.text("#range-words") == words)
    page.click("button.event")
    until("the event's range", lambda: page.text("#range-words") != words)
    page.shot("event")
    page.press("Write a note")
    page.one("dialog textarea").send_keys("Marathon <b>day</b>")
    page.click("dialog button[type=submit]")
    until("the note", lambda: "Marathon <b>day</b>" in page.text(".notes"))


def csv_drop(page, engine):
    rows = ["timestamp,value"] + [
        time.strftime("%Y-%m-%d %H:%M:%S", time.gmtime(t)) + f",{v}" for t, v in taxi_like(1_600_000_000, 1200, 900)]
    rows.insert(500, "not a time,1")
    page.go("/#/add")
    until("the drop box", lambda: page.all(".drop-box"))
    page.driver.execute_script("""
        const transfer = new DataTransfer();
        transfer.items.add(new File([arguments[0]], "my rides 2020.csv", { type: "text/csv" }));
        for (const type of ["dragenter", "dragover", "drop"])
          document.body.dispatchEvent(new DragEvent(type, { dataTransfer: transfer, bubbles: true, cancelable: true }));
    """, "\n".join(rows))
    until("the dialog", lambda: "1,200 samples" in page.text("dialog"))
    assert "1 line can't be used" in page.text("dialog")
    page.shot("csv-drop")
    page.click("dialog button[type=submit]")
    until("progress", lambda: re.search(r"Stored|Making|Scored", page.text("dialog")))
    page.shot("csv-progress")
    until("the metric's page", lambda: page.text("h1") == "my_rides_2020", 240)
    assert engine.call("GET", "/_metrics/custom/my_rides_2020")["scored_rows"] == 1200


def many_at_once(page, engine):
    for name in ("spare.1", "spare.2", "kept.1"):
        engine.post(name, [(1_700_000_000, 1)])
    page.go("/")
    until("the overview", lambda: page.all("li.metric"))
    page.click("details.menu summary")
    page.press("Delete by pattern")
    # Nothing is chosen yet, and nothing can be deleted by a hasty Enter.
    assert page.one("dialog input[name=pattern]").get_attribute("value") == ""
    page.one("dialog input[name=pattern]").send_keys("spare.*")
    until("what would go", lambda: "2 metrics" in page.text("dialog .preview") and "spare.1" in page.text("dialog .preview"))
    page.shot("delete-by-pattern")
    page.press("Delete for good")
    until("what went", lambda: not page.all("dialog") and {m["name"] for m in engine.call("GET", "/_metrics/custom")}
          .isdisjoint({"spare.1", "spare.2"}))
    assert "kept.1" in {m["name"] for m in engine.call("GET", "/_metrics/custom")}
    engine.call("DELETE", "/_metrics/custom/kept.1")


def looks(page, uid):
    page.colours("dark")
    page.size(1280, 1000)
    page.go(f"/#/metric/{uid}")
    until("events", lambda: page.all("button.event"))
    assert page.driver.execute_script("return document.documentElement.dataset.theme") == "dark"
    page.shot("dark")
    page.size(390, 844, mobile=True)
    for path, name in [("/", "phone"), (f"/#/metric/{uid}", "phone-metric")]:
        page.go(path)
        until("content", lambda: page.all("li.metric") or page.all("button.event"))
        wide = page.driver.execute_script("return document.documentElement.scrollWidth")
        assert wide <= 390, f"{name} is {wide} pixels wide"
        page.shot(name)
    page.colours("light")


def fill(path, count, rows):
    """Many metrics with scores, written into the database of an engine that isn't running."""
    database = sqlite3.connect(path)
    database.execute("PRAGMA synchronous = OFF")
    database.execute("PRAGMA cache_size = -400000")
    generator = random.Random(3)
    now = int(time.time()) // 300 * 300
    for i in range(count):
        uid, hot = uuid.UUID(int=generator.getrandbits(128)).hex, generator.random()
        name = ["web%04d.cpu", "db%04d.latency_ms", "queue%04d.depth", "host%04d.disk"][i % 4] % i
        if i == 17:
            name, hot = HOSTILE, 0
        stamps = [time.strftime("%Y-%m-%d %H:%M:%S", time.gmtime(now - (rows - k) * 300)) for k in range(1, rows + 1)]
        database.execute(
            "INSERT INTO metric (uid, datasource, name, description, server, location, parameters, status, last_timestamp, "
            "poll_interval, model_params, last_rowid) VALUES (?, 'custom', ?, '', ?, '', ?, 1, ?, 300, '{}', ?)",
            (uid, name, name, json.dumps({"datasource": "custom", "metricSpec": {"metric": name}}), stamps[-1], rows))
        data = []
        # Most have kept a day's rows only, as retention leaves them: that makes the database quickly.
        for k in range(1 if i % 100 == 17 else rows - 23, rows + 1):
            red = hot < 0.01 and k == rows - 1
            score = 0.9999997 if red else 0.0 if k <= 100 else min(0.95, abs(generator.gauss(0.5, 0.15)))
            data.append((uid, k, stamps[k - 1], 50 + 30 * math.sin(k / 46 + i) + generator.gauss(0, 3) + 60 * red, score / 2, score,
                         1_000_000_001 if red else 1000, "null"))
        database.executemany("INSERT INTO metric_data VALUES (?, ?, ?, ?, ?, ?, ?, ?)", data)
        database.execute(
            "INSERT INTO htmengine_model (uid, generation, scored_rowid, published_rowid, base_rowid, checkpoint_rowid, "
            "previous_checkpoint_rowid, seen_status, failures, automatic) VALUES (?, 1, ?, ?, 0, ?, 0, 1, 0, 0)",
            (uid, rows, rows, rows))
    database.commit()
    database.close()


def ten_thousand(page, binary, directory):
    Engine(binary, directory).stop()
    fill(os.path.join(directory, "htmengine.sqlite"), 10_000, 320)
    engine = Engine(binary, directory)
    try:
        page.base = engine.url
        page.size(1280, 900)
        page.go("/")
        until("the first page", lambda: "of 10,000 metrics" in page.text(".totals"))
        assert len(page.all("li.metric")) == 50
        until("the oddest first", lambda: "very unusual" in page.all("li.metric")[0].text)
        page.shot("ten-thousand")
        times = []
        for words in ("web", "db00", "queue*7.depth", ""):
            began = time.monotonic()
            engine.call("GET", "/_metrics/custom?bars=24&spark=120&limit=50&search=" + urllib.request.quote(words))
            times.append(time.monotonic() - began)
        print("  10,000 metrics: a page of 50 with bars takes " + ", ".join(f"{1000 * t:.0f}" for t in times) + " ms")
        box = page.one("#search")
        box.send_keys("onerror")
        until("the hostile name, as text", lambda: page.text(".totals") == "1 metric" and HOSTILE in page.text("li.metric"))
        assert page.driver.title == "htmengine" and not page.all("main img")
        page.click("li.metric a")
        until("its page", lambda: page.text("h1") == HOSTILE)
        assert "owned" not in page.driver.title.split(" – ")[1:]
        page.size(2560, 1300)
        page.colours("dark")
        page.go("/")
        until("the wall", lambda: len(page.all("li.metric")) == 50)
        page.shot("wall")
        page.colours("light")
    finally:
        engine.stop()


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("--binary", default=".build/release/htmengine")
    parser.add_argument("--out", default=".build/screenshots")
    options = parser.parse_args()
    os.makedirs(options.out, exist_ok=True)
    with tempfile.TemporaryDirectory() as directory:
        engine = Engine(options.binary, os.path.join(directory, "a"))
        page = Page(options.out, engine.url)
        try:
            steps = {}
            for step in ("first_visit", "live_data", "anomaly_event", "zoom", "csv_drop", "many_at_once", "looks"):
                print(step, flush=True)
                if step == "anomaly_event":
                    steps["uid"] = anomaly_event(page, engine)
                elif step in ("zoom", "looks"):
                    globals()[step](page, steps["uid"])
                else:
                    globals()[step](page, engine)
            # What the page would say of an engine that goes away isn't meant.
            page.driver.get("about:blank")
            engine.stop()
            print("ten_thousand", flush=True)
            ten_thousand(page, options.binary, os.path.join(directory, "b"))
            complaints = [c for c in page.complaints() if "ERR_CONNECTION" not in c and "ERR_INCOMPLETE" not in c]
            assert not complaints, "\n".join(complaints)
        except BaseException:
            page.shot("failed")
            raise
        finally:
            page.driver.quit()
            if engine.process.poll() is None:
                engine.stop()
    print("all well")


if __name__ == "__main__":
    sys.exit(main())
