// SPDX-License-Identifier: Apache-2.0
// The first visit (what to type, and what happens when data come), and CSV files dropped on the page.

import { call, get, isReserved, metricPath } from "./api.js";
import { monitor, monitorByPattern, monitorNow } from "./actions.js";
import { nameOf, parseCSV } from "./csv.js";
import { h, setText, show, toast } from "./dom.js";
import { count, plural, state, time, tone, value } from "./format.js";

function command(text) {
  const copy = h("button", {
    type: "button", class: "quiet", "aria-label": "Copy the command",
    onclick: async () => {
      try {
        await navigator.clipboard.writeText(text);
        copy.textContent = "Copied";
      } catch {
        const range = document.createRange();
        range.selectNodeContents(code);
        getSelection().removeAllRanges();
        getSelection().addRange(range);
        copy.textContent = "Selected";
      }
      setTimeout(() => { copy.textContent = "Copy"; }, 2000);
    },
  }, "Copy");
  const code = h("code", {}, text);
  return h("div", { class: "command" }, h("pre", { tabindex: 0 }, code), copy);
}

function waysIn(about) {
  const http = location.origin;
  const graphite = about?.addresses?.graphite?.[0] ?? "127.0.0.1:2003";
  const at = graphite.lastIndexOf(":"), port = graphite.slice(at + 1);
  const bound = graphite.slice(0, at).replace(/^\[|\]$/g, "");
  const host = ["127.0.0.1", "::1", "0.0.0.0", "::", "*"].includes(bound) ? (location.hostname || "localhost") : bound;
  return h("div", { class: "ways" },
    h("section", {}, h("h3", {}, "This machine's CPU, every 5 seconds"), command("htmengine send cpu"),
      h("p", { class: "muted" }, "The quickest way to see something move.")),
    h("section", {}, h("h3", {}, `Graphite's line protocol, TCP port ${port}`), command(`echo "load_average 0.42 $(date +%s)" > /dev/tcp/${host}/${port}`),
      h("p", { class: "muted" }, "Name, value, Unix time. Any program that writes to Graphite works: collectd, Telegraf, StatsD … (The line is for bash.)")),
    h("section", {}, h("h3", {}, "HTTP"), command(`echo "0.42 $(date +%s)" | curl ${http}/load_average --data-binary @-`),
      h("p", { class: "muted" }, "Value and time, as many lines as you like; the metric's name is the path.")),
    dropBox());
}

function dropBox() {
  const input = h("input", { type: "file", accept: ".csv,.txt,.tsv,text/csv", class: "sr", id: "file", onchange: () => input.files[0] && importFile(input.files[0]) });
  return h("section", { class: "drop-box" }, h("h3", {}, "A CSV file"),
    h("p", {}, "Drop it anywhere on this page, or ", h("label", { for: "file", class: "link" }, "choose one"), input, "."),
    h("p", { class: "muted" }, "Two columns, time and value. It becomes a metric, is replayed, and shows its anomalies."));
}

/** The page “Add data”. */
export function addPage(host) {
  show(host, h("h1", {}, "Add data"), h("p", { class: "muted" }, "A metric appears with its first value; nothing has to be declared."));
  const place = h("div");
  host.append(place);
  get("/_about").then(({ body }) => show(place, waysIn(body)), (error) => toast(error.message, "error"));
  return () => {};
}

/**
 * What is shown while there is no data at all: what to type; then, as metrics come in, an offer to monitor them.
 * The function it returns ends it; its `mayLeave()` says whether the reader has moved on.
 */
export function welcome(host) {
  let left = false, timer = null, ended = false;
  const arrived = h("div", { class: "arrived", role: "status" });
  const ways = h("div");
  show(host, h("section", { class: "welcome" },
    h("h1", {}, "Send your first value"),
    h("p", { class: "lead" }, "htmengine learns how each of your metrics usually behaves and says when one behaves oddly. Type one of these, and watch it arrive here."),
    arrived, ways));
  show(arrived, h("p", { class: "waiting" }, h("i", { "aria-hidden": "true" }), "Waiting for the first value …"));
  let about = null;
  get("/_about").then(({ body }) => { about = body; if (!ended) show(ways, waysIn(body)); }, () => show(ways, waysIn(null)));

  const rows = new Map();
  const list = h("ul", { class: "arrivals" });
  const heading = h("h2");
  const all = h("div", { class: "buttons start" });
  async function look() {
    try {
      const { body, total } = await get("/_metrics/custom", { sort: "rows", limit: 20 });
      if (ended) return;
      if (total > 0) render(body, total);
    } catch { /* The header says that the engine is away. */ }
    if (!ended) timer = setTimeout(look, 1000);
  }
  function render(metrics, total) {
    if (!list.isConnected) show(arrived, heading, list, all);
    setText(heading, total === 1 ? "It arrived." : `${plural(total, "metric")} arrived.`);
    for (const m of metrics) {
      let row = rows.get(m.uid);
      if (!row) {
        const words = h("span", { class: "muted" }), button = h("span");
        row = { words, button, element: h("li", {}, h("a", { class: "name", href: `#/metric/${m.uid}` }, m.name), words, button) };
        rows.set(m.uid, row);
        list.append(row.element);
      }
      setText(row.words, `${value(m.last_value)} · ${plural(m.rows, "sample")} · ${state(m)}`);
      row.element.className = tone(m);
      if (row.monitored !== m.monitored) {
        row.monitored = m.monitored;
        show(row.button, m.monitored ? h("span", { class: "pill grey" }, m.auto ? "monitored by itself" : "monitored")
          : h("button", { type: "button", class: "primary", onclick: async () => { if (await monitor(m)) look(); } }, "Monitor it"));
      }
    }
    const key = metrics.every((m) => m.monitored) ? "done" : "offer";
    if (all.dataset.for !== key) {
      all.dataset.for = key;
      const go = h("button", { type: "button", onclick: () => { left = true; location.hash = "#/"; dispatchEvent(new HashChangeEvent("hashchange")); } }, "Show the metrics");
      show(all, key === "offer" && [
        h("button", { type: "button", onclick: async () => { if (await monitorByPattern("*")) look(); } }, "Monitor all, or by pattern…")], go);
    }
    if (about?.auto_monitor?.length && !rows.told) rows.told = true;
  }
  look();
  const end = () => {
    ended = true;
    clearTimeout(timer);
  };
  end.mayLeave = () => left;
  return end;
}

