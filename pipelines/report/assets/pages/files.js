// 8 Files (files): What was carried, with its hashes.
"use strict";

packetpig.page(async (main) => {
  const [types, sizes] = await Promise.all(["file_types", "file_sizes"].map(packetpig.rows));
  const grid = packetpig.grid(main);
  packetpig.bars(packetpig.card(grid, "Kinds", { size: "third", note: "By what the content is, not by its name." }), types.map((row) => ({ name: row.mime ?? "unknown", value: row.files, note: packetpig.bytes(row.bytes), href: packetpig.link("files", { mime: `=${row.mime ?? ""}` }) })), { label: "Kinds of files" });
  packetpig.bars(packetpig.card(grid, "Bytes", { size: "third", note: "The same, by size." }), types.map((row) => ({ name: row.mime ?? "unknown", value: row.bytes, className: "f2" })), { label: "Bytes of files", format: packetpig.bytes });
  packetpig.columns(packetpig.card(grid, "Sizes", { size: "third", note: "Files by size; two columns a power of ten." }), packetpig.filled(sizes, "power").map((row) => ({ name: packetpig.bytes(Math.round(10 ** (row.power / 2))), value: row.files ?? 0, className: "f5" })), { label: "Sizes of files" });
  packetpig.table(packetpig.card(grid, "Files", { note: "Click the first column for all hashes, the session, and its packets." }), "files", { columns: ["ts", "name", "mime", "size", "protocol", "direction", "src", "dst", "complete", "sha256"] });
});
