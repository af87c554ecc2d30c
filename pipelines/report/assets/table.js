// A table of any size: paged, sorted by a click on a column's head, filtered below it. Columns are loaded when needed.
"use strict";

{
  const { h } = packetpig;
  const PAGE = 50;
  const TIME = /^(ts|.*_ts|first|last|first_seen|last_seen|not_before|not_after|start|begin|end|window_start|window_end)$/;
  const BYTES = /(^|_)(bytes|size)$/;
  const SPAN = /^(duration|uptime|gap)$/;
  const SEVERITY = /^(priority|severity|worst)$/;
  const CODE = /^(src|dst|host|address|attacker|target|client|server|session_id|community_id|md5|sha1|sha256|ja3|ja3s|ja4|cert_sha256|sports?|dports?|uri|capture|path|first_capture|value|subject|issuer)$/;
  const ADDRESS = /^(src|dst|host|address|ip|attacker|target|client|server|proto|service|state|mod)$/;
  packetpig.is = { time: (name) => TIME.test(name), bytes: (name) => BYTES.test(name), severity: (name) => SEVERITY.test(name) };

  const nothing = () => h("span", { class: "nothing", title: "nothing" }, "–");

  // What a cell shows. In a row's own view, whole.
  packetpig.cell = (name, value, { whole = false } = {}) => {
    if (value === null || value === undefined || value === "") return value === "" ? h("span", { class: "nothing" }, "(empty)") : nothing();
    if (typeof value === "number") {
      if (TIME.test(name)) return packetpig.time(value, whole ? 3 : 0);
      if (BYTES.test(name)) return whole ? `${packetpig.number(value)} B` : packetpig.bytes(value);
      if (SPAN.test(name)) return packetpig.span(value);
      if (SEVERITY.test(name)) return packetpig.severity(value);
      if (/^(id|sid|gid|asn|.*port)$/.test(name)) return String(value);
      return packetpig.number(value);
    }
    if (name === "country" || name.endsWith("_country")) return `${packetpig.country(value)}`;
    return packetpig.traffic(value, { limit: whole ? 0 : 160, className: CODE.test(name) ? "mono" : "" });
  };

  // A filter of a column, as typed, as a function of a value; null if it cannot be understood.
  //   text      contains it (upper and lower case alike)          =text  is it        !text  does not contain it
  //   >n  <n  a..b      numbers; times as 2024-03-05, 2024-03-05 20:10 (the whole day, minute)
  packetpig.filter = (typed, kind, time) => {
    if (kind !== "number") {
      if (typed === "=") return (value) => value === null || value === "";
      if (typed.startsWith("=")) return (value) => value === typed.slice(1);
      const wanted = typed.replace(/^!/, "").toLowerCase();
      const negative = typed.startsWith("!");
      return (value) => (value ?? "").toLowerCase().includes(wanted) !== negative;
    }
    const range = (text) => {
      const trimmed = text.trim();
      const date = /^(\d{4}-\d\d)(-\d\d)?(?:[T ](\d\d)(?::(\d\d)(?::(\d\d(?:\.\d+)?))?)?)?$/.exec(trimmed);
      if (time && date) {
        const [, month, day = "-01", hour = "00", minute = "00", second = "00"] = date;
        const from = Date.parse(`${month}${day}T${hour}:${minute}:00Z`) / 1000 + Number(second);
        if (Number.isNaN(from)) return null;
        if (date[5]) return [from, from + (date[5].includes(".") ? 1e-3 : 1)];
        if (!date[2]) return [from, Date.UTC(Number(month.slice(0, 4)), Number(month.slice(5)), 1) / 1000];
        return [from, from + (date[4] ? 60 : date[3] ? 3600 : 86400)];
      }
      const number = trimmed === "" ? NaN : Number(trimmed);
      return Number.isNaN(number) ? null : [number, number];
    };
    const inside = (low, high) => (value) => value !== null && value >= low && (low === high ? value <= high : value < high);
    if (typed === "=") return (value) => value === null;
    if (typed.includes("..")) {
      const [from, to] = typed.split("..").map(range);
      return from && to ? (value) => value !== null && value >= from[0] && value <= to[1] : null;
    }
    const found = range(typed.replace(/^[<>=!]=?/, ""));
    if (!found) return null;
    if (typed.startsWith(">=")) return (value) => value !== null && value >= found[0];
    if (typed.startsWith(">")) return (value) => value !== null && value > found[0];
    if (typed.startsWith("<=")) return (value) => value !== null && value <= found[1];
    if (typed.startsWith("<")) return (value) => value !== null && value < found[0];
    if (typed.startsWith("!")) return (value) => !inside(...found)(value);
    return inside(...found);
  };

  // Rows that pass all filters, in their order; null for all.
  const select = async (table, filters) => {
    let rows = null;
    for (const [name, typed] of Object.entries(filters)) {
      const column = await table.columns[name].all();
      const passes = packetpig.filter(typed, column.kind, TIME.test(name));
      if (!passes) continue;
      let test = (row) => passes(column.get(row));
      if (column.kind === "word") { // each word is looked at once
        const known = Uint8Array.from(column.words, (word) => (passes(word) ? 1 : 0));
        const none = passes(null) ? 1 : 0;
        test = (row) => { const code = column.raw(row); return code === column.none ? none : known[code]; };
      }
      const kept = new Uint32Array(rows ? rows.length : table.rows);
      let count = 0;
      for (let at = 0; at < kept.length; at += 1) {
        const row = rows ? rows[at] : at;
        if (test(row)) { kept[count] = row; count += 1; }
      }
      rows = kept.subarray(0, count);
    }
    return rows;
  };

  // Those rows by a column; nothing comes last either way. Words have their order in their numbers.
  const order = async (table, rows, name, down) => {
    const column = await table.columns[name].all();
    const list = rows ? rows.slice() : Uint32Array.from({ length: table.rows }, (_, row) => row);
    if (column.kind === "text") {
      const sign = down ? -1 : 1;
      const compare = (a, b) => {
        const x = column.get(a), y = column.get(b);
        if (x === y) return a - b;
        if (x === null || y === null) return x === null ? 1 : -1;
        return x < y ? -sign : sign;
      };
      return list.sort(compare);
    }
    const keys = new Float64Array(table.rows);
    for (const row of list) {
      const value = column.raw(row);
      keys[row] = value === column.none || Number.isNaN(value) ? Infinity : down ? -value : value;
    }
    return list.sort((a, b) => (keys[a] < keys[b] ? -1 : keys[a] > keys[b] ? 1 : a - b));
  };

  // Show a table below an element. columns: names in the order wanted; those that are not there are left out.
  packetpig.table = (parent, name, { columns, labels = {}, sort = null, cells = {} } = {}) => {
    const table = packetpig.open(name);
    if (!table || table.rows === 0) {
      parent.append(h("p", { class: "empty" }, table ? "None." : packetpig.missing(name)));
      return null;
    }
    const shown = (columns ?? Object.keys(table.columns)).filter((column) => table.has(column));
    const state = { page: 0, sort: sort && table.has(sort[0]) ? sort : null, filters: {}, rows: null };
    const label = (column) => labels[column] ?? column.replaceAll("_", " ");
    const numeric = (column) => table.columns[column].kind === "number" && !TIME.test(column) && !SEVERITY.test(column);

    const heads = h("tr");
    const inputs = h("tr", { class: "filters" });
    const body = h("tbody");
    const status = h("span", { role: "status" });
    const pageInput = h("input", { type: "number", min: 1, "aria-label": `Page of ${name}`, size: 6 });
    const button = (text, title, act) => h("button", { type: "button", "aria-label": `${title} of ${name}`, title, onclick: act }, text);
    const buttons = [
      button("«", "First page", () => go(0)), button("‹", "Previous page", () => go(state.page - 1)),
      button("›", "Next page", () => go(state.page + 1)), button("»", "Last page", () => go(Infinity)),
    ];
    const clear = h("button", { type: "button", hidden: true, onclick: () => apply({}) }, "Show all");
    const caption = table.leftOut ? h("span", { class: "note" }, `${packetpig.number(table.leftOut)} older rows are only in the pipeline's table.`) : null;
    const box = h("div", { class: "tabledata", id: `table-${name}` },
      h("div", { class: "bar" }, status, clear, caption, h("span", { class: "space" }),
        buttons[0], buttons[1], pageInput, buttons[2], buttons[3]),
      h("div", { class: "tablebox", tabindex: 0, role: "region", "aria-label": `Rows of ${name}` }, h("table", {}, h("thead", {}, heads, inputs), body)));
    parent.append(box);

    for (const column of shown) {
      const arrow = h("span", { class: "arrow", "aria-hidden": "true" });
      const head = h("th", { scope: "col", class: numeric(column) ? "n" : "" },
        h("button", { type: "button", class: "plain", title: `Sort by ${label(column)}`, onclick: () => by(column) }, label(column), arrow));
      head.dataset.column = column;
      heads.append(head);
      const hint = TIME.test(column) ? "2024-03-05" : table.columns[column].kind === "number" ? ">, <, a..b" : "contains";
      const input = h("input", { type: "text", placeholder: hint, "aria-label": `Filter ${label(column)} of ${name}`, spellcheck: "false", autocomplete: "off" });
      input.dataset.column = column;
      input.addEventListener("change", () => typed());
      input.addEventListener("keydown", (event) => { if (event.key === "Enter") typed(); });
      inputs.append(h("th", {}, input));
    }

    const length = () => (state.rows ? state.rows.length : table.rows);
    const typed = () => {
      const filters = Object.fromEntries(Object.entries(state.filters).filter(([column]) => !shown.includes(column)));
      for (const input of inputs.querySelectorAll("input")) if (input.value) filters[input.dataset.column] = input.value;
      return apply(filters);
    };
    const by = (column) => {
      const down = state.sort?.[0] === column ? state.sort[1] > 0 : numeric(column) || TIME.test(column);
      state.sort = [column, down ? -1 : 1];
      return refresh();
    };
    const apply = (filters) => {
      state.filters = Object.fromEntries(Object.entries(filters).filter(([column]) => table.has(column)));
      const query = new URLSearchParams(state.filters).toString();
      history.replaceState(null, "", query ? `#${name}?${query}` : "#");
      return refresh();
    };
    const go = async (page) => {
      state.page = Math.max(0, Math.min(page, Math.ceil(length() / PAGE) - 1));
      box.setAttribute("aria-busy", "true");
      if (await draw()) box.setAttribute("aria-busy", "false");
    };

    let turn = 0, drawn = 0; // so that of two that overlap the later one stays
    const refresh = async () => {
      const mine = ++turn;
      box.setAttribute("aria-busy", "true");
      status.textContent = "Reading …";
      let rows = await select(table, state.filters);
      if (state.sort) rows = await order(table, rows, state.sort[0], state.sort[1] < 0);
      if (mine !== turn) return;
      state.rows = rows;
      for (const input of inputs.querySelectorAll("input")) {
        const value = state.filters[input.dataset.column] ?? "";
        input.value = value;
        const column = table.columns[input.dataset.column];
        input.classList.toggle("wrong", value !== "" && !packetpig.filter(value, column.kind, TIME.test(column.name)));
      }
      for (const head of heads.children) {
        const down = state.sort?.[0] === head.dataset.column ? state.sort[1] < 0 : null;
        head.querySelector(".arrow").textContent = down === null ? "" : down ? " ↓" : " ↑";
        if (down === null) head.removeAttribute("aria-sort");
        else head.setAttribute("aria-sort", down ? "descending" : "ascending");
      }
      const hidden = Object.entries(state.filters).filter(([column]) => !shown.includes(column));
      clear.hidden = !Object.keys(state.filters).length;
      clear.textContent = hidden.length ? `Show all (now ${hidden.map(([column, value]) => `${label(column)} ${packetpig.plain(value, 40)}`).join(", ")})` : "Show all";
      state.page = 0;
      if (await draw()) box.setAttribute("aria-busy", "false");
    };

    const draw = async () => {
      const mine = ++drawn;
      const total = length();
      const from = state.page * PAGE;
      const rows = Array.from({ length: Math.max(0, Math.min(PAGE, total - from)) }, (_, at) => (state.rows ? state.rows[from + at] : from + at));
      const found = await table.at(rows, [...new Set([...shown, ...(cells.need ?? [])])]);
      if (mine !== drawn) return false;
      body.replaceChildren(...found.map((row) => line(row)));
      const all = total < table.rows ? ` (of ${packetpig.number(table.rows)})` : "";
      status.textContent = total ? `${packetpig.number(from + 1)}–${packetpig.number(from + rows.length)} of ${packetpig.number(total)}${all}` : `None of ${packetpig.number(table.rows)}`;
      const last = Math.max(0, Math.ceil(total / PAGE) - 1);
      buttons[0].disabled = buttons[1].disabled = state.page <= 0;
      buttons[2].disabled = buttons[3].disabled = state.page >= last;
      pageInput.value = state.page + 1;
      pageInput.max = last + 1;
      return true;
    };
    const line = (row) => h("tr", {}, shown.map((column, at) => {
      let content = cells[column] ? cells[column](row[column], row) : packetpig.cell(column, row[column]);
      if (at === 0) content = h("button", { type: "button", class: "plain", title: "The whole row", onclick: () => packetpig.row(name, row._row) }, h("span", { class: "link" }, content));
      const kind = numeric(column) ? "n" : TIME.test(column) ? "time" : ADDRESS.test(column) ? "address" : "";
      return h("td", { class: kind || null }, kind ? content : h("div", { class: "cell" }, content));
    }));

    pageInput.addEventListener("change", () => go(Number(pageInput.value) - 1));
    const fromAddress = () => {
      const [target, query = ""] = location.hash.slice(1).split(/\?(.*)/s);
      if (target !== name) return false;
      state.filters = Object.fromEntries([...new URLSearchParams(query)].filter(([column]) => table.has(column)));
      return true;
    };
    window.addEventListener("hashchange", () => { if (fromAddress()) refresh().then(() => box.scrollIntoView()); });
    const asked = fromAddress();
    const ready = refresh().then(() => { if (asked) box.parentElement.scrollIntoView(); });
    return { ready, apply, by, state };
  };
}
