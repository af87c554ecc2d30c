// 5 Sessions (sessions): Who talked to whom, over what, how much, and how it ended.
"use strict";

packetpig.page(async (main) => {
  const { number } = packetpig;
  const [services, ports, states, durations, sizes] = await Promise.all(["services", "ports", "states", "durations", "packet_sizes"].map(packetpig.rows));
  const grid = packetpig.grid(main);
  const over = d3.rollup(services, (rows) => rows.length, (row) => row.service);
  const named = (row) => (row.service === null ? `${row.proto}, not known` : over.get(row.service) > 1 ? `${row.service} over ${row.proto}` : row.service);
  packetpig.bars(packetpig.card(grid, "Protocols by sessions", { size: "third", note: "Told by what is said, not by the port." }), services.map((row) => ({ name: named(row), value: row.sessions, href: packetpig.link("sessions", { service: row.service ? `=${row.service}` : "=", proto: `=${row.proto}` }) })), { label: "Protocols by sessions" });
  packetpig.bars(packetpig.card(grid, "Protocols by bytes", { size: "third", note: "Payload, both ways." }), services.map((row) => ({ name: named(row), value: row.src_bytes + row.dst_bytes, className: "f2" })), { label: "Protocols by bytes", format: packetpig.bytes });
  packetpig.bars(packetpig.card(grid, "Ports by bytes", { size: "third", note: "Of the side that was called; IP bytes both ways." }), ports.map((row) => ({ name: `${row.proto}/${row.port}`, value: row.bytes, className: "f4", note: `${number(row.sessions)} sessions`, href: packetpig.link("sessions", { proto: `=${row.proto}`, dport: String(row.port) }) })), { label: "Ports by bytes", format: packetpig.bytes });
  const STATES = { S0: "no answer", S1: "open", S2: "half closed by its opener", S3: "half closed by the other", SF: "normal", REJ: "refused", RSTO: "reset by its opener", RSTR: "reset by the other", RSTOS0: "opened and reset", RSTRH: "answered and reset", SH: "opened and closed", SHR: "answer without a question", OTH: "in the middle" };
  packetpig.bars(packetpig.card(grid, "How they ended", { size: "third", note: "Zeek's states." }), states.map((row) => ({ name: `${STATES[row.state] ?? row.state} (${row.state})`, value: row.sessions, className: "f1", href: packetpig.link("sessions", { state: `=${row.state}` }) })), { label: "How sessions ended" });
  const power = (row) => 10 ** (row.power / 2);
  packetpig.columns(packetpig.card(grid, "How long they took", { size: sizes.length ? "third" : "two-thirds", note: "Sessions by duration; two columns a power of ten." }), packetpig.filled(durations, "power").map((row) => ({ name: packetpig.span(power(row)), value: row.sessions ?? 0, className: "f5" })), { label: "Durations of sessions" });
  if (sizes.length) packetpig.columns(packetpig.card(grid, "Sizes of packets", { size: "third", note: "IP packets by length." }), packetpig.filled(sizes, "size", 64).map((row) => ({ name: number(row.size), value: row.packets ?? 0, className: "f3" })), { label: "Sizes of packets" });
  packetpig.table(packetpig.card(grid, "Sessions", { note: "Click the first column for the whole row, what belongs to it, and its packets." }), "sessions", { columns: ["ts", "duration", "src", "sport", "dst", "dport", "proto", "service", "state", "src_bytes", "dst_bytes", "src_country", "dst_country", "open"] });
});
