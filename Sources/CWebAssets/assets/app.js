// SPDX-License-Identifier: Apache-2.0
// The dashboard: finds the page for the address, and keeps what all pages share.

import { onLive } from "./api.js";
import { addPage, importFile } from "./add.js";
import { h, setText, show } from "./dom.js";
import { eventsPage } from "./events.js";
import { isUTC, setUTC } from "./format.js";
import { metricPage } from "./metric.js";
import { overview } from "./overview.js";

const main = document.getElementById("main");
let leave = () => {};

function route() {
  leave();
  const [path, query = ""] = location.hash.replace(/^#/, "").split("?");
  document.title = "htmengine";
  const metric = /^\/metric\/([0-9a-f]{32})$/.exec(path);
  const place = path === "/events" ? "events" : path === "/add" ? "add" : metric ? "" : "overview";
  for (const link of document.querySelectorAll("[data-nav]")) {
    if (link.dataset.nav === place) link.setAttribute("aria-current", "page");
    else link.removeAttribute("aria-current");
  }
  if (metric) leave = metricPage(main, metric[1]);
  else if (path === "/events") leave = eventsPage(main);
  else if (path === "/add") leave = addPage(main);
  else if (path === "" || path === "/") leave = overview(main, new URLSearchParams(query));
  else {
    show(main, h("p", {}, "There is no such page. ", h("a", { href: "#/" }, "All metrics")));
    leave = () => {};
  }
  scrollTo(0, 0);
}

// Light and dark: what the system says, unless chosen here.
const theme = document.getElementById("theme");
const dark = matchMedia("(prefers-color-scheme: dark)");
function look() {
  const chosen = localStorage.getItem("htmengine.theme");
  const isDark = chosen ? chosen === "dark" : dark.matches;
  document.documentElement.dataset.theme = isDark ? "dark" : "light";
  theme.textContent = isDark ? "☀" : "☾";
  theme.setAttribute("aria-label", isDark ? "Switch to light colours" : "Switch to dark colours");
  dispatchEvent(new Event("htmengine-look"));
}
theme.addEventListener("click", () => {
  localStorage.setItem("htmengine.theme", document.documentElement.dataset.theme === "dark" ? "light" : "dark");
  look();
});
dark.addEventListener("change", look);

const zone = document.getElementById("zone");
function showZone() {
  zone.textContent = isUTC() ? "UTC" : "Local";
  zone.setAttribute("aria-label", isUTC() ? "Times are UTC; switch to local time" : "Times are local; switch to UTC");
}
zone.addEventListener("click", () => {
  setUTC(!isUTC());
  showZone();
  route();
});

// Whether results come in live; pages without a stream ask for the engine's health instead.
const live = document.getElementById("live");
function showLive(state) {
  live.className = `live ${state}`;
  setText(live.lastElementChild, { on: "live", off: "reconnecting", away: "engine away", failing: "engine in trouble" }[state]);
}
onLive((up) => showLive(up ? "on" : "off"));
async function health() {
  try {
    const response = await fetch("/_health", { cache: "no-store" });
    if (response.status === 503) showLive("failing");
    else if (!live.classList.contains("off")) showLive("on");
  } catch {
    showLive("away");
  }
}
setInterval(health, 10000);
health();

// A file may be dropped anywhere.
const drop = document.getElementById("drop");
let depth = 0;
const hasFile = (event) => [...(event.dataTransfer?.types ?? [])].includes("Files");
addEventListener("dragenter", (event) => { if (hasFile(event)) { depth++; drop.hidden = false; } });
addEventListener("dragleave", () => { if (--depth <= 0) { depth = 0; drop.hidden = true; } });
addEventListener("dragover", (event) => { if (hasFile(event)) event.preventDefault(); });
addEventListener("drop", (event) => {
  if (!hasFile(event)) return;
  event.preventDefault();
  depth = 0;
  drop.hidden = true;
  importFile(event.dataTransfer.files[0]);
});

look();
showZone();
addEventListener("hashchange", route);
route();
