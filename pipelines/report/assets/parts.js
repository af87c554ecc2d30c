// Parts that several pages share.
"use strict";

{
  const { h } = packetpig;

  packetpig.severityOverTime = (parent, rows, label, more = {}) => {
    if (!packetpig.open("alert_times")) return void parent.append(h("p", { class: "empty" }, packetpig.missing("alerts")));
    const name = (row) => packetpig.SEVERITIES[Math.max(1, Math.min(4, row.severity))];
    const classes = { low: "p4", medium: "p3", high: "p2", severe: "p1" };
    return void packetpig.overTime(parent, rows.map((row) => ({ time: row.ts, series: name(row), value: row.alerts })), { label, step: packetpig.catalogue.step, classes, ...more });
  };

  // Rows of a histogram with the empty ones between the first and the last.
  packetpig.filled = (rows, key, step = 1) => {
    if (!rows.length) return [];
    const known = new Map(rows.map((row) => [row[key], row]));
    const [low, high] = d3.extent(rows, (row) => row[key]);
    return d3.range(low, high + step, step).map((value) => known.get(value) ?? { [key]: value });
  };

  // An incident: its facts, its story, a line of time, and where the evidence is.
  const FACTS = ["attacker", "target", "src", "dst", "country", "city", "asn", "as_org", "os", "user_agents", "ja4", "alerts", "anomalies", "sessions", "files", "bytes"];
  packetpig.incident = {
    layout: { columns: ["ts", "end_ts", "severity", "attacker", "target", "title", "tried", "worked", "alerts", "sessions"] },
    card: (parent, row, events) => {
      const title = row.title ?? `${row.attacker ?? row.src ?? "?"} against ${row.target ?? row.dst ?? "?"}`;
      const card = h("section", { class: `card incident i${row.severity}`, "aria-label": "Incident" });
      parent.append(card);
      card.append(h("h2", {}, packetpig.traffic(title, { limit: 120 })), h("p", { class: "note" }, packetpig.severity(row.severity ?? 4), ` ${packetpig.time(row.ts)} to ${packetpig.time(row.end_ts ?? row.ts)} UTC, ${packetpig.span((row.end_ts ?? row.ts) - row.ts)}`));
      card.append(h("dl", { class: "facts" }, FACTS.filter((name) => row[name] !== null && row[name] !== undefined && row[name] !== "").map((name) => h("div", {}, h("dt", {}, name.replaceAll("_", " ")), h("dd", {}, packetpig.cell(name, row[name]))))));
      for (const [name, head] of [["tried", "What was tried"], ["worked", "What seems to have worked"], ["story", "The whole story"]]) {
        if (row[name]) card.append(h("h3", {}, head), h("ul", { class: "prose", tabindex: 0 }, `${row[name]}`.slice(0, 12000).split("\n").filter((line) => line.trim()).map((line) => h("li", {}, packetpig.traffic(line.trim(), { limit: 600 })))));
      }
      if (events.length) packetpig.timeline(card, events, title);
      const carve = row.carve ?? packetpig.carve({ ...row, src: row.attacker ?? row.src, dst: row.target ?? row.dst });
      if (carve) card.append(h("h3", {}, "Its packets, for Wireshark"), packetpig.command(packetpig.plain(carve, 4000)));
      card.append(packetpig.links("incidents", { ...row, src: row.attacker ?? row.src, dst: row.target ?? row.dst }) ?? "");
    },
  };

  // Events on lines of time, a line a kind. events: {ts, end_ts, kind, severity, label, count}
  packetpig.timeline = (parent, events, title) => {
    const kinds = [...new Set([...events].sort((a, b) => a.ts - b.ts).map((event) => event.kind))];
    const lane = 30;
    const draw = (figure, width) => {
      const labels = Math.min(190, width * 0.4);
      const [from, until] = [d3.min(events, (event) => event.ts), d3.max(events, (event) => event.end_ts ?? event.ts)];
      const x = d3.scaleUtc([from * 1000, Math.max(until, from + 1) * 1000], [labels, width - 14]);
      const height = kinds.length * lane + 26;
      const picture = packetpig.svg("svg", { width, height, role: "img", "aria-label": `Timeline of ${packetpig.plain(title, 100)}` });
      const box = packetpig.tip(figure);
      kinds.forEach((kind, at) => {
        const y = at * lane + lane / 2;
        picture.append(packetpig.svg("line", { x1: labels, x2: width - 14, y1: y, y2: y, stroke: "var(--line)" }), packetpig.svg("text", { x: labels - 12, y: y + 4, "text-anchor": "end", class: "label" }, packetpig.plain(kind.replaceAll("_", " "), Math.floor((labels - 12) / 7.6))));
      });
      for (const event of events) {
        const y = kinds.indexOf(event.kind) * lane + lane / 2;
        const left = x(event.ts * 1000), wide = Math.max(7, x((event.end_ts ?? event.ts) * 1000) - left);
        const mark = packetpig.svg("rect", { x: left - (wide === 7 ? 3.5 : 0), y: y - 6, width: wide, height: 12, rx: 3.5, class: `p${Math.max(1, Math.min(4, event.severity ?? 4))}`, "fill-opacity": 0.75 });
        mark.addEventListener("pointermove", (pointer) => box.show(...d3.pointer(pointer, figure), h("b", {}, packetpig.time(event.ts)), h("div", {}, packetpig.traffic(event.label ?? event.kind, { limit: 80 }))));
        mark.addEventListener("pointerleave", box.hide);
        picture.append(mark);
      }
      const days = until - from > 86400;
      d3.select(picture).append("g").attr("class", "axis").attr("transform", `translate(0,${kinds.length * lane})`).call(d3.axisBottom(x).ticks(Math.max(2, Math.floor((width - labels) / 110))).tickFormat(d3.utcFormat(days ? "%-d %b %H:%M" : "%H:%M:%S")).tickSizeOuter(0));
      figure.append(picture);
    };
    packetpig.figure(parent, `Timeline of ${packetpig.plain(title, 100)}`, draw, [["time", (event) => packetpig.time(event.ts)], ["until", (event) => (event.end_ts ? packetpig.time(event.end_ts) : "")], ["kind", (event) => event.kind], ["what", (event) => event.label]], [...events].sort((a, b) => a.ts - b.ts));
  };
}
