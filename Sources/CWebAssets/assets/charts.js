// SPDX-License-Identifier: Apache-2.0
// Sparklines, anomaly strips, and the two charts of a metric's page (values above, scores below, one time axis).

import { svg, h } from "./dom.js";
import { count, isUTC, likelihood, logScore, time, value } from "./format.js";

/** A small line of [time, value] pairs; says nothing to screen readers, the row's text does. */
export function sparkline(points, width = 160, height = 34) {
  const box = svg("svg", { class: "spark", viewBox: `0 0 ${width} ${height}`, preserveAspectRatio: "none", "aria-hidden": "true" });
  if (!points || points.length === 0) return box;
  const t0 = points[0][0], t1 = points[points.length - 1][0];
  let low = Infinity, high = -Infinity;
  for (const [, v] of points) { low = Math.min(low, v); high = Math.max(high, v); }
  const x = (t) => (t1 > t0 ? (t - t0) / (t1 - t0) : 0.5) * (width - 4) + 2;
  const y = (v) => (high > low ? 1 - (v - low) / (high - low) : 0.5) * (height - 6) + 3;
  box.append(svg("polyline", { points: points.map(([t, v]) => `${x(t).toFixed(1)},${y(v).toFixed(1)}`).join(" ") }));
  return box;
}

/** Bars of the highest score each, height on the log scale; grey while learning or unscored. */
export function strip(bars, label) {
  const step = 8, height = 34;
  const box = svg("svg", {
    class: "strip", viewBox: `0 0 ${bars.length * step} ${height}`, preserveAspectRatio: "none", role: "img", "aria-label": label,
  });
  bars.forEach((bar, i) => {
    const full = bar === null ? 0.08 : bar.level === "learning" ? 0.16 : 0.16 + 0.84 * Math.min(1, logScore(bar.score) / 0.5);
    const tall = Math.max(2, full * height);
    box.append(svg("rect", {
      x: i * step + 0.75, width: step - 1.5, y: height - tall, height: tall, rx: 1.5,
      class: bar === null ? "none" : bar.level,
    }));
  });
  return box;
}

/** What a strip shows, in words. */
export function stripWords(bars, hours) {
  const window = hours === 1 ? "last hour" : hours === 24 ? "last day" : "last week";
  const red = bars.filter((b) => b?.level === "red").length;
  const yellow = bars.filter((b) => b?.level === "yellow").length;
  if (red + yellow === 0) return bars.some((b) => b?.level === "green") ? `${window}: nothing unusual` : `${window}: no scores`;
  return `${window}: ${red} of ${bars.length} bars very unusual, ${yellow} unusual`;
}

const css = (name) => getComputedStyle(document.documentElement).getPropertyValue(name).trim();
const hint = matchMedia("(pointer: coarse)").matches
  ? "Drag to pan, two fingers to zoom" : "Drag to zoom, shift and drag to pan, wheel to zoom, double-click for everything";
// Labels of the time axis: from this many seconds a tick, the usual text, and what is added when the year, day … changes.
const timeLabels = [
  [28 * 86400, "{YYYY}-{MM}", null, null, null, null, null, null, 1],
  [86400, "{MM}-{DD}", "\n{YYYY}", null, null, null, null, null, 1],
  [60, "{HH}:{mm}", "\n{YYYY}-{MM}-{DD}", null, "\n{MM}-{DD}", null, null, null, 1],
  [1, "{HH}:{mm}:{ss}", "\n{YYYY}-{MM}-{DD}", null, "\n{MM}-{DD}", null, null, null, 1],
];
const axisFont = "12px system-ui, sans-serif";
const scoreTicks = [0, 0.1, 0.2, 0.3, 0.4, 0.5, 0.7, 1];
const scoreWords = new Map([[0, "0"], [0.1, "0.9"], [0.2, "0.99"], [0.3, "0.999"], [0.4, "0.9999"], [0.5, "0.99999"], [0.7, "1−10⁻⁷"], [1, "1−10⁻¹⁰"]]);

