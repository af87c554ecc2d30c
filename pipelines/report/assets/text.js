// Text and elements. Everything that a page shows goes through h(), which makes text nodes and no markup, and whatever
// could hide, reorder or fake what is read is made visible.
"use strict";
const packetpig = {};

{
  // control characters, formats (marks of direction, zero width), private use, halves of pairs, separators of lines;
  // blanks that are not the blank; letters without ink; marks piled on a letter
  const ODD = /[\p{Cc}\p{Cf}\p{Co}\p{Cs}\p{Cn}\p{Zl}\p{Zp}\u00a0\u1680\u2000-\u200a\u202f\u205f\u3000\u115f\u1160\u3164\uffa0\u2800]|(?<=\p{M}{3})\p{M}/gu;
  const SHOWN = 160;

  const name = (character) => {
    const code = character.codePointAt(0);
    if (code < 0x20) return String.fromCodePoint(0x2400 + code);
    if (code === 0x7f) return "␡";
    return `‹${code.toString(16).toUpperCase().padStart(4, "0")}›`;
  };

  // The pieces of a text: [what to show, whether it stands for something that cannot be seen].
  packetpig.pieces = (text) => {
    const pieces = [];
    let from = 0;
    for (const match of text.matchAll(ODD)) {
      if (match.index > from) pieces.push([text.slice(from, match.index), false]);
      pieces.push([name(match[0]), true]);
      from = match.index + match[0].length;
    }
    if (from < text.length) pieces.push([text.slice(from), false]);
    return pieces;
  };

  // The same as plain text, for attributes and pictures.
  packetpig.plain = (text, limit = 2000) => {
    const short = String(text).length > limit ? `${String(text).slice(0, limit)}…` : String(text);
    return packetpig.pieces(short).map(([piece]) => piece).join("");
  };

  // An element with what traffic said; the whole of it if limit is 0.
  packetpig.traffic = (text, { limit = SHOWN, className = "" } = {}) => {
    const span = document.createElement("span");
    span.className = `t ${className}`.trim();
    const whole = String(text);
    const shown = limit && whole.length > limit ? whole.slice(0, limit) : whole;
    for (const [piece, odd] of packetpig.pieces(shown)) {
      if (!odd) span.append(piece);
      else {
        const mark = document.createElement("span");
        mark.className = "odd";
        mark.textContent = piece;
        span.append(mark);
      }
    }
    if (shown.length < whole.length) {
      const more = document.createElement("span");
      more.className = "more";
      more.textContent = ` … ${(whole.length - shown.length).toLocaleString("en")} more`;
      span.append(more);
    }
    return span;
  };

  // An element: h("td", {class: "n", onclick: f}, "text", element, …). Names of attributes are never from traffic.
  packetpig.h = (tag, attributes, ...children) => {
    const element = document.createElement(tag);
    for (const [key, value] of Object.entries(attributes ?? {})) {
      if (value === undefined || value === null || value === false) continue;
      if (key.startsWith("on")) element.addEventListener(key.slice(2), value);
      else element.setAttribute(key, value === true ? "" : packetpig.plain(value));
    }
    for (const child of children.flat()) {
      if (child === undefined || child === null || child === false) continue;
      element.append(child instanceof Node ? child : packetpig.plain(child, Infinity));
    }
    return element;
  };

  // Times are UTC, everywhere.
  packetpig.time = (seconds, digits = 0) => {
    if (!Number.isFinite(seconds) || Math.abs(seconds) > 8.64e12) return String(seconds);
    const text = new Date(Math.floor(seconds * 1000)).toISOString().replace("T", " ");
    return digits ? text.slice(0, 19 + 1 + Math.min(digits, 3)) : text.slice(0, 19);
  };
  packetpig.number = (value) => value.toLocaleString("en", { maximumFractionDigits: 3 });
  packetpig.bytes = (value) => {
    if (Math.abs(value) < 1000) return `${packetpig.number(value)} B`;
    const power = Math.min(5, Math.floor(Math.log10(Math.abs(value)) / 3));
    return `${(value / 1000 ** power).toLocaleString("en", { maximumSignificantDigits: 3 })} ${"kMGTP"[power - 1]}B`;
  };
  packetpig.span = (seconds) => {
    if (seconds < 0.001) return `${packetpig.number(Math.round(seconds * 1e6))} µs`;
    if (seconds < 1) return `${packetpig.number(Math.round(seconds * 1e4) / 10)} ms`;
    if (seconds % 86400 === 0 && seconds < 30 * 86400) return seconds === 86400 ? "1 day" : `${seconds / 86400} days`;
    if (seconds % 3600 === 0 && seconds < 172800) return `${seconds / 3600} h`;
    if (seconds < 120) return `${packetpig.number(Math.round(seconds * 10) / 10)} s`;
    if (seconds < 7200) return `${packetpig.number(Math.round(seconds / 6) / 10)} min`;
    if (seconds < 172800) return `${packetpig.number(Math.round(seconds / 360) / 10)} h`;
    return `${packetpig.number(Math.round(seconds / 8640) / 10)} days`;
  };

  const regions = new Intl.DisplayNames("en", { type: "region", fallback: "code" });
  packetpig.country = (code) => {
    if (!/^[A-Z]{2}$/.test(code ?? "")) return code ? packetpig.plain(code, 40) : "unknown";
    return regions.of(code);
  };

  packetpig.SEVERITIES = { 1: "severe", 2: "high", 3: "medium", 4: "low" };
  packetpig.severity = (value) => {
    const level = Math.max(1, Math.min(4, Math.round(value)));
    return packetpig.h("span", { class: `sev sev${level}` }, `${value} ${packetpig.SEVERITIES[level]}`);
  };
}
