// SPDX-License-Identifier: Apache-2.0
// All metrics, the oddest first. The engine searches, sorts and pages; this page holds only what it shows.

import { follow, get } from "./api.js";
import { sparkline, strip, stripWords } from "./charts.js";
import { h, setText, show } from "./dom.js";
import { ago, count, level, likelihood, plural, seconds, state, tone, value } from "./format.js";
import { deleteByPattern, monitorByPattern, unmonitorByPattern } from "./actions.js";
import { welcome } from "./add.js";

const windows = [[1, "Hour"], [24, "Day"], [168, "Week"]];
const sorts = [["anomaly", "Most anomalous"], ["name", "Name"], ["last_timestamp", "Newest sample"], ["last_value", "Value"], ["rows", "Most samples"]];
const statuses = [["all", "All"], ["monitored", "Monitored"], ["unmonitored", "Not monitored"], ["error", "In error"], ["pending-data", "Waiting for data"]];
const rise = ["unscored", "learning", "green", "yellow", "red"];
const shapes = { red: "▲", yellow: "◆", green: "●", grey: "○", error: "✕" };

export function overview(host, query) {
  const pageSize = 50;
  const wanted = {
    search: query.get("search") ?? "", status: query.get("status") ?? "all", sort: query.get("sort") ?? "anomaly",
    hours: Number(query.get("hours")) || 24, offset: Number(query.get("offset")) || 0,
  };
  const rows = new Map();
  let stopFollowing = () => {};
  let followed = "";
  let timer = null, request = null, ended = false, seen = null, endWelcome = null;

  const search = h("input", {
    type: "search", id: "search", placeholder: "Search, or a pattern like web*.cpu", "aria-label": "Search metrics", value: wanted.search,
    autocomplete: "off", spellcheck: "false", oninput: () => change({ search: search.value, offset: 0 }, 200),
  });
  const select = (label, options, key) => h("label", { class: "field" }, h("span", {}, label),
    h("select", { onchange: (e) => change({ [key]: e.target.value, offset: 0 }) },
      options.map(([v, text]) => h("option", { value: v, selected: wanted[key] === v }, text))));
  const windowButtons = h("div", { class: "segments", role: "radiogroup", "aria-label": "Window of the anomaly bars" },
    windows.map(([hours, text]) => h("label", {}, h("input", {
      type: "radio", name: "hours", value: hours, checked: hours === wanted.hours, onchange: () => change({ hours }),
    }), h("span", {}, text))));
  const totals = h("p", { class: "totals", role: "status" });
  const list = h("ul", { class: "metrics", "aria-label": "Metrics" });
  const pager = h("nav", { class: "pager", "aria-label": "Pages" });
  const bulk = h("details", { class: "menu" }, h("summary", {}, "Many at once"), h("div", { class: "menu-items" },
    h("button", { type: "button", onclick: () => bulkDo(monitorByPattern) }, "Monitor by pattern…"),
    h("button", { type: "button", onclick: () => bulkDo(unmonitorByPattern) }, "Unmonitor by pattern…"),
    h("button", { type: "button", class: "danger-text", onclick: () => bulkDo(deleteByPattern) }, "Delete by pattern…")));
  const bulkDo = async (f) => {
    bulk.open = false;
    if (await f(search.value)) load();
  };
  const page = h("section", { "aria-label": "All metrics" },
    h("h1", { class: "sr" }, "Metrics"),
    h("div", { class: "bar" }, search, select("Show", statuses, "status"), select("Sort by", sorts, "sort"), windowButtons, bulk),
    totals, list, pager);

  function change(to, delay = 0) {
    Object.assign(wanted, to);
    const q = new URLSearchParams();
    for (const [k, v] of Object.entries(wanted)) if (v && v !== "all" && v !== "anomaly" && !(k === "hours" && v === 24)) q.set(k, v);
    history.replaceState(null, "", `#/${q.size ? `?${q}` : ""}`);
    clearTimeout(timer);
    timer = setTimeout(load, delay);
  }

  async function load() {
    clearTimeout(timer);
    request?.abort();
    request = new AbortController();
    try {
      const { body, total } = await get("/_metrics/custom", {
        ...wanted, limit: pageSize, bars: 24, spark: 120,
      }, request.signal);
      if (ended) return;
      render(body, total);
    } catch (error) {
      if (error.name === "AbortError" || ended) return;
      setText(totals, error.message);
    }
    timer = setTimeout(load, document.hidden ? 30000 : rows.size === 0 ? 1000 : 5000);
  }

  function render(metrics, total) {
    const nothingAtAll = total === 0 && !wanted.search && wanted.status === "all";
    if (nothingAtAll && !endWelcome) {
      const place = h("div");
      show(host, place);
      endWelcome = welcome(place);
    }
    if (nothingAtAll) return;
    if (endWelcome || !page.isConnected) {
      // What arrived first stays on the welcome page, which offers to monitor it, until the reader moves on.
      if (endWelcome && !endWelcome.mayLeave()) return;
      endWelcome?.();
      endWelcome = null;
      show(host, page);
    }
    if (wanted.offset >= total && wanted.offset > 0) return change({ offset: Math.max(0, Math.floor((total - 1) / pageSize) * pageSize) });
    const first = total === 0 ? 0 : wanted.offset + 1;
    setText(totals, total === 0 ? "No metric matches." :
      total <= pageSize ? plural(total, "metric") : `${count(first)}–${count(Math.min(total, wanted.offset + pageSize))} of ${plural(total, "metric")}`);
    place(metrics);
    renderPager(total);
    const uids = metrics.filter((m) => m.monitored).map((m) => m.uid).sort();
    if (uids.join() !== followed) {
      followed = uids.join();
      stopFollowing();
      stopFollowing = uids.length ? follow(uids, onMessage, load) : () => {};
    }
  }

  /** Rows keep their elements, so focus survives when the ranking moves. */
  function place(metrics) {
    const active = document.activeElement;
    const keep = new Set(metrics.map((m) => m.uid));
    for (const [uid, row] of rows) if (!keep.has(uid)) { row.element.remove(); rows.delete(uid); }
    metrics.forEach((metric, i) => {
      let row = rows.get(metric.uid);
      if (!row) rows.set(metric.uid, row = makeRow(metric));
      row.update(metric);
      if (list.children[i] !== row.element) list.insertBefore(row.element, list.children[i] ?? null);
    });
    if (active instanceof HTMLElement && list.contains(active)) active.focus();
  }

  function makeRow(metric) {
    const mark = h("span", { class: "mark", "aria-hidden": "true" });
    const what = h("span", { class: "state" });
    const link = h("a", { class: "name", href: `#/metric/${metric.uid}` }, metric.name ?? metric.uid);
    const spark = h("div", { class: "cell spark-cell" }), bars = h("div", { class: "cell strip-cell" });
    const last = h("span", { class: "last" }), score = h("span", { class: "score" }), when = h("span", { class: "when" });
    const element = h("li", { class: "metric" },
      h("div", { class: "cell title" }, mark, h("div", {}, link, what)), spark, bars,
      h("div", { class: "cell numbers" }, last, score), h("div", { class: "cell age" }, when));
    let drawn = "";
    const row = {
      element, metric, when,
      update(m) {
        row.metric = m;
        const colour = tone(m);
        element.className = `metric ${colour}`;
        setText(mark, shapes[colour]);
        setText(what, state(m));
        setText(last, value(m.last_value));
        setText(score, m.last_anomaly_score === null ? "" : m.learning ? "" : likelihood(m.last_anomaly_score));
        setText(when, ago(seconds(m.last_timestamp)));
        const key = JSON.stringify([m.spark, m.bars]);
        if (key !== drawn) {
          drawn = key;
          show(spark, sparkline(m.spark));
          show(bars, strip(m.bars ?? [], stripWords(m.bars ?? [], wanted.hours)));
        }
      },
    };
    return row;
  }

  function onMessage(kind, message) {
    const row = rows.get(kind === "result" ? message.metric.uid : message.modelId);
    if (!row) return;
    if (kind === "command") return load();
    const result = message.results[message.results.length - 1];
    const m = { ...row.metric };
    const newest = seconds(m.last_timestamp);
    if (newest !== null && result.ts < newest) return;
    m.last_value = result.value;
    m.last_anomaly_score = result.anomaly;
    m.last_timestamp = new Date(result.ts * 1000).toISOString().slice(0, 19).replace("T", " ");
    // Only upwards: how long it stays up is for the engine to say.
    if (!m.learning && m.status === 1 && rise.indexOf(level(result.anomaly)) > rise.indexOf(m.level)) m.level = level(result.anomaly);
    if (m.spark) m.spark = [...m.spark.slice(-140), ...message.results.slice(-20).map((r) => [r.ts, r.value])];
    if (m.bars?.length && !m.learning && m.level !== "unscored") {
      const lastBar = m.bars[m.bars.length - 1];
      if (!lastBar || lastBar.score < result.anomaly) {
        m.bars = [...m.bars.slice(0, -1), { score: result.anomaly, level: level(result.anomaly), display_value: 0 }];
      }
    }
    row.update(m);
    row.element.classList.remove("fresh");
    void row.element.offsetWidth;
    row.element.classList.add("fresh");
  }

  function renderPager(total) {
    const pages = Math.ceil(total / pageSize), at = Math.floor(wanted.offset / pageSize);
    if (pages < 2) return show(pager);
    const to = (page, text, label) => h("button", {
      type: "button", disabled: page < 0 || page >= pages, "aria-label": label,
      onclick: () => { change({ offset: page * pageSize }); scrollTo({ top: 0 }); },
    }, text);
    show(pager, to(at === 0 ? -1 : 0, "«", "First page"), to(at - 1, "‹ Back", "Page before"),
      h("span", { "aria-current": "page" }, `Page ${count(at + 1)} of ${count(pages)}`),
      to(at + 1, "Next ›", "Next page"), to(at === pages - 1 ? -1 : pages - 1, "»", "Last page"));
  }

  const clock = setInterval(() => {
    for (const row of rows.values()) setText(row.when, ago(seconds(row.metric.last_timestamp)));
  }, 1000);
  const keys = (event) => {
    if (event.target.closest("input, select, textarea, dialog")) return;
    const links = [...list.querySelectorAll("a.name")], at = links.indexOf(document.activeElement);
    if (event.key === "/") search.focus();
    else if (event.key === "j" || event.key === "ArrowDown") links[Math.min(links.length - 1, at + 1)]?.focus();
    else if (event.key === "k" || event.key === "ArrowUp") links[Math.max(0, at - 1)]?.focus();
    else return;
    event.preventDefault();
  };
  addEventListener("keydown", keys);
  show(host, h("p", { class: "muted" }, "Loading…"));
  load();
  return () => {
    ended = true;
    clearTimeout(timer);
    clearInterval(clock);
    request?.abort();
    stopFollowing();
    endWelcome?.();
    removeEventListener("keydown", keys);
  };
}