/**
 * The charts of one metric. `onRange(min, max, settled)` is told when the reader zooms or pans, `onReset()` when everything is
 * wanted, `onPick(t)` where the reader points when a note is to be written.
 */
export class MetricCharts {
  constructor(host, { onRange, onReset }) {
    this.onRange = onRange;
    this.onReset = onReset;
    this.valueHost = h("div", { class: "plot value-plot" });
    this.scoreHost = h("div", { class: "plot score-plot" });
    this.readout = h("p", { class: "readout", "aria-hidden": "true" }, " ");
    host.append(this.readout, this.valueHost, this.scoreHost);
    this.columns = null;
    this.events = [];
    this.notes = [];
    this.range = null;
    this.pointers = new Map();
    this.resize = new ResizeObserver(() => this.fit());
    this.resize.observe(host);
    this.host = host;
    this.build();
  }

  destroy() {
    this.resize.disconnect();
    this.value?.destroy();
    this.score?.destroy();
  }

  /** Takes new rows: parallel arrays time, value, score, expected, low, high. */
  setData(columns) {
    this.columns = columns;
    if (this.readout.textContent.trim() === "") this.readout.textContent = hint;
    this.redraw();
  }

  setMarks(events, notes) {
    this.events = events;
    this.notes = notes;
    this.redraw();
  }

  /** Shows the times min … max without telling anybody. */
  setRange(min, max) {
    this.range = [min, max];
    for (const plot of [this.value, this.score]) plot.setScale("x", { min, max });
  }

  /** Draws again from scratch, in the colours and the zone that hold now. */
  rebuild() {
    this.value.destroy();
    this.score.destroy();
    this.build();
    this.redraw();
  }

  redraw() {
    if (!this.columns) return;
    const c = this.columns;
    const [min, max] = this.range ?? [c.time[0] ?? 0, c.time[c.time.length - 1] ?? 1];
    const scores = c.score.map(logScore);
    const at = (low, high) => scores.map((s, i) => (c.score[i] !== null && c.score[i] > low && c.score[i] <= high ? s : null));
    this.value.batch(() => {
      this.value.setData([c.time, c.high, c.low, c.expected, c.value], false);
      this.value.setScale("x", { min, max });
    });
    this.score.batch(() => {
      this.score.setData([c.time, scores, at(0.9999, 0.99999), at(0.99999, 2)], false);
      this.score.setScale("x", { min, max });
    });
  }

  fit() {
    const width = Math.max(200, this.host.clientWidth);
    this.value.setSize({ width, height: this.valueHeight() });
    this.score.setSize({ width, height: this.scoreHeight() });
  }

  valueHeight() { return Math.round(Math.max(190, Math.min(520, window.innerHeight * 0.38))); }
  scoreHeight() { return Math.round(Math.max(120, Math.min(260, window.innerHeight * 0.2))); }

