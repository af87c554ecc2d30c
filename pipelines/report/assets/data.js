// Tables in column files. A page from a folder may only load scripts, so each part of a column is one that calls take().
"use strict";

{
  const waiting = new Map(); // name of a part → what to do with it
  const arrived = new Map();

  packetpig.take = (name, value) => arrived.set(name, value);
  packetpig.loaded = 0; // parts, for who wants to know

  const fetchPart = (name) => {
    if (!waiting.has(name)) {
      waiting.set(name, new Promise((resolve, reject) => {
        const script = document.createElement("script");
        script.src = `data/${name}.js`;
        script.onload = () => {
          script.remove();
          packetpig.loaded += 1;
          const value = arrived.get(name);
          arrived.delete(name);
          if (value === undefined) reject(new Error(`data/${name}.js is damaged`));
          else resolve(value);
        };
        script.onerror = () => reject(new Error(`data/${name}.js could not be read`));
        document.head.append(script);
      }));
    }
    return waiting.get(name);
  };
  packetpig.part = fetchPart;

  const ARRAYS = { u1: Uint8Array, u2: Uint16Array, u4: Uint32Array, f8: Float64Array };
  const decode = (text, kind) => {
    const raw = atob(text);
    const bytes = new Uint8Array(raw.length);
    for (let at = 0; at < raw.length; at += 1) bytes[at] = raw.charCodeAt(at);
    return new ARRAYS[kind](bytes.buffer);
  };
  const NONE = { u1: 0xff, u2: 0xffff, u4: 0xffffffff };

  class Column {
    constructor(table, name, about) {
      Object.assign(this, { table, name, about, kind: about.kind, parts: [], words: null });
      this.none = NONE[about.as];
    }

    async part(index) {
      if (this.kind === "word" && !this.words) this.words = await fetchPart(`${this.table.name}/${this.name}.words`);
      if (!this.parts[index]) {
        const value = await fetchPart(`${this.table.name}/${this.name}.${index}`);
        this.parts[index] = this.kind === "text" ? value : decode(value, this.about.as);
      }
    }

    // What is at a row, of a part that is there: a number, a text, or null.
    get(row) {
      const value = this.raw(row);
      if (this.kind === "text") return value;
      if (value === this.none || Number.isNaN(value)) return null;
      return this.kind === "word" ? this.words[value] : value;
    }

    raw(row) {
      return this.parts[Math.floor(row / this.table.part)][row % this.table.part];
    }

    async all() {
      const count = Math.ceil(this.table.rows / this.table.part);
      await Promise.all(Array.from({ length: count }, (_, index) => this.part(index)));
      return this;
    }
  }

  class Table {
    constructor(name, about) {
      Object.assign(this, { name, rows: about.rows, part: about.part, leftOut: about.left_out ?? 0, about });
      this.columns = Object.fromEntries(Object.entries(about.columns).map(([key, value]) => [key, new Column(this, key, value)]));
    }

    has(...names) {
      return names.every((name) => Object.hasOwn(this.columns, name));
    }

    // Some rows, as objects.
    async at(rows, names = Object.keys(this.columns)) {
      const parts = new Set(rows.map((row) => Math.floor(row / this.part)));
      const columns = names.filter((name) => this.has(name)).map((name) => this.columns[name]);
      await Promise.all(columns.flatMap((column) => [...parts].map((part) => column.part(part))));
      return rows.map((row) => Object.fromEntries([["_row", row], ...columns.map((column) => [column.name, column.get(row)])]));
    }

    // All rows: for tables that are small by what they are.
    all(limit = 20000) {
      return this.at(Array.from({ length: Math.min(this.rows, limit) }, (_, row) => row));
    }
  }

  const tables = new Map();
  packetpig.open = (name) => {
    const about = packetpig.catalogue.tables[name];
    if (about && !tables.has(name)) tables.set(name, new Table(name, about));
    return tables.get(name) ?? null;
  };
  // The rows of a small table, none if there is no such table.
  packetpig.rows = async (name) => packetpig.open(name)?.all() ?? [];
}
