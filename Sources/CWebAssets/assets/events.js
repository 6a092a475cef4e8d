// SPDX-License-Identifier: Apache-2.0
// Anomalies of all metrics as a list, newest first.

import { get } from "./api.js";
import { h, setText, show } from "./dom.js";
import { ago, count, likelihood, rarity, seconds, span, time, value } from "./format.js";

export function eventsPage(host) {
  const pageSize = 50;
  let offset = 0, timer = null, ended = false;
  const total = h("p", { class: "totals", role: "status" }), list = h("ol", { class: "events wide" }), pager = h("nav", { class: "pager", "aria-label": "Pages" });
  show(host, h("h1", {}, "Anomalies"), h("p", { class: "muted" }, "From the first sample above the threshold to the last before it stayed quiet, newest first."), total, list, pager);

  async function load() {
    clearTimeout(timer);
    try {
      const { body, total: n } = await get("/_events", { offset, limit: pageSize });
      if (ended) return;
      setText(total, n === 0 ? "No anomaly so far." : `${count(n)} in all`);
      show(list, body.map((e) => h("li", {}, h("a", { class: `event ${e.level}`, href: `#/metric/${e.metric}` },
        h("b", {}, e.name), h("span", {}, `${time(seconds(e.start))} (${ago(seconds(e.start))})`),
        h("span", {}, e.open ? "still going on" : `lasted ${span(seconds(e.end) - seconds(e.start))}`),
        h("span", {}, `peak ${likelihood(e.peak)}, ${rarity(e.peak)}, at value ${value(e.peak_value)}`),
        e.explanation?.text && h("span", { class: "why" }, e.explanation.text)))));
      const pages = Math.ceil(n / pageSize), at = offset / pageSize;
      const to = (page, text) => h("button", { type: "button", disabled: page < 0 || page >= pages, onclick: () => { offset = page * pageSize; load(); } }, text);
      show(pager, pages > 1 && [to(at - 1, "‹ Newer"), h("span", {}, `Page ${at + 1} of ${pages}`), to(at + 1, "Older ›")]);
    } catch (error) {
      setText(total, error.message);
    }
    if (!ended) timer = setTimeout(load, 5000);
  }
  load();
  return () => {
    ended = true;
    clearTimeout(timer);
  };
}
