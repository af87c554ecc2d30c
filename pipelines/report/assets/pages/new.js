// 11 Never seen before (first_seen): What appeared for the first time in the whole archive, and captures by how much in them is new.
"use strict";

packetpig.page(async (main) => {
  const [kinds] = await Promise.all(["new_kinds"].map(packetpig.rows));
  const grid = packetpig.grid(main);
  packetpig.bars(packetpig.card(grid, "By kind", { size: "half" }), kinds.map((row) => ({ name: row.kind.replaceAll("_", " "), value: row.things, href: packetpig.link("first_seen", { kind: `=${row.kind}` }) })), { label: "New things by kind" });
  packetpig.table(packetpig.card(grid, "Captures by what is new in them", { size: "half" }), "novelty", {});
  packetpig.table(packetpig.card(grid, "First sightings"), "first_seen", {});
});
