// 6 Web and TLS (http): Requests, and what secure connections tell without being opened.
"use strict";

packetpig.page(async (main) => {
  const [hosts, agents, versions] = await Promise.all(["hosts", "agents", "tls_names"].map(packetpig.rows));
  const grid = packetpig.grid(main);
  packetpig.bars(packetpig.card(grid, "Hosts asked for", { size: "third", note: "HTTP requests." }), hosts.map((row) => ({ name: row.host ?? "(none)", value: row.requests, href: packetpig.link("http", { host: `=${row.host ?? ""}` }) })), { label: "Hosts asked for" });
  packetpig.bars(packetpig.card(grid, "User agents", { size: "third", note: "HTTP requests." }), agents.map((row) => ({ name: row.user_agent ?? "(none)", value: row.requests, className: "f1", href: packetpig.link("http", { user_agent: `=${row.user_agent ?? ""}` }) })), { label: "User agents" });
  packetpig.bars(packetpig.card(grid, "Names in TLS", { size: "third", note: "Handshakes, by the name the client asks for." }), versions.map((row) => ({ name: row.sni ?? "(none)", value: row.handshakes, className: "f2", href: packetpig.link("tls", { sni: `=${row.sni ?? ""}` }) })), { label: "Names in TLS" });
  packetpig.table(packetpig.card(grid, "HTTP transactions"), "http", { columns: ["ts", "src", "dst", "method", "host", "uri", "status", "response_bytes", "content_type", "user_agent"] });
  packetpig.table(packetpig.card(grid, "TLS handshakes"), "tls", { columns: ["ts", "src", "dst", "dport", "version", "sni", "alpn", "cipher", "ja4", "issuer", "not_after"] });
});