  build() {
    const width = Math.max(200, this.host.clientWidth);
    const line = css("--line"), muted = css("--muted"), accent = css("--accent");
    const phone = window.innerWidth < 600;
    const sync = { key: "metric", setSeries: false };
    const axis = { stroke: muted, font: axisFont, grid: { stroke: line, width: 1 }, ticks: { stroke: line, width: 1 } };
    const shared = {
      width, padding: [10, 14, 0, 0],
      tzDate: (t) => (isUTC() ? uPlot.tzDate(new Date(t * 1000), "Etc/UTC") : new Date(t * 1000)),
      legend: { show: false },
      cursor: { sync, drag: { x: true, y: false, setScale: false, dist: 4 }, bind: { dblclick: () => () => { this.onReset(); return null; } }, points: { size: 7 } },
    };
    const hooks = (own = {}) => ({
      drawClear: [(u) => this.shade(u)],
      draw: [(u) => this.mark(u), ...(own.draw ?? [])],
      setSelect: [(u) => this.select(u)],
      setCursor: [(u) => this.point(u)],
      ready: [(u) => this.gestures(u)],
    });
    this.value = new uPlot({
      ...shared, height: this.valueHeight(), hooks: hooks(),
      scales: { x: { time: true, auto: false }, y: { range: (u, low, high) => padded(low, high) } },
      axes: [{ ...axis, show: false }, { ...axis, size: phone ? 64 : 84, values: (u, splits) => splits.map(value) }],
      bands: [{ series: [1, 2], fill: css("--band") }],
      series: [{}, { stroke: "transparent", points: { show: false } }, { stroke: "transparent", points: { show: false } },
        { stroke: css("--expected"), width: 1.2, dash: [4, 3], points: { show: false } },
        { stroke: accent, width: 1.6, points: { show: (u) => u.data[0].length < 60, size: 4, fill: accent } }],
    }, [[], [], [], [], []], this.valueHost);
    this.score = new uPlot({
      ...shared, height: this.scoreHeight(), hooks: hooks({ draw: [(u) => this.thresholds(u)] }),
      scales: { x: { time: true, auto: false }, y: { range: (u, low, high) => [0, Math.max(0.6, Math.min(1, (high ?? 0) * 1.05))] } },
      axes: [{ ...axis, values: timeLabels, space: 70 }, {
        ...axis, size: phone ? 64 : 84, space: 12, splits: (u) => scoreTicks.filter((t) => t <= u.scales.y.max && (!phone || [0, 0.2, 0.4, 0.5].includes(t))),
        values: (u, splits) => splits.map((s) => scoreWords.get(s)),
      }],
      series: [{}, { stroke: css("--score"), fill: css("--score-fill"), width: 1.2, points: { show: false } },
        { stroke: css("--yellow"), paths: () => null, points: { show: true, size: 7, fill: css("--yellow"), stroke: css("--yellow-ink") } },
        { stroke: css("--red"), paths: () => null, points: { show: true, size: 8, fill: css("--red"), stroke: css("--red-ink") } }],
    }, [[], [], [], []], this.scoreHost);
    for (const plot of [this.value, this.score]) plot.root.setAttribute("aria-hidden", "true");
  }

  shade(u) {
    const { ctx, bbox } = u;
    const x = (t) => u.valToPos(t, "x", true);
    ctx.save();
    ctx.beginPath();
    ctx.rect(bbox.left, bbox.top, bbox.width, bbox.height);
    ctx.clip();
    for (const event of this.events) {
      const left = x(event.start), right = Math.max(left + 2 * devicePixelRatio, x(event.end ?? u.scales.x.max));
      ctx.fillStyle = css(event.level === "red" ? "--red-shade" : "--yellow-shade");
      ctx.fillRect(left, bbox.top, right - left, bbox.height);
    }
    ctx.restore();
  }

  mark(u) {
    const { ctx, bbox } = u;
    ctx.save();
    ctx.strokeStyle = ctx.fillStyle = css("--note");
    ctx.setLineDash([3 * devicePixelRatio, 3 * devicePixelRatio]);
    for (const note of this.notes) {
      const x = u.valToPos(note.time, "x", true);
      if (x < bbox.left || x > bbox.left + bbox.width) continue;
      ctx.beginPath();
      ctx.moveTo(x, bbox.top);
      ctx.lineTo(x, bbox.top + bbox.height);
      ctx.stroke();
      if (u === this.value) {
        ctx.beginPath();
        const s = 5 * devicePixelRatio;
        ctx.moveTo(x - s, bbox.top);
        ctx.lineTo(x + s, bbox.top);
        ctx.lineTo(x, bbox.top + 1.6 * s);
        ctx.fill();
      }
    }
    ctx.restore();
  }

  thresholds(u) {
    const { ctx, bbox } = u;
    ctx.save();
    ctx.setLineDash([5 * devicePixelRatio, 4 * devicePixelRatio]);
    for (const [at, colour] of [[0.4, "--yellow"], [0.5, "--red"]]) {
      const y = u.valToPos(at, "y", true);
      ctx.strokeStyle = css(colour);
      ctx.beginPath();
      ctx.moveTo(bbox.left, y);
      ctx.lineTo(bbox.left + bbox.width, y);
      ctx.stroke();
    }
    ctx.restore();
  }

