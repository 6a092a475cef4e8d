// SPDX-License-Identifier: Apache-2.0
// Talks to the engine: JSON requests and the stream of results.

/** What the engine refused, in its own words. */
export class Problem extends Error {
  constructor(status, detail) {
    super(detail);
    this.status = status;
  }
}

/** Sends a request; gives `{ body, total }` (total of a paged list, else null). Throws Problem. */
export async function call(method, path, { query = {}, body, signal } = {}) {
  const url = new URL(path, location.origin);
  for (const [name, value] of Object.entries(query)) {
    if (value === undefined || value === null || value === "") continue;
    for (const one of Array.isArray(value) ? value : [value]) url.searchParams.append(name, one);
  }
  let response;
  try {
    response = await fetch(url, {
      method, signal, cache: "no-cache",
      headers: body === undefined ? {} : { "Content-Type": "application/json" },
      body: body === undefined ? undefined : JSON.stringify(body),
    });
  } catch (error) {
    if (error.name === "AbortError") throw error;
    throw new Problem(0, "The engine can't be reached. Is it running?");
  }
  const text = await response.text();
  let content = null;
  if (/json/.test(response.headers.get("Content-Type") ?? "") && text) content = JSON.parse(text);
  if (!response.ok) throw new Problem(response.status, content?.detail ?? (text.trim() || `HTTP status ${response.status}`));
  const total = response.headers.get("X-Total-Count");
  return { body: content, total: total === null ? null : Number(total), text };
}

export const get = (path, query, signal) => call("GET", path, { query, signal });

/** The path of a metric for the plain-text verbs: every byte but slashes encoded. */
export function metricPath(name) {
  return "/" + name.split("/").map(encodeURIComponent).join("/");
}

/** Whether the plain-text verbs refuse the name, because the engine keeps that path for itself. */
export function isReserved(name) {
  return name === "" || name.startsWith("_") || /^(metrics|render|favicon\.ico)$/.test(name) || name.startsWith("metrics/");
}

const listeners = new Set();

/** Calls back with true when the stream is up, false when it isn't. */
export function onLive(listener) {
  listeners.add(listener);
}

/**
 * Follows the results of the given uids (none: of all metrics). After a lost connection it goes on where it stopped;
 * `onGap` is called when something between may have been missed. Returns a function that ends it.
 */
export function follow(uids, onMessage, onGap = () => {}) {
  let source = null;
  let lastId = "";
  let closed = false;
  let retry = null;
  function open() {
    const query = new URLSearchParams();
    for (const uid of uids) query.append("metric", uid);
    if (lastId) query.set("last_event_id", lastId);
    source = new EventSource(`/_stream?${query}`);
    source.onopen = () => listeners.forEach((f) => f(true));
    source.onerror = () => {
      listeners.forEach((f) => f(false));
      // The browser itself resumes a broken connection; it gives up only after an HTTP error, then we do.
      if (source.readyState === EventSource.CLOSED && !closed) retry = setTimeout(open, 2000);
    };
    for (const kind of ["result", "command"]) {
      source.addEventListener(kind, (event) => {
        lastId = event.lastEventId || lastId;
        onMessage(kind, JSON.parse(event.data));
      });
    }
    source.addEventListener("gap", (event) => {
      lastId = event.lastEventId || lastId;
      onGap();
    });
  }
  open();
  return () => {
    closed = true;
    clearTimeout(retry);
    source.close();
  };
}
