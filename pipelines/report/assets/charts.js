// Charts: each is a figure with its numbers as a table below it, for who would rather read, hear or copy them.
"use strict";

{
  const { h } = packetpig;
  const svg = (tag, attributes, ...children) => {
    const element = document.createElementNS("http://www.w3.org/2000/svg", tag);
    for (const [key, value] of Object.entries(attributes ?? {})) if (value !== null && value !== undefined) element.setAttribute(key, value);
    for (const child of children.flat()) if (child !== null && child !== undefined) element.append(child instanceof Node ? child : packetpig.plain(child, 300));
    return element;
  };
  packetpig.svg = svg;

  // Draw into a figure, and again when its width changes.
  packetpig.figure = (parent, label, draw, columns, rows) => {
    const figure = h("figure", { role: "group", "aria-label": label });
    parent.append(figure);
    let width = 0;
    const again = () => {
      const now = Math.floor(figure.clientWidth);
      if (now && now !== width) {
        width = now;
        figure.querySelectorAll("svg, .tip").forEach((old) => old.remove());
        draw(figure, width);
      }
    };
    again();
    new ResizeObserver(again).observe(figure);
    if (columns && rows.length) {
      const shown = rows.slice(0, 300);
      parent.append(h("details", { class: "numbers" }, h("summary", {}, "Numbers"),
        h("div", { class: "tablebox", tabindex: 0, role: "region", "aria-label": `Numbers of ${label}` }, h("table", {},
          h("thead", {}, h("tr", {}, columns.map(([name]) => h("th", { scope: "col" }, name)))),
          h("tbody", {}, shown.map((row) => h("tr", {}, columns.map(([, get]) => {
            const value = get(row);
            return h("td", {}, value instanceof Node ? value : typeof value === "number" ? packetpig.number(value) : packetpig.traffic(value ?? ""));
          }))))),
        rows.length > shown.length && h("p", { class: "note" }, `and ${packetpig.number(rows.length - shown.length)} more`))));
    }
    return figure;
  };

  const tip = (figure) => {
    const box = h("div", { class: "tip", hidden: true, role: "status" });
    figure.append(box);
    return {
      show: (x, y, ...content) => {
        box.hidden = false;
        box.replaceChildren(...content);
        const room = figure.clientWidth - box.offsetWidth - 4;
        box.style.left = `${Math.max(0, Math.min(x + 14, room))}px`;
        box.style.top = `${Math.max(0, y - box.offsetHeight / 2)}px`;
      },
      hide: () => { box.hidden = true; },
    };
  };
  packetpig.tip = tip;

  packetpig.legend = (parent, entries) => parent.append(h("ul", { class: "legend" }, entries.map(([name, className]) => h("li", {}, h("i", { class: className }), packetpig.traffic(name, { limit: 40 })))));

  const timeAxis = (scale, height, width) => {
    const format = d3.utcFormat;
    const multi = (date) => (d3.utcDay(date) < date ? format(d3.utcMinute(date) < date ? "%H:%M:%S" : "%H:%M")(date) : format("%-d %b")(date));
    return d3.axisBottom(scale).ticks(Math.max(2, Math.floor(width / 90))).tickFormat(multi).tickSizeOuter(0);
  };

  // Bars over time, stacked by a series. rows: {time, series, value}.
  packetpig.overTime = (parent, rows, { label, step, classes, format = packetpig.number, unit = "", height = 230, from = null, until = null, legend = true }) => {
    if (!rows.length) return void parent.append(h("p", { class: "empty" }, "None."));
    const series = Object.keys(classes);
    const bins = d3.rollup(rows, (group) => d3.rollup(group, (same) => d3.sum(same, (row) => row.value), (row) => row.series), (row) => row.time);
    const times = [...bins.keys()].sort(d3.ascending);
    const start = from ?? times[0], end = (until ?? times.at(-1)) + step;
    if (legend && series.length > 1) packetpig.legend(parent, series.map((name) => [name, classes[name]]));
    const margin = { top: 8, right: 6, bottom: 24, left: 56 };
    const draw = (figure, width) => {
      const x = d3.scaleUtc([start * 1000, end * 1000], [margin.left, width - margin.right]);
      const most = d3.max(times, (time) => d3.sum(bins.get(time).values())) || 1;
      const y = d3.scaleLinear([0, most], [height - margin.bottom, margin.top]).nice(4);
      const picture = d3.create("svg").attr("width", width).attr("height", height).attr("role", "img").attr("aria-label", `${label}, from ${packetpig.time(start)} to ${packetpig.time(end)}; arrow keys go from bar to bar`).attr("tabindex", 0);
      picture.append("g").attr("class", "axis").attr("transform", `translate(0,${height - margin.bottom})`).call(timeAxis(x, height, width));
      picture.append("g").attr("class", "axis").attr("transform", `translate(${margin.left},0)`).call(d3.axisLeft(y).ticks(4).tickFormat(format).tickSize(-(width - margin.left - margin.right)));
      const bar = Math.max(1.5, x((start + step) * 1000) - x(start * 1000) - 0.6);
      for (const time of times) {
        let base = 0;
        for (const name of series) {
          const value = bins.get(time).get(name) ?? 0;
          if (!value) continue;
          picture.append("rect").attr("class", classes[name]).attr("x", x(time * 1000)).attr("width", bar).attr("y", y(base + value)).attr("height", Math.max(0.5, y(base) - y(base + value)));
          base += value;
        }
      }
      const line = picture.append("line").attr("class", "hoverline").attr("y1", margin.top).attr("y2", height - margin.bottom).attr("visibility", "hidden");
      figure.append(picture.node());
      const box = tip(figure);
      let at = -1;
      const show = (index) => {
        at = Math.max(0, Math.min(times.length - 1, index));
        const time = times[at];
        const middle = x(time * 1000) + bar / 2;
        line.attr("x1", middle).attr("x2", middle).attr("visibility", "visible");
        const values = series.filter((name) => bins.get(time).get(name)).toReversed();
        box.show(middle, height / 2, h("b", {}, packetpig.time(time)), ...values.slice(0, 9).map((name) => h("div", {}, h("i", { class: classes[name] }), packetpig.traffic(name, { limit: 30 }), ` ${format(bins.get(time).get(name))}${unit}`)));
      };
      const hide = () => { box.hide(); line.attr("visibility", "hidden"); };
      picture.on("pointermove", (event) => show(d3.bisectCenter(times, x.invert(d3.pointer(event)[0] - bar / 2) / 1000)));
      picture.on("pointerleave blur", hide);
      picture.on("keydown", (event) => {
        const step = { ArrowRight: 1, ArrowLeft: -1 }[event.key];
        if (step) { event.preventDefault(); show(at + step); }
      });
    };
    const numbers = times.flatMap((time) => [...bins.get(time)].map(([name, value]) => ({ time, name, value })));
    packetpig.figure(parent, label, draw, [["time", (row) => packetpig.time(row.time)], ["of", (row) => row.name], ["value", (row) => row.value]], numbers);
  };

  // Horizontal bars, the largest first. rows: {name, value, href, className, note}.
  packetpig.bars = (parent, given, { label, format = packetpig.number, limit = 12, mono = false }) => {
    if (!given.length) return void parent.append(h("p", { class: "empty" }, "None."));
    const rows = d3.sort(given, (a, b) => b.value - a.value || d3.ascending(a.name, b.name));
    const shown = rows.slice(0, limit);
    const height = 25;
    const draw = (figure, width) => {
      const labels = Math.min(width * 0.46, 8 + d3.max(shown, (row) => Math.min(34, packetpig.plain(row.name, 34).length)) * (mono ? 7.4 : 7.9));
      const x = d3.scaleLinear([0, d3.max(shown, (row) => row.value) || 1], [0, width - labels - 70]);
      const picture = svg("svg", { width, height: shown.length * height, role: "group", "aria-label": label });
      shown.forEach((row, at) => {
        const text = packetpig.plain(row.name, Math.max(4, Math.floor((labels - 8) / (mono ? 7.3 : 7.8))));
        const group = svg("g", { transform: `translate(0,${at * height})` },
          svg("title", {}, `${packetpig.plain(row.name, 300)}: ${format(row.value)}${row.note ? `, ${row.note}` : ""}`),
          svg("text", { x: labels - 8, y: 16, "text-anchor": "end", class: mono ? "label mono" : "label" }, text),
          svg("rect", { x: labels, y: 5, width: Math.max(1.5, x(row.value)), height: 15, rx: 2, class: row.className ?? "f0" }),
          svg("text", { x: labels + Math.max(1.5, x(row.value)) + 6, y: 16.5 }, format(row.value)));
        picture.append(row.href ? svg("a", { href: row.href }, group) : group);
      });
      figure.append(picture);
    };
    packetpig.figure(parent, label, draw, [["name", (row) => row.name], ["value", (row) => row.value]], rows);
  };

  // Columns of a histogram, in the order given. rows: {name, value, title, className}.
  packetpig.columns = (parent, rows, { label, format = packetpig.number, height = 220, ticks = null, log = false }) => {
    if (!rows.length) return void parent.append(h("p", { class: "empty" }, "None."));
    const margin = { top: 8, right: 6, bottom: 26, left: 56 };
    const draw = (figure, width) => {
      const x = d3.scaleBand(d3.range(rows.length), [margin.left, width - margin.right]).paddingInner(rows.length > 100 ? 0 : 0.12);
      const most = d3.max(rows, (row) => row.value) || 1;
      const y = log ? d3.scaleSymlog([0, most], [height - margin.bottom, margin.top]) : d3.scaleLinear([0, most], [height - margin.bottom, margin.top]).nice(4);
      const picture = svg("svg", { width, height, role: "img", "aria-label": label });
      const powers = log ? [0, ...d3.range(0, Math.ceil(Math.log10(most + 1))).map((power) => 10 ** power)].filter((_, at, all) => all.length < 7 || at % 2) : null;
      const axis = d3.axisLeft(y).tickFormat(format).tickSize(-(width - margin.left - margin.right));
      d3.select(picture).append("g").attr("class", "axis").attr("transform", `translate(${margin.left},0)`).call(log ? axis.tickValues(powers) : axis.ticks(4));
      const room = Math.max(1, Math.ceil(rows.length / Math.max(1, (width - margin.left) / 62)));
      rows.forEach((row, at) => {
        if (row.value) picture.append(svg("rect", { x: x(at), width: Math.max(0.8, x.bandwidth()), y: y(row.value), height: Math.max(0.8, y(0) - y(row.value)), class: row.className ?? "f0" }, svg("title", {}, `${row.title ?? row.name}: ${format(row.value)}`)));
        if (ticks ? ticks.includes(at) : at % room === 0) picture.append(svg("text", { x: x(at) + x.bandwidth() / 2, y: height - 8, "text-anchor": "middle" }, row.name));
      });
      figure.append(picture);
    };
    packetpig.figure(parent, label, draw, [["from", (row) => row.title ?? row.name], ["value", (row) => row.value]], rows);
  };

  // Classes for the largest of some names; the others are one, "other". Gives [classes, name → series].
  packetpig.palette = (rows, limit = 7) => {
    const totals = d3.rollups(rows, (group) => d3.sum(group, (row) => row.value), (row) => row.series).sort((a, b) => b[1] - a[1] || d3.ascending(a[0], b[0]));
    const kept = totals.slice(0, totals.length > limit + 1 ? limit : limit + 1).map(([name]) => name);
    const classes = Object.fromEntries(kept.map((name, at) => [name, `f${Math.min(at, 7)}`]));
    if (kept.length < totals.length) classes.other = "f7";
    return [classes, (name) => (Object.hasOwn(classes, name) ? name : "other")];
  };
}