  select(u) {
    if (u.select.width < 4) return;
    const min = u.posToVal(u.select.left, "x"), max = u.posToVal(u.select.left + u.select.width, "x");
    u.setSelect({ left: 0, top: 0, width: 0, height: 0 }, false);
    this.onRange(min, max, true);
  }

  point(u) {
    const i = u.cursor.idx, c = this.columns;
    if (i === null || i === undefined || !c || c.time[i] === undefined) {
      this.readout.textContent = c ? hint : "";
      return;
    }
    const expected = c.expected[i] === null || c.expected[i] === undefined ? "" : `   expected ${value(c.expected[i])}`;
    this.readout.textContent = `${time(c.time[i])}   value ${value(c.value[i])}${expected}   score ${c.score[i] === null ? "none" : likelihood(c.score[i])}`;
  }

  /** Pan by shift-drag or one finger, zoom by wheel or two fingers. */
  gestures(u) {
    const over = u.over;
    const span = () => [u.scales.x.min, u.scales.x.max];
    over.addEventListener("wheel", (event) => {
      event.preventDefault();
      const [min, max] = span();
      if (Math.abs(event.deltaX) > Math.abs(event.deltaY)) {
        const by = (event.deltaX / over.clientWidth) * (max - min);
        return this.onRange(min + by, max + by, false);
      }
      const at = u.posToVal(event.offsetX, "x"), factor = Math.exp(Math.max(-60, Math.min(60, event.deltaY)) * 0.004);
      this.onRange(at - (at - min) * factor, at + (max - at) * factor, false);
    }, { passive: false });
    over.addEventListener("mousedown", (event) => {
      if (!event.shiftKey || event.button !== 0) return;
      event.preventDefault();
      event.stopImmediatePropagation();
      const [min, max] = span(), from = event.clientX;
      const move = (e) => {
        const by = ((from - e.clientX) / over.clientWidth) * (max - min);
        this.onRange(min + by, max + by, false);
      };
      const up = () => {
        removeEventListener("mousemove", move);
        removeEventListener("mouseup", up);
      };
      addEventListener("mousemove", move);
      addEventListener("mouseup", up);
    }, true);
    const touches = new Map();
    over.addEventListener("pointerdown", (e) => { if (e.pointerType === "touch") touches.set(e.pointerId, e.offsetX); });
    for (const end of ["pointerup", "pointercancel", "pointerleave"]) over.addEventListener(end, (e) => touches.delete(e.pointerId));
    over.addEventListener("pointermove", (e) => {
      if (!touches.has(e.pointerId)) return;
      const before = [...touches.values()], [min, max] = span(), perPixel = (max - min) / over.clientWidth;
      touches.set(e.pointerId, e.offsetX);
      const after = [...touches.values()];
      if (after.length === 1) {
        const by = (before[0] - after[0]) * perPixel;
        this.onRange(min + by, max + by, false);
      } else if (after.length === 2) {
        const factor = Math.abs(before[0] - before[1]) / Math.max(8, Math.abs(after[0] - after[1]));
        const middle = min + ((after[0] + after[1]) / 2) * perPixel;
        this.onRange(middle - (middle - min) * factor, middle + (max - middle) * factor, false);
      }
    });
  }

  /** What the charts show, for screen readers. */
  words() {
    const c = this.columns;
    if (!c || c.time.length === 0) return "No samples in this range.";
    let low = Infinity, high = -Infinity;
    for (const v of c.value) { low = Math.min(low, v); high = Math.max(high, v); }
    return `Values from ${value(low)} to ${value(high)} between ${time(c.time[0])} and ${time(c.time[c.time.length - 1])}, ${count(this.events.length)} anomalies marked.`;
  }
}

function padded(low, high) {
  if (low === null || high === null || low === undefined) return [0, 1];
  const pad = high > low ? (high - low) * 0.08 : Math.abs(high) * 0.1 || 1;
  return [low - pad, high + pad];
}
