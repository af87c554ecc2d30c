// 4 World: Where attacks come from: how many (size), and how severe (colour).
"use strict";

packetpig.page(async (main) => {
  const countries = await packetpig.rows("countries");
  const grid = packetpig.grid(main);
  const card = packetpig.card(grid, "Sources of alerts", { note: "Dots and spikes are alerts; the colour is the worst severity among them. Choose a country for its attackers." });
  if (packetpig.absent(card, "countries")) return;
  let attackers = null;
  const click = (country) => {
    attackers?.apply({ country: `=${country}` });
    document.getElementById("table-attackers")?.scrollIntoView();
  };
  await packetpig.world(card, countries.map((row) => ({ country: row.country, value: row.alerts, severity: row.severity })), { label: "Sources of alerts", unit: " alerts", click });
  packetpig.table(packetpig.card(grid, "Countries", { size: "half" }), "countries", { columns: ["country", "severity", "alerts", "sources", "first", "last"], sort: ["alerts", -1] });
  attackers = packetpig.table(packetpig.card(grid, "Attackers", { size: "half" }), "attackers", { columns: ["src", "country", "severity", "alerts", "targets", "first"] });
});
