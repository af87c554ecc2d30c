// One row, whole: all its columns, what belongs to it in other tables, and the command that carves its packets.
"use strict";

{
  const { h } = packetpig;

  // Which page shows a table.
  const PAGES = {
    alerts: "alerts", anomalies: "alerts", sessions: "sessions", http: "web", tls: "web", dns: "names", files: "files",
    fingerprints: "systems", first_seen: "new", incidents: "incidents",
  };
  packetpig.link = (table, filters) => `${PAGES[table]}.html#${table}?${new URLSearchParams(filters)}`;

  // A word for a shell: what traffic said stays one word, and nothing that cannot be seen is in it.
  packetpig.quote = (text) => {
    if (/^[A-Za-z0-9_@%+=:,./-]+$/.test(text)) return text;
    return `'${packetpig.plain(text, Infinity).replaceAll("'", "'\\''")}'`;
  };

  // bin/packetpig carve for some flows and a span of time; null where the row does not say which.
  packetpig.carve = (row) => {
    const where = [];
    if (/^1:[A-Za-z0-9+/=]{1,64}$/.test(row.community_id ?? "")) where.push(`community_id == '${row.community_id}'`);
    else {
      for (const [column, name] of [["src", "src"], ["dst", "dst"]]) {
        if (/^[0-9a-fA-F:.]{2,45}$/.test(row[column] ?? "")) where.push(`(ip_src == '${row[name]}' OR ip_dst == '${row[name]}')`);
      }
    }
    if (!where.length) return null;
    const from = row.ts ?? row.first, until = row.end_ts ?? row.last ?? from;
    if (Number.isFinite(from)) where.push(`ts >= ${Math.floor(from) - 1}`, `ts <= ${Math.ceil(until) + (row.end_ts === undefined && row.last === undefined ? 300 : 1)}`);
    const name = /^[A-Za-z0-9]{1,64}$/.test(row.session_id ?? "") ? `${row.session_id}.pcap` : "evidence.pcap";
    return `bin/packetpig carve --where ${packetpig.quote(where.join(" AND "))} ${packetpig.quote(packetpig.catalogue.captures ?? "captures/")} ${name}`;
  };

  // A command that a click copies; where the browser does not let it, it is selected instead.
  packetpig.command = (text) => {
    const code = h("code", { tabindex: 0 }, text);
    const said = h("span", { role: "status" });
    const copy = async () => {
      try {
        await navigator.clipboard.writeText(text);
        said.textContent = "copied";
      } catch {
        getSelection().selectAllChildren(code);
        const done = document.execCommand?.("copy");
        said.textContent = done ? "copied" : "selected: copy it with Ctrl+C";
      }
    };
    return h("div", { class: "command" }, code, h("button", { type: "button", onclick: copy }, "Copy"), said);
  };

  // Links from a row to what belongs to it.
  packetpig.links = (name, row) => {
    const links = [];
    for (const other of Object.keys(PAGES)) {
      const table = packetpig.open(other);
      if (!table || other === name) continue;
      if (row.session_id && table.has("session_id")) links.push([other, { session_id: `=${row.session_id}` }]);
      else if (row.community_id && table.has("community_id")) links.push([other, { community_id: `=${row.community_id}` }]);
      else if (row.sha256 && table.has("sha256")) links.push([other, { sha256: `=${row.sha256}` }]);
    }
    const found = links.map(([other, filters]) => h("a", { href: packetpig.link(other, filters) }, `its ${other}`));
    for (const [column, address] of [["source", row.src], ["target", row.dst]]) {
      if (address && packetpig.open("sessions")) found.push(h("a", { href: packetpig.link("sessions", { src: `=${address}` }) }, `sessions opened by its ${column}`));
    }
    return found.length ? h("p", { class: "links" }, found) : null;
  };

  packetpig.row = async (name, at) => {
    const [row] = await packetpig.open(name).at([at]);
    const carve = packetpig.carve(row);
    const dialog = h("dialog", { "aria-labelledby": "row-title" },
      h("div", { class: "head" }, h("h2", { id: "row-title" }, `A row of ${name}`),
        h("button", { type: "button", onclick: () => dialog.close() }, "Close")),
      packetpig.links(name, row),
      carve && h("h3", {}, "Its packets, for Wireshark"),
      carve && packetpig.command(carve),
      h("dl", { class: "row" }, Object.entries(row).filter(([column]) => column !== "_row").flatMap(([column, value]) => [
        h("dt", {}, column.replaceAll("_", " ")), h("dd", {}, packetpig.cell(column, value, { whole: true })),
      ])));
    dialog.addEventListener("click", (event) => { if (event.target === dialog || event.target.closest("a")) dialog.close(); });
    dialog.addEventListener("close", () => dialog.remove());
    document.body.append(dialog);
    dialog.showModal();
  };
}
