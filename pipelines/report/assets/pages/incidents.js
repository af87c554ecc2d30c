// 2 Incidents (incidents): Who did what to whom, since when, what seems to have worked, and where the evidence is.
"use strict";

packetpig.page(async (main) => {
  const { h } = packetpig;
  const [incidents, events] = await Promise.all([packetpig.rows("incidents"), packetpig.rows("incident_events")]);
  const table = packetpig.open("incidents");
  if (!table || !incidents.length) {
    packetpig.card(main, "Incidents").append(h("p", { class: "empty" }, table ? "No incident was found." : packetpig.missing("incidents")));
    return;
  }
  const byIncident = d3.group(events, (event) => event.incident);
  const { layout } = packetpig.incident;
  const list = packetpig.card(main, `All ${packetpig.number(incidents.length)}`, { id: "all" });
  packetpig.table(list, "incidents", { columns: layout.columns, sort: ["severity", 1] });
  incidents.sort((a, b) => d3.ascending(a.severity, b.severity) || d3.ascending(a.ts, b.ts));
  const pages = h("div");
  main.append(pages);
  const STEP = 20;
  let shown = 0;
  const more = h("button", { type: "button", onclick: () => show() }, "Show more");
  const show = () => {
    for (const row of incidents.slice(shown, shown + STEP)) packetpig.incident.card(pages, row, byIncident.get(row.incident) ?? []);
    shown += STEP;
    more.hidden = shown >= incidents.length;
  };
  show();
  main.append(more);
});
