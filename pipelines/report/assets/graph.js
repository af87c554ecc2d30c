// A graph of names that pushes itself apart: drag to move, wheel to come nearer, rest on a node to see its neighbours.
"use strict";

{
  const { h } = packetpig;

  // nodes: {id, kind, size, label}; links: {source, target, weight}. kinds: kind → class of its colour.
  packetpig.graph = (parent, nodes, links, { label, kinds, height = 560, click = () => {} }) => {
    packetpig.legend(parent, Object.entries(kinds).map(([name, className]) => [name, className]));
    const draw = (figure, width) => {
      figure.querySelectorAll("canvas").forEach((old) => old.remove());
      const scale = devicePixelRatio || 1;
      const canvas = h("canvas", { width: Math.round(width * scale), height: Math.round(height * scale), class: "drag", role: "img", "aria-label": `${label}: ${nodes.length} nodes; the tables below have the same` });
      canvas.style.width = `${width}px`;
      canvas.style.height = `${height}px`;
      const context = canvas.getContext("2d");
      const colour = (name) => getComputedStyle(document.documentElement).getPropertyValue(name).trim();
      const points = nodes.map((node) => ({ ...node }));
      const lines = links.map((link) => ({ ...link }));
      const largest = d3.max(points, (node) => node.size) || 1;
      const radius = (node) => 3 + 11 * Math.sqrt(node.size / largest);
      const near = new Map(points.map((node) => [node.id, new Set([node.id])]));
      for (const { source, target } of lines) { near.get(source).add(target); near.get(target).add(source); }
      const force = d3.forceSimulation(points).randomSource(d3.randomLcg(7))
        .force("link", d3.forceLink(lines).id((node) => node.id).distance(46).strength(0.35))
        .force("charge", d3.forceManyBody().strength(-90).distanceMax(320))
        .force("x", d3.forceX(0).strength(0.05)).force("y", d3.forceY(0).strength(0.08))
        .force("collide", d3.forceCollide((node) => radius(node) + 3)).stop();
      const patience = performance.now() + 900; // large graphs are drawn before they are at rest
      for (let step = 0; step < 300 && performance.now() < patience; step += 1) force.tick();
      let view = d3.zoomIdentity;
      const fit = () => {
        const [left, right] = d3.extent(points, (node) => node.x), [top, bottom] = d3.extent(points, (node) => node.y);
        const k = Math.min(2, 0.86 * Math.min(width / (right - left + 120), height / (bottom - top + 60)));
        return d3.zoomIdentity.translate(width / 2 - k * (left + right) / 2, height / 2 - k * (top + bottom) / 2).scale(k);
      };
      let over = null;
      const paint = () => {
        context.setTransform(scale, 0, 0, scale, 0, 0);
        context.clearRect(0, 0, width, height);
        context.translate(view.x, view.y);
        context.scale(view.k, view.k);
        const lit = over ? near.get(over.id) : null;
        context.lineWidth = 0.8 / view.k;
        for (const { source, target } of lines) {
          const on = lit && (source === over || target === over);
          context.globalAlpha = lit ? (on ? 0.9 : 0.08) : 0.55;
          context.strokeStyle = on ? colour("--accent") : colour("--strong-line");
          context.beginPath(); context.moveTo(source.x, source.y); context.lineTo(target.x, target.y); context.stroke();
        }
        for (const node of points) {
          context.globalAlpha = lit && !lit.has(node.id) ? 0.15 : 1;
          context.fillStyle = colour(`--${kinds[node.kind].replace("f", "c").replace("p", "s")}`);
          context.beginPath(); context.arc(node.x, node.y, radius(node), 0, 7); context.fill();
          context.lineWidth = 1.5 / view.k; context.strokeStyle = colour("--card"); context.stroke();
        }
        // labels of the largest, as far as they do not lie on one another
        context.font = `${12 / view.k}px ${getComputedStyle(document.body).fontFamily}`;
        context.textBaseline = "middle";
        const taken = [];
        for (const node of [...points].sort((a, b) => (lit ? lit.has(b.id) - lit.has(a.id) : 0) || b.size - a.size)) {
          if (lit && !lit.has(node.id)) break;
          const text = packetpig.plain(node.label, 36), x = node.x + radius(node) + 4 / view.k, y = node.y;
          const area = [x, y - 8 / view.k, x + context.measureText(text).width, y + 8 / view.k];
          if (taken.some((other) => area[0] < other[2] && other[0] < area[2] && area[1] < other[3] && other[1] < area[3])) continue;
          taken.push(area);
          context.globalAlpha = 0.75; context.lineWidth = 3 / view.k; context.strokeStyle = colour("--card"); context.strokeText(text, x, y);
          context.globalAlpha = 1; context.fillStyle = colour("--ink"); context.fillText(text, x, y);
        }
        context.globalAlpha = 1;
      };
      const find = (event) => {
        const [x, y] = view.invert(d3.pointer(event, canvas));
        return d3.least(points.filter((node) => Math.hypot(node.x - x, node.y - y) < radius(node) + 5 / view.k), (node) => Math.hypot(node.x - x, node.y - y)) ?? null;
      };
      const zoom = d3.zoom().scaleExtent([0.1, 12]).filter((event) => !event.button && (event.type !== "wheel" || event.ctrlKey || document.activeElement === canvas || event.shiftKey))
        .on("zoom", (event) => { view = event.transform; paint(); });
      canvas.tabIndex = 0;
      const selection = d3.select(canvas).call(zoom);
      selection.call(zoom.transform, fit());
      canvas.addEventListener("pointermove", (event) => { const now = find(event); if (now !== over) { over = now; paint(); } });
      canvas.addEventListener("pointerleave", () => { over = null; paint(); });
      canvas.addEventListener("click", (event) => { const node = find(event); if (node) click(node); });
      canvas.addEventListener("keydown", (event) => {
        const step = { ArrowLeft: [40, 0], ArrowRight: [-40, 0], ArrowUp: [0, 40], ArrowDown: [0, -40] }[event.key];
        if (step) { event.preventDefault(); selection.call(zoom.translateBy, step[0] / view.k, step[1] / view.k); }
        if (event.key === "+" || event.key === "-") selection.call(zoom.scaleBy, event.key === "+" ? 1.3 : 1 / 1.3);
      });
      document.addEventListener("theme", paint);
      figure.append(canvas);
    };
    packetpig.figure(parent, label, draw);
    parent.append(h("p", { class: "note" }, "Drag to move; click it, then the wheel or + and − come nearer and go back. Click a node for its rows."));
  };
}
