// SPDX-License-Identifier: Apache-2.0
// Numbers, times and states in words.

let utc = localStorage.getItem("htmengine.zone") !== "local";
export const isUTC = () => utc;
export function setUTC(on) {
  utc = on;
  localStorage.setItem("htmengine.zone", on ? "utc" : "local");
}

/** Unix seconds of the API's `YYYY-MM-DD HH:MM:SS`. */
export function seconds(text) {
  return text === null || text === undefined ? null : Date.parse(text.replace(" ", "T") + "Z") / 1000;
}

const two = (n) => String(n).padStart(2, "0");

/** Unix seconds as `2026-11-23 22:05:00` in the chosen zone. */
export function time(unix) {
  const d = new Date(unix * 1000);
  if (Number.isNaN(d.getTime())) return "–";
  return utc
    ? `${d.getUTCFullYear()}-${two(d.getUTCMonth() + 1)}-${two(d.getUTCDate())} ${two(d.getUTCHours())}:${two(d.getUTCMinutes())}:${two(d.getUTCSeconds())}`
    : `${d.getFullYear()}-${two(d.getMonth() + 1)}-${two(d.getDate())} ${two(d.getHours())}:${two(d.getMinutes())}:${two(d.getSeconds())}`;
}

/** A length of time in one unit or two: `3 min`, `2 h 10 min`. */
export function span(s) {
  s = Math.max(0, Math.round(s));
  if (s < 60) return `${s} s`;
  if (s < 3600) return `${Math.floor(s / 60)} min`;
  if (s < 86400) return `${Math.floor(s / 3600)} h${s % 3600 >= 60 ? ` ${Math.floor((s % 3600) / 60)} min` : ""}`;
  return `${Math.floor(s / 86400)} d${s % 86400 >= 3600 ? ` ${Math.floor((s % 86400) / 3600)} h` : ""}`;
}

/** How long ago: `12 s ago`; a plain date once it is weeks. */
export function ago(unix, now = Date.now() / 1000) {
  if (unix === null) return "never";
  const s = now - unix;
  if (s < -5) return time(unix);
  if (s > 14 * 86400) return time(unix).slice(0, 10);
  return s < 2 ? "now" : `${span(s)} ago`;
}

/** A value in at most six digits, large and small ones with a power of ten. */
export function value(v) {
  if (v === null || v === undefined) return "–";
  const size = Math.abs(v);
  if (size !== 0 && (size >= 1e9 || size < 1e-4)) return v.toExponential(3);
  return v.toLocaleString("en", { maximumSignificantDigits: 6 });
}

export const count = (n) => n.toLocaleString("en");
export const plural = (n, word) => `${count(n)} ${word}${n === 1 ? "" : "s"}`;

/** A likelihood with as many nines as it has: 0.99993. */
export function likelihood(p) {
  if (p === null || p === undefined) return "–";
  if (p > 1 - 5e-11) return "0.9999999999+";
  return p > 0.99 ? p.toFixed(Math.min(10, Math.ceil(-Math.log10(1 - p)) + 1)).replace(/(\d)0+$/, "$1") : p.toFixed(3);
}

/** "once in 1,200 samples" for a likelihood. */
export function rarity(p) {
  if (p === null || p < 0.9) return "";
  const n = p >= 1 ? 1e10 : Math.min(1e10, 1 / (1 - p));
  return `once in ${Number(n.toPrecision(2)).toLocaleString("en")} samples`;
}

/** The log scale of scores, 0 … 1, as the engine's display value has it (0.9999 is 0.4, 0.99999 is 0.5). */
export function logScore(p) {
  return p === null || p === undefined ? null : Math.max(0, Math.min(1, Math.log(1.0000000001 - p) / -23.02585084720009));
}

const words = {
  red: "very unusual", yellow: "unusual", green: "as usual", learning: "learning", unscored: "not scored yet",
};

/** What a metric is doing, in words. */
export function state(metric) {
  if (metric.status === 0) return "not monitored";
  if (metric.status === 4) return `error: ${metric.message ?? "unknown"}`;
  const l = metric.learning;
  if (l) return `${l.phase}, ${count(l.rows)} of ${count(l.of)}`;
  if (metric.status === 2) return "starting";
  return words[metric.level] ?? metric.level;
}

/** The class that colours a metric: grey, green, yellow, red or error. */
export function tone(metric) {
  if (metric.status === 4) return "error";
  return ["red", "yellow", "green"].includes(metric.level) && metric.status === 1 && !metric.learning ? metric.level : "grey";
}

/** The level of one likelihood. */
export function level(p) {
  return p > 0.99999 ? "red" : p > 0.9999 ? "yellow" : "green";
}
