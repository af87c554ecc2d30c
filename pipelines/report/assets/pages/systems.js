// 9 Systems (fingerprints): What operating systems and programs hosts seem to run, by how they speak.
"use strict";

packetpig.page(async (main) => {
  const [systems, agents] = await Promise.all(["systems", "agents"].map(packetpig.rows));
  const grid = packetpig.grid(main);
  packetpig.bars(packetpig.card(grid, "Operating systems", { size: "half", note: "Hosts, by their TCP and HTTP habits (p0f)." }), systems.map((row) => ({ name: row.os ?? "unknown", value: row.hosts, href: packetpig.link("fingerprints", { os: `=${row.os ?? ""}` }) })), { label: "Operating systems" });
  packetpig.bars(packetpig.card(grid, "User agents by hosts", { size: "half", note: "What browsers and programs call themselves." }), agents.map((row) => ({ name: row.user_agent ?? "(none)", value: row.clients, className: "f1" })), { label: "User agents by hosts" });
  packetpig.table(packetpig.card(grid, "Fingerprints"), "fingerprints", { columns: ["ts", "mod", "subject", "src", "dst", "os", "app", "dist", "link", "lang", "uptime", "params"] });
  packetpig.table(packetpig.card(grid, "User agents"), "agents", { columns: ["user_agent", "requests", "clients", "first", "last"] });
});
