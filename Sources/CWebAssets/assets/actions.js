// SPDX-License-Identifier: Apache-2.0
// What changes something: monitor, unmonitor, delete, export, notes. Each asks first and says what will happen.

import { call, get } from "./api.js";
import { ask, h, show, toast } from "./dom.js";
import { plural, time } from "./format.js";

function modelFields() {
  const min = h("input", { name: "min", type: "number", step: "any", placeholder: "estimated" });
  const max = h("input", { name: "max", type: "number", step: "any", placeholder: "estimated" });
  const classifier = h("input", { name: "classifier", type: "checkbox" });
  const element = h("fieldset", {}, h("legend", {}, "Value range (leave empty to estimate it from the data)"),
    h("div", { class: "pair" }, h("label", { class: "field" }, h("span", {}, "Lowest"), min), h("label", { class: "field" }, h("span", {}, "Highest"), max)),
    h("label", { class: "check" }, classifier, " Also predict the next value"));
  return {
    element,
    params() {
      if ((min.value === "") !== (max.value === "")) throw new Error("Give both lowest and highest value, or neither.");
      const params = {};
      if (min.value !== "") Object.assign(params, { min: Number(min.value), max: Number(max.value) });
      if (classifier.checked) params.enableClassifier = true;
      return params;
    },
  };
}

const spec = (name, modelParams) => ({ datasource: "custom", metricSpec: { metric: name }, modelParams });

/** Monitors one metric with parameters of the reader's choice. */
export async function monitor(metric) {
  const fields = modelFields();
  const done = await ask({
    title: "Monitor this metric",
    content: [h("p", {}, h("b", {}, metric.name), metric.auto
      ? " is monitored by itself already. Monitoring it by hand replaces that model; all stored samples are scored again."
      : ` gets a model of its own. The ${plural(metric.rows, "sample")} stored so far ${metric.rows === 1 ? "is" : "are"} scored first.`), fields.element],
    action: "Monitor",
    act: async () => (await call("POST", "/_models", { body: spec(metric.name, fields.params()) })).body[0],
  });
  if (done) toast(`${metric.name} is monitored now.`);
  return done;
}

/** Monitors one metric at once, with the range estimated. */
export async function monitorNow(name) {
  const { body } = await call("POST", "/_models", { body: spec(name, {}) });
  return body[0];
}

export async function unmonitor(metric) {
  const done = await ask({
    title: "Stop monitoring?", danger: true, action: "Unmonitor",
    content: h("p", {}, "The model of ", h("b", {}, metric.name), ` and its ${plural(metric.scored_rows, "score")} are removed. The samples stay and go on being stored; a new model can be made from them at any time.`),
    act: async () => (await call("DELETE", `/_models/${metric.uid}`)).body,
  });
  if (done) toast(`${metric.name} is no longer monitored.`);
  return done;
}

export async function remove(metric) {
  const typed = h("input", { name: "name", autocomplete: "off", "aria-label": "Name of the metric", required: true });
  const done = await ask({
    title: "Delete this metric?", danger: true, action: "Delete for good",
    content: [h("p", {}, `All ${plural(metric.rows, "sample")} of `, h("b", {}, metric.name), ", its scores and its model are deleted. This can't be undone."),
      h("label", { class: "field" }, h("span", {}, "Type the name to confirm"), typed)],
    act: async () => {
      if (typed.value !== metric.name) throw new Error("That isn't the metric's name.");
      await call("DELETE", `/_metrics/custom/${encodeURIComponent(metric.name)}`);
    },
  });
  if (done) toast(`${metric.name} was deleted.`);
  return done;
}

