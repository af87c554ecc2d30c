// 3 Alerts (alerts): What signatures and arithmetic say.
"use strict";

packetpig.page(async (main) => {
  const { number } = packetpig;
  const [times, byCountry, attackers] = await Promise.all(["alert_times", "country_times", "attackers"].map(packetpig.rows));
  const grid = packetpig.grid(main);
  packetpig.severityOverTime(packetpig.card(grid, "Alerts over time", { note: "By severity; severe is red." }), times, "Alerts over time");
  {
    const card = packetpig.card(grid, "By country over time", { note: "The eight countries with most alerts, each on its own scale." });
    const groups = d3.groups(byCountry, (row) => row.country).map(([country, rows]) => [country, rows, d3.sum(rows, (row) => row.alerts)]).sort((a, b) => b[2] - a[2]).slice(0, 8);
    if (!packetpig.absent(card, "country_times") && !groups.length) card.append(packetpig.h("p", { class: "empty" }, "None."));
    const small = card.appendChild(packetpig.h("div", { class: "grid" }));
    const [from, until] = d3.extent(byCountry, (row) => row.ts);
    for (const [country, rows, total] of groups) {
      const part = small.appendChild(packetpig.h("div", { class: "half" }, packetpig.h("h3", {}, `${packetpig.country(country)}: ${number(total)}`)));
      packetpig.severityOverTime(part, rows, `Alerts from ${packetpig.country(country)}`, { height: 110, from, until, legend: false });
    }
  }
  packetpig.table(packetpig.card(grid, "Signatures", { note: "What was alerted, how often, since when." }), "signatures", { columns: ["message", "severity", "sid", "alerts", "sources", "targets", "first", "last"], sort: ["severity", 1] });
  const most = packetpig.card(grid, "Attackers", { size: "half", note: "Sources of most alerts." });
  if (!packetpig.absent(most, "attackers")) packetpig.bars(most, attackers.map((row) => ({ name: row.src, value: row.alerts, className: `p${row.severity}`, href: packetpig.link("alerts", { src: `=${row.src}` }) })), { label: "Attackers", mono: true });
  packetpig.table(packetpig.card(grid, "All sources", { size: "half" }), "attackers", { columns: ["src", "country", "severity", "alerts", "targets", "first"] });
  packetpig.table(packetpig.card(grid, "Alerts", { note: "Click the first column for the whole row, what belongs to it, and its packets." }), "alerts", { columns: ["ts", "priority", "message", "classification", "src", "src_country", "country", "sport", "dst", "dport", "proto"] });
  packetpig.table(packetpig.card(grid, "Anomalies", { note: "What arithmetic finds without signatures: scans, guessing, beacons, floods, tunnels." }), "anomalies", { columns: ["ts", "kind", "severity", "src", "dst", "dport", "count", "score", "detail"] });
});
