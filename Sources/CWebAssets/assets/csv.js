// SPDX-License-Identifier: Apache-2.0
// Reads a CSV file of times and values, whatever its dialect.

const timeWords = /^(timestamp|time|date|datetime|ts|when)$/i;
const valueWords = /^(value|metric_value|val|y|count|measure)$/i;

/**
 * Rows `[unixSeconds, value]` in the file's order, and what was skipped: `{ rows, skipped: [[lineNumber, reason]…], skippedCount }`.
 * Throws when no line can be used.
 */
export function parseCSV(text) {
  const lines = text.replace(/^\uFEFF/, "").split(/\r\n|\n|\r/);
  const first = lines.find((l) => l.trim() !== "") ?? "";
  const separator = [",", ";", "\t"].map((s) => [s, first.split(s).length]).sort((a, b) => b[1] - a[1])[0][0];
  const rows = [], skipped = [];
  let skippedCount = 0, timeAt = 0, valueAt = 1, started = false;
  lines.forEach((line, i) => {
    if (line.trim() === "") return;
    const fields = split(line, separator);
    if (!started) {
      started = true;
      if (fields.every((f) => parseTime(f) === null || !/\d/.test(f)) || fields.some((f) => timeWords.test(f))) {
        timeAt = Math.max(0, fields.findIndex((f) => timeWords.test(f)));
        valueAt = fields.findIndex((f) => valueWords.test(f));
        if (valueAt < 0) valueAt = timeAt === 0 ? 1 : 0;
        return;
      }
      if (parseTime(fields[0]) === null && parseTime(fields[1] ?? "") !== null) [timeAt, valueAt] = [1, 0];
    }
    const t = parseTime(fields[timeAt] ?? ""), v = parseNumber(fields[valueAt] ?? "");
    if (t === null || v === null) {
      skippedCount++;
      if (skipped.length < 20) skipped.push([i + 1, t === null ? `no time I can read: ${fields[timeAt] ?? "nothing"}` : `no number: ${fields[valueAt] ?? "nothing"}`]);
      return;
    }
    rows.push([t, v]);
  });
  if (rows.length === 0) throw new Error(skipped.length ? `No line could be used. Line ${skipped[0][0]}: ${skipped[0][1]}.` : "The file is empty.");
  return { rows, skipped, skippedCount };
}

function split(line, separator) {
  if (!line.includes('"')) return line.split(separator).map((f) => f.trim());
  const fields = [];
  let field = "", quoted = false;
  for (let i = 0; i < line.length; i++) {
    const c = line[i];
    if (quoted) {
      if (c === '"' && line[i + 1] === '"') { field += '"'; i++; } else if (c === '"') quoted = false;
      else field += c;
    } else if (c === '"') quoted = true;
    else if (c === separator) { fields.push(field.trim()); field = ""; } else field += c;
  }
  fields.push(field.trim());
  return fields;
}

function parseNumber(text) {
  if (!/^[-+]?(\d+\.?\d*|\.\d+)(e[-+]?\d+)?$/i.test(text)) return null;
  const v = Number(text);
  return Number.isFinite(v) ? v : null;
}

/** Unix seconds of Unix time (s or ms), ISO 8601, or `YYYY-MM-DD HH:MM[:SS]`; naive times are UTC. */
export function parseTime(text) {
  if (/^\d{9,10}(\.\d+)?$/.test(text)) return Math.floor(Number(text));
  if (/^\d{12,13}$/.test(text)) return Math.floor(Number(text) / 1000);
  const m = /^(\d{4})[-/](\d\d?)[-/](\d\d?)(?:[T ](\d\d?):(\d\d)(?::(\d\d)(?:[.,]\d+)?)?)?\s*(Z|UTC|[-+]\d\d:?\d\d)?$/i.exec(text);
  if (!m) return null;
  const [, y, mo, d, hh = 0, mm = 0, ss = 0, zone] = m;
  let t = Date.UTC(y, mo - 1, d, hh, mm, ss) / 1000;
  if (zone && /^[-+]/.test(zone)) {
    const digits = zone.replace(":", "");
    t -= Number(`${digits[0]}1`) * (Number(digits.slice(1, 3)) * 3600 + Number(digits.slice(3, 5)) * 60);
  }
  return Number.isFinite(t) ? t : null;
}

/** A metric name made from a file's name. */
export function nameOf(fileName) {
  return fileName.replace(/\.(csv|txt|tsv)$/i, "").replace(/[\s\u0000-\u001f\u007f]+/g, "_").slice(0, 200) || "upload";
}