function byPattern({ title, intro, action, danger, path, method, extra, pattern }) {
  // What takes something away starts with no pattern rather than with all metrics.
  const input = h("input", { name: "pattern", value: pattern || (danger ? "" : "*"), placeholder: "web*.cpu", autocomplete: "off", spellcheck: "false", required: true });
  const preview = h("div", { class: "preview", role: "status" });
  let timer = null, names = null;
  const look = async () => {
    names = null;
    if (!input.value) return show(preview, h("p", { class: "muted" }, "What matches is listed here first."));
    try {
      const { body } = await call(method, path, { query: { pattern: input.value, dry_run: true }, body: method === "POST" ? {} : undefined });
      names = body.length;
      show(preview, h("p", {}, names === 0 ? "No metric would be touched." : `${plural(names, "metric")}:`),
        h("ul", {}, body.slice(0, 8).map((m) => h("li", {}, m.name)), names > 8 && h("li", { class: "muted" }, `and ${names - 8} more`)));
    } catch (error) {
      show(preview, h("p", { class: "problem" }, error.message));
    }
  };
  input.addEventListener("input", () => {
    clearTimeout(timer);
    timer = setTimeout(look, 250);
  });
  look();
  return ask({
    title, action, danger,
    content: [h("p", {}, intro), h("label", { class: "field" }, h("span", {}, "Pattern (* any characters, ? one)"), input), preview, extra?.element],
    act: async () => {
      await look();
      if (!names) throw new Error("The pattern matches nothing to do this with.");
      const { body } = await call(method, path, { query: { pattern: input.value }, body: method === "POST" ? extra.params() : undefined });
      toast(`${action}: ${plural(body.length, "metric")}.`);
      return true;
    },
  });
}

export const monitorByPattern = (pattern) => byPattern({
  title: "Monitor by pattern", intro: "Every metric that matches and isn't monitored yet gets a model.", action: "Monitor",
  method: "POST", path: "/_models/matching", extra: modelFields(), pattern,
});
export const unmonitorByPattern = (pattern) => byPattern({
  title: "Unmonitor by pattern", intro: "Models and scores of every metric that matches are removed. Samples stay.", action: "Unmonitor",
  danger: true, method: "DELETE", path: "/_models", pattern,
});
export const deleteByPattern = (pattern) => byPattern({
  title: "Delete by pattern", intro: "Every metric that matches is deleted with all its samples. This can't be undone.", action: "Delete for good",
  danger: true, method: "DELETE", path: "/_metrics/custom", pattern,
});

/** Saves the export as a file. */
export async function exportModel(metric) {
  try {
    const { text } = await get(`/_models/${metric.uid}/export`);
    const link = h("a", { href: URL.createObjectURL(new Blob([text], { type: "application/json" })), download: `${metric.name.replace(/[^\w.-]+/g, "_")}.json` });
    link.click();
    setTimeout(() => URL.revokeObjectURL(link.href), 1000);
  } catch (error) {
    toast(error.message, "error");
  }
}

/** Writes a note on the metric at a time the reader may change. */
export function annotate(metric, unix) {
  const when = h("input", { name: "when", value: time(unix), required: true, pattern: "\\d{4}-\\d\\d-\\d\\d \\d\\d:\\d\\d:\\d\\d", "aria-label": "Time" });
  const message = h("textarea", { name: "message", rows: 3, maxlength: 4000, required: true });
  const who = h("input", { name: "user", maxlength: 100, autocomplete: "name", value: localStorage.getItem("htmengine.user") ?? "" });
  return ask({
    title: "Write a note", action: "Save",
    content: [h("label", { class: "field" }, h("span", {}, "Time"), when), h("label", { class: "field" }, h("span", {}, "Note"), message),
      h("label", { class: "field" }, h("span", {}, "Your name (optional)"), who)],
    act: async () => {
      localStorage.setItem("htmengine.user", who.value);
      const zone = localStorage.getItem("htmengine.zone") === "local" ? "" : "Z";
      const at = Math.round(Date.parse(when.value.replace(" ", "T") + zone) / 1000);
      if (!Number.isFinite(at)) throw new Error("The time must look like 2026-11-23 22:05:00.");
      return (await call("POST", "/_annotations", { body: { metric: metric.uid, timestamp: at, message: message.value, user: who.value || null } })).body;
    },
  });
}
