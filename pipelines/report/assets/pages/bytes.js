// 10 Bytes: What payload is made of: single bytes, and runs of three as a cube.
"use strict";

packetpig.page(async (main) => {
  const { h, number } = packetpig;
  const [bytes, grams] = await Promise.all(["bytes", "grams"].map(packetpig.rows));
  const kinds = [...new Set([...grams, ...bytes].map((row) => row.traffic))]; // those with runs first
  if (!kinds.length) {
    packetpig.card(main, "Bytes").append(h("p", { class: "empty" }, packetpig.missing("n-grams")));
    return;
  }
  const grid = packetpig.grid(main);
  const cube = packetpig.card(grid, "Runs of three bytes", { size: "half", note: "Each point is a run, its place the three bytes, its colour how often. Drag to turn." });
  const histogram = packetpig.card(grid, "Bytes", { size: "half", note: "How often each of the 256 is there; logarithmic." });
  const list = packetpig.card(grid, "The most frequent runs");
  const parts = [cube, histogram, list].map((card) => card.appendChild(h("div")));
  const choice = h("select", { onchange: () => show(choice.value) }, kinds.map((kind) => h("option", { value: kind }, packetpig.plain(kind, 60))));
  main.prepend(h("div", { class: "bar" }, h("label", {}, "Payload of ", choice)));
  main.prepend(main.querySelector("h1"), main.querySelector(".lead"));
  const show = (kind) => {
    for (const part of parts) part.replaceChildren();
    const runs = grams.filter((row) => row.traffic === kind);
    packetpig.cube(parts[0], runs, { label: `Runs of three bytes in ${kind}` });
    if (runs.length) parts[0].append(h("p", { class: "note" }, `The ${number(runs.length)} runs that are most frequent.`));
    const counts = new Map(bytes.filter((row) => row.traffic === kind).map((row) => [row.gram, row.count]));
    const rows = d3.range(256).map((byte) => ({ name: byte.toString(16).padStart(2, "0"), title: `${byte.toString(16).padStart(2, "0")} ${packetpig.byteName(byte)}`, value: counts.get(byte) ?? 0, className: byte < 0x20 || byte === 0x7f ? "f3" : byte < 0x7f ? "f0" : "f6" }));
    packetpig.legend(parts[1], [["control", "f3"], ["printable ASCII", "f0"], ["128 and above", "f6"]]);
    packetpig.columns(parts[1], counts.size ? rows : [], { label: `Bytes in ${kind}`, log: true, height: 360, ticks: d3.range(0, 256, 32) });
    packetpig.bars(parts[2], runs.map((row) => ({ name: packetpig.gramName(row.gram, 3), value: row.count })), { label: `Most frequent runs in ${kind}`, mono: true, limit: 20 });
  };
  show(kinds[0]);
});
