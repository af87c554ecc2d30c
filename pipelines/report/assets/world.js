// The world as a map and as a globe. Countries are matched by their ISO codes; each that counts has a dot, so that the
// smallest is seen as well as the largest.
"use strict";

{
  const { h, svg } = packetpig;

  // Codes without a shape of their own in the atlas (most are drawn as part of another country): longitude, latitude.
  const POINTS = {
    BQ: [-68.3, 12.2], BV: [3.4, -54.4], CC: [96.8, -12.2], CX: [105.6, -10.5], GF: [-53.1, 3.9], GI: [-5.35, 36.1],
    GP: [-61.6, 16.2], MQ: [-61.0, 14.7], RE: [55.5, -21.1], SJ: [15.6, 78.2], TK: [-171.8, -9.2], TV: [179.2, -8.5],
    UM: [166.6, 19.3], YT: [45.2, -12.8],
  };
  const NAMED = { Kosovo: "XK" }; // the atlas gives it no number

  const shapes = async (name) => {
    const [topology, codes] = await Promise.all([packetpig.part(`world/${name}`), packetpig.part("world/codes")]);
    const features = topojson.feature(topology, topology.objects.countries).features;
    for (const feature of features) feature.code = codes[feature.id] ?? NAMED[feature.properties.name] ?? null;
    return features;
  };

  // Where a country's dot is: amid its largest piece, so that France's is not in the Atlantic.
  const middle = (features) => {
    const best = features.flatMap((feature) => (feature.geometry.type === "MultiPolygon"
      ? feature.geometry.coordinates.map((coordinates) => ({ type: "Polygon", coordinates })) : [feature.geometry]));
    return d3.geoCentroid(d3.greatest(best, (piece) => d3.geoArea(piece)));
  };

  // rows: {country, value, severity}. click(country) when one is chosen.
  packetpig.world = async (parent, rows, { label, format = packetpig.number, unit = "", click }) => {
    const features = await shapes("countries-50m");
    const coarse = await shapes("countries-110m");
    const byCode = d3.group(features.filter((feature) => feature.code), (feature) => feature.code);
    const known = new Map(rows.filter((row) => /^[A-Z]{2}$/.test(row.country ?? "")).map((row) => [row.country, row]));
    const places = new Map();
    for (const code of known.keys()) {
      const point = POINTS[code] ?? (byCode.has(code) ? middle(byCode.get(code)) : null);
      if (point) places.set(code, point);
    }
    const unplaced = rows.filter((row) => !places.has(row.country));
    const largest = d3.max(rows, (row) => row.value) || 1;
    const radius = d3.scaleSqrt([0, largest], [3.5, 26]);
    const words = (row) => `${packetpig.country(row.country)}: ${format(row.value)}${unit}, worst ${packetpig.SEVERITIES[row.severity] ?? "unknown"}`;
    const level = (row) => `p${Math.max(1, Math.min(4, row.severity ?? 4))}`;
    const order = [...places.keys()].sort((a, b) => known.get(b).value - known.get(a).value);

    let globe = false;
    const turn = [-15, -20];
    const picture = h("div");
    const choose = (to) => { globe = to; buttons.forEach((button, at) => button.setAttribute("aria-pressed", String(globe === Boolean(at)))); redraw(); };
    const buttons = ["Map", "Globe"].map((name, at) => h("button", { type: "button", "aria-pressed": String(!at), onclick: () => choose(Boolean(at)) }, name));
    const legend = h("div");
    packetpig.legend(legend, [1, 2, 3, 4].map((severity) => [packetpig.SEVERITIES[severity], `p${severity}`]));
    parent.append(h("div", { class: "bar" }, h("div", { class: "group", role: "group", "aria-label": "Shape of the world" }, buttons), legend), picture);
    if (unplaced.length) parent.append(h("p", { class: "note" }, `Not on the map: ${unplaced.map((row) => `${packetpig.country(row.country)} (${format(row.value)}${unit})`).join(", ")}.`));

    const flat = (figure, width) => {
      const projection = d3.geoNaturalEarth1().fitWidth(width, { type: "Sphere" });
      const path = d3.geoPath(projection);
      const height = Math.ceil(path.bounds({ type: "Sphere" })[1][1]);
      const box = packetpig.tip(figure);
      const root = svg("svg", { width, height, role: "group", "aria-label": label });
      root.append(svg("path", { class: "sea", d: path({ type: "Sphere" }) }), svg("path", { class: "graticule", d: path(d3.geoGraticule10()) }));
      for (const feature of features) {
        const row = known.get(feature.code);
        const shape = svg("path", { class: row ? "country hit" : "country", d: path(feature) });
        if (row) {
          shape.style.fill = `color-mix(in oklab, var(--s${Math.max(1, Math.min(4, row.severity ?? 4))}) ${Math.round(25 + 45 * Math.log1p(row.value) / Math.log1p(largest))}%, var(--land))`;
          shape.addEventListener("pointermove", (event) => box.show(...d3.pointer(event, figure), h("b", {}, packetpig.country(row.country)), h("div", {}, `${format(row.value)}${unit}`), packetpig.severity(row.severity ?? 4)));
          shape.addEventListener("pointerleave", box.hide);
          shape.addEventListener("click", () => click(row.country));
        } else if (feature.code) shape.append(svg("title", {}, packetpig.country(feature.code)));
        root.append(shape);
      }
      for (const code of order) {
        const row = known.get(code), [x, y] = projection(places.get(code));
        const dot = svg("circle", { class: `dot hit ${level(row)}`, cx: x, cy: y, r: radius(row.value) * Math.min(1, width / 900), tabindex: 0, role: "link", "aria-label": words(row), "fill-opacity": 0.8 }, svg("title", {}, words(row)));
        dot.dataset.country = code;
        dot.addEventListener("click", () => click(code));
        dot.addEventListener("keydown", (event) => { if (event.key === "Enter") click(code); });
        root.append(dot);
      }
      figure.append(root);
    };

    const round = (figure, width) => {
      const size = Math.min(width, 620);
      const scale = devicePixelRatio || 1;
      const canvas = h("canvas", { width: Math.round(size * scale), height: Math.round(size * scale), class: "drag", tabindex: 0, role: "img", "aria-label": `${label}, as a globe; arrow keys turn it. ${order.slice(0, 10).map((code) => words(known.get(code))).join("; ")}` });
      canvas.style.width = canvas.style.height = `${size}px`;
      canvas.style.margin = "0 auto";
      const context = canvas.getContext("2d");
      context.scale(scale, scale);
      const projection = d3.geoOrthographic().fitExtent([[34, 34], [size - 34, size - 34]], { type: "Sphere" });
      const path = d3.geoPath(projection, context);
      const colour = (name) => getComputedStyle(document.documentElement).getPropertyValue(name).trim();
      const box = packetpig.tip(figure);
      let spikes = [];
      const paint = () => {
        projection.rotate(turn);
        context.clearRect(0, 0, size, size);
        const fill = (what, style) => { context.beginPath(); path(what); context.fillStyle = style; context.fill(); };
        fill({ type: "Sphere" }, colour("--sea"));
        context.beginPath(); path(d3.geoGraticule10()); context.strokeStyle = colour("--line"); context.lineWidth = 0.5; context.stroke();
        for (const feature of coarse) {
          const row = known.get(feature.code);
          fill(feature, colour("--land"));
          if (row) { context.globalAlpha = 0.45; fill(feature, colour(`--s${Math.max(1, Math.min(4, row.severity ?? 4))}`)); context.globalAlpha = 1; }
          context.strokeStyle = colour("--border"); context.lineWidth = 0.6; context.stroke();
        }
        // a spike's height is the count, its colour the severity
        const centre = projection.translate();
        spikes = [];
        for (const code of order) {
          const row = known.get(code);
          const [longitude, latitude] = places.get(code);
          if (d3.geoDistance([longitude, latitude], [-turn[0], -turn[1]]) > Math.PI / 2) continue;
          const [x, y] = projection([longitude, latitude]);
          const grow = 1 + 0.34 * Math.sqrt(row.value / largest) + 0.02;
          const tipX = centre[0] + (x - centre[0]) * grow, tipY = centre[1] + (y - centre[1]) * grow;
          const inside = Math.hypot(x - centre[0], y - centre[1]) < 8;
          context.strokeStyle = context.fillStyle = colour(`--s${Math.max(1, Math.min(4, row.severity ?? 4))}`);
          context.lineWidth = 3; context.lineCap = "round";
          context.beginPath(); context.moveTo(x, y); context.lineTo(tipX, tipY); context.stroke();
          context.beginPath(); context.arc(tipX, tipY, inside ? radius(row.value) / 2 : 4, 0, 7); context.fill();
          spikes.push([tipX, tipY, row]);
        }
      };
      let held = null;
      canvas.addEventListener("pointerdown", (event) => { held = [event.clientX, event.clientY, ...turn]; canvas.setPointerCapture(event.pointerId); });
      canvas.addEventListener("pointerup", () => { held = null; });
      canvas.addEventListener("pointermove", (event) => {
        if (held) {
          turn[0] = held[2] + (event.clientX - held[0]) * 0.3;
          turn[1] = Math.max(-80, Math.min(80, held[3] - (event.clientY - held[1]) * 0.3));
          requestAnimationFrame(paint);
          return;
        }
        const [x, y] = d3.pointer(event, canvas);
        const near = d3.least(spikes.filter(([a, b]) => Math.hypot(a - x, b - y) < 14), ([a, b]) => Math.hypot(a - x, b - y));
        if (near) box.show(...d3.pointer(event, figure), h("b", {}, packetpig.country(near[2].country)), h("div", {}, `${format(near[2].value)}${unit}`), packetpig.severity(near[2].severity ?? 4));
        else box.hide();
      });
      canvas.addEventListener("keydown", (event) => {
        const step = { ArrowLeft: [-8, 0], ArrowRight: [8, 0], ArrowUp: [0, -8], ArrowDown: [0, 8] }[event.key];
        if (!step) return;
        event.preventDefault();
        turn[0] += step[0];
        turn[1] = Math.max(-80, Math.min(80, turn[1] + step[1]));
        paint();
      });
      document.addEventListener("theme", paint);
      figure.append(canvas);
      paint();
    };

    const redraw = () => {
      picture.replaceChildren();
      const figure = packetpig.figure(picture, label, (element, width) => {
        element.querySelectorAll("canvas").forEach((old) => old.remove());
        (globe ? round : flat)(element, width);
      });
      return figure;
    };
    redraw();
    return { places, unplaced };
  };
}
