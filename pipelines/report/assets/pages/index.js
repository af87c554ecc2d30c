// 1 Overview: What came by, what stands out, and what is new.
"use strict";

packetpig.page(async (main) => {
  const { h, number } = packetpig;
  const total = (name) => { const table = packetpig.open(name); return table ? table.rows + table.leftOut : null; };
  const [traffic, talkers, times, countries, fresh] = await Promise.all(["traffic", "talkers", "alert_times", "countries", "new_kinds"].map(packetpig.rows));

  const tiles = main.appendChild(h("div", { class: "tiles" }));
  const tile = (value, text, href, worst = false) => { if (value !== null) tiles.append(h(href ? "a" : "div", { class: worst ? "tile worst" : "tile", href }, h("b", {}, value), h("span", {}, text))); };
  const severe = d3.sum(times.filter((row) => row.severity === 1), (row) => row.alerts);
  const incidents = total("incidents");
  tile(incidents === null ? null : number(incidents), incidents === 1 ? "incident" : "incidents", "incidents.html", incidents > 0);
  tile(total("alerts") === null ? null : number(total("alerts")), severe ? `alerts, ${number(severe)} of them severe` : "alerts", "alerts.html");
  tile(total("sessions") === null ? null : number(total("sessions")), "sessions", "sessions.html");
  if (traffic.length) {
    tile(number(d3.sum(traffic, (row) => row.packets)), "packets");
    tile(packetpig.bytes(d3.sum(traffic, (row) => row.bytes)), "on the wire");
  }
  tile(total("files") === null ? null : number(total("files")), "files carried", "files.html");
  tile(total("first_seen") === null ? null : number(total("first_seen")), "things seen for the first time", "new.html");

  const grid = packetpig.grid(main);
  const step = packetpig.catalogue.step;
  {
    const card = packetpig.card(grid, "Traffic over time", { note: `Bytes on the wire by protocol, in bins of ${packetpig.span(step)}.` });
    const rows = traffic.map((row) => ({ time: row.ts, series: row.protocol ?? "other", value: row.bytes }));
    const [classes, name] = packetpig.palette(rows);
    packetpig.overTime(card, rows.map((row) => ({ ...row, series: name(row.series) })), { label: "Traffic over time", step, classes, format: packetpig.bytes });
    if (!packetpig.open("traffic")) card.append(h("p", { class: "empty" }, packetpig.missing("packets")));
  }
  {
    const card = packetpig.card(grid, "Alerts over time", { size: "two-thirds", note: "By severity; severe is red." });
    packetpig.severityOverTime(card, times, "Alerts over time");
  }
  {
    const card = packetpig.card(grid, "Where attackers are", { size: "third", note: "Alerts by the country of their source." });
    if (!packetpig.absent(card, "countries")) packetpig.bars(card, countries.map((row) => ({ name: packetpig.country(row.country), value: row.alerts, className: `p${row.severity}`, href: "world.html" })), { label: "Alerts by country", limit: 9 });
  }
  {
    const card = packetpig.card(grid, "Top talkers", { size: "half", note: "Bytes on the wire, to and from." });
    packetpig.bars(card, talkers.map((row) => ({ name: row.host, value: row.bytes, note: `${number(row.packets)} packets`, href: packetpig.open("sessions") ? packetpig.link("sessions", { src: `=${row.host}` }) : null })), { label: "Top talkers", format: packetpig.bytes, mono: true });
  }
  {
    const card = packetpig.card(grid, "What is new", { size: "half", note: "Seen for the first time in the whole archive, by kind." });
    packetpig.bars(card, fresh.map((row) => ({ name: row.kind.replaceAll("_", " "), value: row.things, href: packetpig.link("first_seen", { kind: `=${row.kind}` }) })), { label: "What is new" });
  }
});