/** Takes a file: shows what it holds, then stores, monitors and scores it with progress. */
export async function importFile(file) {
  let parsed;
  try {
    if (file.size > 200 * 2 ** 20) throw new Error("The file is larger than 200 MB: use `htmengine send csv` for it.");
    parsed = parseCSV(await file.text());
  } catch (error) {
    return toast(`${file.name}: ${error.message}`, "error");
  }
  const { rows, skipped, skippedCount } = parsed;
  rows.sort((a, b) => a[0] - b[0]);
  let low = Infinity, high = -Infinity;
  for (const [, v] of rows) { low = Math.min(low, v); high = Math.max(high, v); }
  const name = h("input", { name: "name", value: nameOf(file.name), required: true, maxlength: 255, pattern: "\\S+", autocomplete: "off", spellcheck: "false" });
  const bar = h("progress", { max: 1, value: 0, hidden: true, "aria-label": "Progress" }), words = h("p", { role: "status" });
  const titleId = "import-title";
  const go = h("button", { type: "submit", class: "primary" }, "Import and score"), cancel = h("button", { type: "button", onclick: close }, "Cancel");
  const form = h("form", { onsubmit: run }, h("h2", { id: titleId }, "Import ", file.name),
    h("p", {}, `${plural(rows.length, "sample")} from ${time(rows[0][0])} to ${time(rows[rows.length - 1][0])}, values ${value(low)} … ${value(high)}.`),
    skippedCount > 0 && h("details", {}, h("summary", {}, `${plural(skippedCount, "line")} can't be used`), h("ul", {}, skipped.map(([n, why]) => h("li", {}, `Line ${n}: ${why}`)))),
    h("label", { class: "field" }, h("span", {}, "Name of the metric"), name), bar, words, h("div", { class: "buttons" }, cancel, go));
  const dialog = h("dialog", { "aria-labelledby": titleId, oncancel: close }, form);
  let stopped = false;
  function close() {
    stopped = true;
    dialog.close();
    dialog.remove();
  }
  async function run(event) {
    event.preventDefault();
    const metric = name.value.trim();
    if (isReserved(metric)) return setText(words, "Names that begin with _ and a few others (metrics, render) belong to the engine: choose another.");
    go.disabled = name.disabled = true;
    bar.hidden = false;
    try {
      const refused = await store(metric);
      if (stopped) return;
      setText(words, "Making the model …");
      const pad = high > low ? (high - low) * 0.2 : 0.2;
      const { body } = await call("POST", "/_models", { body: { datasource: "custom", metricSpec: { metric }, modelParams: { min: low - pad, max: (high > low ? high : low + 1) + pad } } });
      await scored(body[0].uid);
      if (stopped) return;
      close();
      toast(`${metric}: ${plural(rows.length - refused.count, "sample")} stored and scored.${refused.count ? ` ${count(refused.count)} refused: ${refused.reason}` : ""}`, refused.count ? "error" : "info");
      location.hash = `#/metric/${body[0].uid}`;
    } catch (error) {
      setText(words, error.message);
      go.disabled = name.disabled = false;
    }
  }
  /** Stores all rows, a thousand a request. */
  async function store(metric) {
    const refused = { count: 0, reason: "" };
    for (let at = 0; at < rows.length && !stopped; at += 1000) {
      const lines = rows.slice(at, at + 1000).map(([t, v]) => `${v} ${t}`).join("\n");
      const response = await fetch(metricPath(metric), { method: "POST", body: lines, headers: { "Content-Type": "text/plain" } });
      const text = await response.text();
      const bad = text.split("\n").filter((l) => l.startsWith("Refused"));
      if (response.status !== 200 && bad.length === 0) throw new Error(text.trim() || `HTTP status ${response.status}`);
      refused.count += bad.length;
      refused.reason ||= bad[0] ?? "";
      const done = Math.min(rows.length, at + 1000);
      bar.value = (done / rows.length) * 0.3;
      setText(words, `Stored ${count(done)} of ${count(rows.length)}`);
    }
    if (refused.count === rows.length) throw new Error(`Every sample was refused. ${refused.reason}`);
    return refused;
  }
  /** Waits until every stored row has its score. */
  async function scored(uid) {
    while (!stopped) {
      const { body: m } = await get(`/_models/${uid}`);
      if (m.status === 4) throw new Error(`The model failed: ${m.message}`);
      bar.value = 0.3 + 0.7 * (m.rows ? m.scored_rows / m.rows : 0);
      setText(words, `Scored ${count(m.scored_rows)} of ${count(m.rows)}`);
      if (m.rows > 0 && m.scored_rows >= m.rows) return;
      await new Promise((r) => setTimeout(r, 300));
    }
  }
  document.body.append(dialog);
  dialog.showModal();
}

export { monitorNow };
