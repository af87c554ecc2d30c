// 7 Names (dns): Who asks for which names, and what they lead to.
"use strict";

packetpig.page(async (main) => {
  const { h, number } = packetpig;
  const [domains, links, ttls] = await Promise.all(["domains", "name_links", "ttls"].map(packetpig.rows));
  const grid = packetpig.grid(main);
  const card = packetpig.card(grid, "Names, who asked, and the answers", { note: "Clients, registered domains and addresses; larger is asked for more." });
  if (!links.length) card.append(h("p", { class: "empty" }, packetpig.open("dns") ? "None." : packetpig.missing("dns")));
  else {
    const MOST = 400;
    const nodes = new Map();
    const note = (kind, name, size) => { const id = `${kind} ${name}`; const node = nodes.get(id) ?? { id, kind, label: name, size: 0 }; node.size += size; nodes.set(id, node); return id; };
    const used = links.slice(0, MOST).map((row) => (row.kind === "asks"
      ? { source: note("client", row.source, row.times), target: note("domain", row.target, row.times) }
      : { source: note("domain", row.source, 0), target: note("address", row.target, row.times) }));
    packetpig.graph(card, [...nodes.values()], used, { label: "Names, who asked, and the answers", kinds: { client: "f2", domain: "f0", address: "f1" }, click: (node) => {
      const filter = { client: { src: `=${node.label}` }, domain: { name: node.label }, address: { data: `=${node.label}` } }[node.kind];
      location.hash = `dns?${new URLSearchParams(filter)}`;
    } });
    if (links.length > MOST) card.append(h("p", { class: "note" }, `The ${number(MOST)} links that were used most, of ${number(links.length)}.`));
  }
  packetpig.table(packetpig.card(grid, "Registered domains", { size: "two-thirds" }), "domains", { columns: ["domain", "questions", "clients", "names", "refused", "first", "last"] });
  packetpig.columns(packetpig.card(grid, "How long answers hold", { size: "third", note: "Answers by their time to live; two columns a power of ten." }), packetpig.filled(ttls, "power").map((row) => ({ name: packetpig.span(10 ** (row.power / 2)), value: row.answers ?? 0, className: "f5" })), { label: "Times to live" });
  packetpig.table(packetpig.card(grid, "DNS", { note: "A row a question and a row an answer." }), "dns", { columns: ["ts", "src", "dst", "kind", "rcode", "section", "name", "type", "ttl", "data"] });
  void domains;
});
