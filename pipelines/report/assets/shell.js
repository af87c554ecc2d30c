// What all pages have: the way around, light and dark, and what to say when something is missing.
"use strict";

{
  const { h } = packetpig;
  const root = document.documentElement;

  const stored = () => { try { return localStorage.getItem("packetpig-theme"); } catch { return null; } };
  const system = matchMedia("(prefers-color-scheme: dark)");
  const paint = () => {
    const theme = stored() ?? (system.matches ? "dark" : "light");
    if (root.dataset.theme === theme) return;
    root.dataset.theme = theme;
    document.dispatchEvent(new Event("theme"));
  };
  paint();
  system.addEventListener("change", paint);

  const PLACES = ["attackers", "countries", "country_times"]; // made of alerts and the places of addresses
  packetpig.missing = (name) => (PLACES.includes(name) && packetpig.open("alerts")
    ? "The places of addresses are not known: make geoip gets a database of them, the pipeline then looks them up."
    : `There is no table of ${name}: its stage has not run, or what it needs is not installed.`);
  // Say in a card that a table is missing; whether it is.
  packetpig.absent = (card, name) => {
    if (!packetpig.open(name)) card.append(h("p", { class: "empty" }, packetpig.missing(name)));
    return !packetpig.open(name);
  };

  // A card; returns the element to fill.
  packetpig.card = (parent, title, { note = "", size = "", id = null, level = "h2" } = {}) => {
    const card = h("section", { class: `card ${size}`, id, "aria-label": title }, h(level, {}, title), note && h("p", { class: "note" }, note));
    parent.append(card);
    return card;
  };
  packetpig.grid = (parent) => parent.appendChild(h("div", { class: "grid" }));

  const start = async () => {
    const { catalogue } = packetpig;
    const main = document.querySelector("main");
    const nav = document.querySelector("nav ul");
    const here = document.body.dataset.page;
    for (const page of catalogue.pages) {
      const table = page.table && catalogue.tables[page.table];
      nav.append(h("li", {}, h("a", { href: `${page.name}.html`, "aria-current": page.name === here ? "page" : null }, page.title,
        table && h("span", { class: "count", "aria-hidden": "true" }, packetpig.number(table.rows + (table.left_out ?? 0))))));
    }
    const theme = h("button", { type: "button", class: "theme" });
    const name = () => { theme.textContent = root.dataset.theme === "dark" ? "Light" : "Dark"; theme.setAttribute("aria-label", `${theme.textContent} colours`); };
    theme.addEventListener("click", () => {
      const next = root.dataset.theme === "dark" ? "light" : "dark";
      try { localStorage.setItem("packetpig-theme", next); } catch { /* then only for this page */ }
      root.dataset.theme = next;
      name();
      document.dispatchEvent(new Event("theme"));
    });
    name();
    document.querySelector("header").append(theme);
    const span = catalogue.from ? `${packetpig.time(catalogue.from)} to ${packetpig.time(catalogue.until)} UTC. ` : "";
    document.querySelector("footer").append(`${span}Made ${packetpig.time(catalogue.made)} UTC by Packetpig from tables of its pipeline. `, catalogue.notice);
    try {
      await packetpig.show(main);
    } catch (error) {
      main.append(h("p", { class: "card", role: "alert" }, `This page could not be shown: ${error.message}`));
      throw error;
    }
    document.body.dataset.ready = "yes";
  };
  packetpig.page = (show) => { packetpig.show = show; };
  addEventListener("DOMContentLoaded", start);
}
