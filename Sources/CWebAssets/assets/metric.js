// SPDX-License-Identifier: Apache-2.0
// One metric: its values and scores over any time, its anomalies, notes and model.

import { call, follow, get } from "./api.js";
import { annotate, exportModel, monitor, remove, unmonitor } from "./actions.js";
import { MetricCharts } from "./charts.js";
import { h, setText, show, toast } from "./dom.js";
import { ago, count, likelihood, plural, rarity, seconds, span, state, time, tone, value } from "./format.js";

export function metricPage(host, uid) {
  let metric = null, ended = false, timer = null, fetchTimer = null, request = null, live = true, loaded = null;
  let events = [], notes = [], range = null, cursorTime = null;
  // Scores above this may begin an event or belong to one; the engine says where its configuration puts it.
  let quietBelow = 0;
  get("/_about").then(({ body }) => { quietBelow = body.events.end_below; }, () => {});

  const title = h("h1", {}), pill = h("span", { class: "pill" }), facts = h("p", { class: "facts" });
  const progress = h("progress", { max: 1, hidden: true, "aria-label": "Learning progress" });
  const buttons = h("div", { class: "buttons start" });
  const chartHost = h("div", { class: "charts" });
  const chartBox = h("div", {
    class: "chart-box", tabindex: 0, role: "group", onkeydown: keys,
    "aria-label": "Chart. Arrow keys pan, plus and minus zoom, Home shows everything, End follows the newest.",
  }, chartHost);
  const summary = h("p", { class: "sr", role: "status" });
  const ranges = [[3600, "Hour"], [86400, "Day"], [7 * 86400, "Week"], [30 * 86400, "Month"], [0, "All"]];
  const rangeBar = h("div", { class: "bar tight" },
    h("div", { class: "segments", role: "group", "aria-label": "Time shown" },
      ranges.map(([s, text]) => h("button", { type: "button", "data-span": s, onclick: () => showLast(s) }, text))),
    h("button", { type: "button", onclick: () => pan(-0.5), "aria-label": "Earlier" }, "←"),
    h("button", { type: "button", onclick: () => pan(0.5), "aria-label": "Later" }, "→"),
    h("button", { type: "button", onclick: () => zoom(0.5), "aria-label": "Zoom in" }, "+"),
    h("button", { type: "button", onclick: () => zoom(2), "aria-label": "Zoom out" }, "−"),
    h("span", { class: "muted", id: "range-words" }),
    h("button", { type: "button", class: "right", onclick: writeNote }, "Write a note"));
  const eventList = h("div", { class: "card" }), noteList = h("div", { class: "card" }), model = h("div", { class: "card" }), recent = h("div", { class: "card" });
  const page = h("article", { class: "metric-page" },
    h("p", { class: "crumb" }, h("a", { href: "#/" }, "← All metrics")),
    h("div", { class: "head" }, h("div", { class: "title-line" }, title, pill), buttons), facts, progress,
    rangeBar, chartBox, summary, h("div", { class: "cards" }, eventList, noteList, model, recent));
  const charts = new MetricCharts(chartHost, { onRange: (min, max, settled) => setRange(min, max, settled), onReset: () => showLast(0) });

  const first = () => seconds(metric.first_timestamp) ?? 0, last = () => seconds(metric.last_timestamp) ?? 1;
  const full = () => {
    const pad = Math.max(30, (last() - first()) * 0.01);
    return [first() - pad, last() + pad];
  };

  function setRange(min, max, settled = true) {
    const [a, b] = full();
    const width = Math.min(Math.max(max - min, 20), Math.max(20, b - a));
    let start = (min + max) / 2 - width / 2;
    start = Math.max(a, Math.min(start, Math.max(a, b - width)));
    range = [start, start + width];
    live = range[1] >= last();
    charts.setRange(...range);
    words();
    clearTimeout(fetchTimer);
    fetchTimer = setTimeout(loadData, settled ? 0 : 120);
  }
  function showLast(s) {
    const [a, b] = full();
    setRange(s === 0 ? a : Math.max(a, b - s), b);
  }
  const pan = (by) => setRange(range[0] + by * (range[1] - range[0]), range[1] + by * (range[1] - range[0]));
  const zoom = (by) => {
    const middle = (range[0] + range[1]) / 2, half = ((range[1] - range[0]) / 2) * by;
    setRange(middle - half, middle + half);
  };
  function keys(event) {
    const act = { ArrowLeft: () => pan(-0.2), ArrowRight: () => pan(0.2), "+": () => zoom(0.6), "=": () => zoom(0.6), "-": () => zoom(1.6), Home: () => showLast(0), End: () => showLast(range[1] - range[0]) }[event.key];
    if (!act || !range) return;
    event.preventDefault();
    act();
  }
  function words() {
    const width = range[1] - range[0];
    setText(rangeBar.querySelector("#range-words"), `${time(Math.round(range[0]))} – ${time(Math.round(range[1]))}`);
    for (const b of rangeBar.querySelectorAll("[data-span]")) {
      const s = Number(b.dataset.span), [fa, fb] = full();
      const on = s === 0 ? Math.abs(width - (fb - fa)) < 1 : Math.abs(width - s) < s * 0.01;
      b.setAttribute("aria-pressed", on);
    }
  }

  async function loadData() {
    if (!range || ended) return;
    request?.abort();
    request = new AbortController();
    const wide = (range[1] - range[0]) / 2;
    const from = Math.floor(range[0] - wide), to = Math.ceil(range[1] + wide);
    try {
      const { body } = await get(`/_models/${uid}/data`, {
        from, to, points: 2400, time: "unix", predictions: metric.parameters?.modelParams?.enableClassifier ? true : undefined,
      }, request.signal);
      if (ended) return;
      loaded = { from, to, ...columns(body) };
      charts.setData(loaded);
      setText(summary, charts.words());
      showRecent();
    } catch (error) {
      if (error.name !== "AbortError") toast(error.message, "error");
    }
  }

  function columns({ names, data }) {
    const at = (name) => {
      const i = names.indexOf(name);
      return i < 0 ? data.map(() => null) : data.map((row) => row[i]);
    };
    return { time: at("timestamp"), value: at("value"), score: at("anomaly_score"), raw: at("raw_anomaly_score"), rowid: at("rowid"), expected: at("expected"), low: at("expected_low"), high: at("expected_high") };
  }

  async function load() {
    clearTimeout(timer);
    try {
      const before = metric;
      metric = (await get(`/_metrics/custom/${uid}`)).body;
      if (ended) return;
      render();
      if (!before || !range) {
        if (metric.rows > 0) {
          const [a, b] = full();
          // Everything when that is at most a month, else the last week.
          setRange(b - a > 31 * 86400 && metric.rows > 20000 ? b - 7 * 86400 : a, b);
        }
      } else if (before.rows !== metric.rows || before.scored_rows !== metric.scored_rows) {
        if (live) {
          const [, b] = full(), wasAll = range[0] <= first();
          setRange(wasAll ? full()[0] : b - (range[1] - range[0]), b);
        } else loadData();
        loadMarks();
      }
      if (!before) loadMarks();
    } catch (error) {
      if (ended) return;
      if (error.status === 404) return show(host, h("p", { class: "crumb" }, h("a", { href: "#/" }, "← All metrics")), h("p", {}, "There is no such metric (any more)."));
      toast(error.message, "error");
    }
    timer = setTimeout(load, metric?.learning || !metric?.monitored ? 1000 : 5000);
  }

  async function loadMarks() {
    try {
      const [e, n] = await Promise.all([get("/_events", { metric: uid, limit: 200 }), get("/_annotations", { metric: uid, limit: 200 })]);
      if (ended) return;
      events = e.body.map((x) => ({ ...x, start: seconds(x.start), end: seconds(x.end), peakTime: seconds(x.peak_timestamp) }));
      notes = n.body.map((x) => ({ ...x, time: seconds(x.timestamp) }));
      charts.setMarks(events, notes);
      renderEvents(e.total);
      renderNotes();
    } catch (error) {
      toast(error.message, "error");
    }
  }

  function render() {
    document.title = `${metric.name} – htmengine`;
    if (!page.isConnected) show(host, page);
    setText(title, metric.name ?? uid);
    pill.className = `pill ${tone(metric)}`;
    setText(pill, state(metric));
    const l = metric.learning;
    progress.hidden = !l;
    if (l) progress.value = l.of > 0 ? l.rows / l.of : 0;
    const parts = [`last value ${value(metric.last_value)}, ${ago(seconds(metric.last_timestamp))}`];
    if (metric.last_anomaly_score !== null && !l) parts.push(`score ${likelihood(metric.last_anomaly_score)}${metric.last_anomaly_score > 0.99 ? ` (${rarity(metric.last_anomaly_score)})` : ""}`);
    parts.push(`${count(metric.rows)} samples, ${count(metric.scored_rows)} scored`);
    if (metric.rows > 1) parts.push(`over ${span(last() - first())}`);
    if (l?.phase === "learning") parts.push("scores mean something once learning is done");
    if (l?.phase === "waiting for data") parts.push("the model starts when the value range can be estimated");
    setText(facts, parts.join(" · "));
    const key = `${metric.status}${metric.auto}`;
    if (buttons.dataset.for !== key) {
      buttons.dataset.for = key;
      const act = (f) => async () => { if (await f(metric)) load(); };
      show(buttons,
        !metric.monitored && h("button", { type: "button", class: "primary", onclick: act(monitor) }, "Monitor"),
        metric.monitored && metric.auto && h("button", { type: "button", onclick: act(monitor) }, "Monitor by hand"),
        metric.monitored && h("button", { type: "button", onclick: () => exportModel(metric) }, "Export"),
        metric.monitored && h("button", { type: "button", onclick: act(unmonitor) }, "Unmonitor"),
        h("button", { type: "button", class: "danger-text", onclick: async () => { if (await remove(metric)) location.hash = "#/"; } }, "Delete"));
    }
    renderModel();
  }

  function renderModel() {
    const m = metric.model;
    const row = (name, text) => [h("dt", {}, name), h("dd", {}, text)];
    const key = JSON.stringify([m, metric.status, metric.parameters, metric.auto]);
    if (model.dataset.for === key) return;
    model.dataset.for = key;
    show(model, h("h2", {}, "Model"), !metric.monitored
      ? h("p", { class: "muted" }, "No model. Samples are stored; monitor the metric to have them scored.")
      : h("dl", {},
        row("State", metric.status_text), metric.message && row("Reason", metric.message),
        row("Monitored", metric.auto ? "by itself (auto_monitor)" : "by hand"),
        m?.since && row("Age", `${plural(m.age_rows, "sample")}, since ${time(seconds(m.since))}`),
        m && row("Value range", m.range ? `${value(m.range.min)} … ${value(m.range.max)}` : "estimated from the data"),
        row("Detection", m?.model_params?.mode ?? "parity"),
        m && row("Generation", String(m.generation)),
        row("Predictions", metric.parameters?.modelParams?.enableClassifier ? "on" : "off"),
        row("Server", metric.server ?? "–"), row("uid", h("code", {}, metric.uid))),
      m?.model_params && h("details", {}, h("summary", {}, "All parameters"), h("pre", {}, JSON.stringify(m.model_params, null, 2))));
  }

  function renderEvents(total) {
    show(eventList, h("h2", {}, "Anomalies"), events.length === 0
      ? h("p", { class: "muted" }, metric?.monitored ? (metric.learning ? "None yet: the model is still learning." : "None so far.") : "None: the metric isn't monitored.")
      : h("ol", { class: "events" }, events.slice(0, 50).map((e) => h("li", {}, h("button", {
        type: "button", class: `event ${e.level}`,
        onclick: () => {
          const end = e.end ?? last(), pad = Math.max((end - e.start) * 2, (last() - first()) * 0.01, 300);
          setRange(e.start - pad, end + pad);
          chartBox.scrollIntoView({ block: "nearest", behavior: "smooth" });
        },
      }, h("b", {}, time(e.start)), h("span", {}, e.open ? "still going on" : `lasted ${span(Math.max(0, e.end - e.start))}`),
      h("span", {}, `peak ${likelihood(e.peak)} at value ${value(e.peak_value)}`),
      e.explanation?.text && h("span", { class: "why" }, e.explanation.text))))),
      total > 50 && h("p", { class: "muted" }, `The newest 50 of ${count(total)}.`));
  }

  function renderNotes() {
    show(noteList, h("h2", {}, "Notes"), notes.length === 0
      ? h("p", { class: "muted" }, "None. “Write a note” puts one at the middle of the chart, or where you last pointed.")
      : h("ul", { class: "notes" }, notes.map((n) => h("li", {},
        h("b", {}, time(n.time)), n.user && h("span", { class: "muted" }, ` ${n.user}`), h("p", {}, n.message),
        h("button", { type: "button", class: "quiet danger-text", "aria-label": `Delete the note of ${time(n.time)}`, onclick: () => dropNote(n) }, "Delete")))));
  }
  async function writeNote() {
    if (!range) return toast("There is nothing to write a note on yet.");
    const at = cursorTime ?? (range[0] + range[1]) / 2;
    if (await annotate(metric, Math.round(at))) loadMarks();
  }
  async function dropNote(note) {
    try {
      await call("DELETE", `/_annotations/${note.id}`);
      loadMarks();
    } catch (error) {
      toast(error.message, "error");
    }
  }

  function showRecent() {
    const n = loaded.time.length, rows = [];
    for (let i = n - 1; i >= Math.max(0, n - 12); i--) {
      rows.push(h("tr", {}, h("td", {}, time(loaded.time[i])), h("td", {}, value(loaded.value[i])), h("td", {}, loaded.score[i] === null ? "–" : likelihood(loaded.score[i]))));
    }
    show(recent, h("h2", {}, "Newest samples shown"), h("table", {}, h("thead", {}, h("tr", {}, ["Time", "Value", "Score"].map((t) => h("th", { scope: "col" }, t)))), h("tbody", {}, rows)));
  }

  /** New scores go straight into the chart; the next full load confirms them. */
  function onMessage(kind, message) {
    if (kind === "command" || !loaded || !metric) return load();
    const add = message.results.filter((r) => loaded.time.length === 0 || r.ts > loaded.time[loaded.time.length - 1]);
    for (const r of add) {
      loaded.time.push(r.ts);
      loaded.value.push(r.value);
      loaded.score.push(r.anomaly);
      for (const key of ["expected", "low", "high"]) loaded[key].push(null);
    }
    const newest = message.results[message.results.length - 1];
    if (add.length === 0 || newest.ts < last()) return load();
    metric.last_timestamp = new Date(newest.ts * 1000).toISOString().slice(0, 19).replace("T", " ");
    metric.last_value = newest.value;
    metric.last_anomaly_score = newest.anomaly;
    render();
    if (live && range) {
      const wasAll = range[0] <= first(), [a, b] = full();
      range = wasAll ? [a, b] : [b - (range[1] - range[0]), b];
      charts.range = range;
      words();
    }
    charts.redraw();
    showRecent();
    if (newest.anomaly > quietBelow || events.some((e) => e.open)) loadMarks();
  }

  chartHost.addEventListener("mousemove", () => {
    const left = charts.value.cursor.left;
    if (left >= 0) cursorTime = charts.value.posToVal(left, "x");
  });
  const look = () => charts.rebuild();
  addEventListener("htmengine-look", look);
  show(host, h("p", { class: "muted" }, "Loading…"));
  load();
  const stop = follow([uid], onMessage, load);
  return () => {
    ended = true;
    clearTimeout(timer);
    clearTimeout(fetchTimer);
    request?.abort();
    stop();
    charts.destroy();
    removeEventListener("htmengine-look", look);
  };
}
