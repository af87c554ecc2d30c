// Runs of three bytes as points in a cube: one axis a byte. Text, compressed data and machine code look different.
"use strict";

{
  const { h } = packetpig;

  packetpig.bytesOf = (gram, n) => Array.from({ length: n }, (_, at) => Math.floor(gram / 256 ** (n - 1 - at)) % 256);
  packetpig.byteName = (byte) => (byte > 0x20 && byte < 0x7f ? String.fromCharCode(byte) : byte === 0x20 ? "␣" : "·");
  const hex = (bytes) => bytes.map((byte) => byte.toString(16).padStart(2, "0")).join(" ");
  packetpig.gramName = (gram, n) => { const bytes = packetpig.bytesOf(gram, n); return `${bytes.map(packetpig.byteName).join("")}  ${hex(bytes)}`; };

  // rows: {gram, count}
  packetpig.cube = (parent, rows, { label }) => {
    if (!rows.length) return void parent.append(h("p", { class: "empty" }, "None."));
    const points = rows.map((row) => ({ bytes: packetpig.bytesOf(row.gram, 3), count: row.count }));
    const most = Math.log1p(d3.max(points, (point) => point.count));
    let turn = [-0.62, 0.42];
    let near = 1;
    const draw = (figure, width) => {
      figure.querySelectorAll("canvas").forEach((old) => old.remove());
      const size = Math.min(width, 560), scale = devicePixelRatio || 1;
      const canvas = h("canvas", { width: Math.round(size * scale), height: Math.round(size * scale), class: "drag", tabindex: 0, role: "img", "aria-label": `${label}; arrow keys turn it, + and − come nearer and go back` });
      canvas.style.width = canvas.style.height = `${size}px`;
      canvas.style.margin = "0 auto";
      const context = canvas.getContext("2d");
      const colour = (name) => getComputedStyle(document.documentElement).getPropertyValue(name).trim();
      const box = packetpig.tip(figure);
      const place = (x, y, z) => { // of the middle, before us
        const [a, b] = turn;
        const x1 = x * Math.cos(a) + z * Math.sin(a), z1 = -x * Math.sin(a) + z * Math.cos(a);
        const y1 = y * Math.cos(b) - z1 * Math.sin(b), z2 = y * Math.sin(b) + z1 * Math.cos(b);
        const depth = near * size * 0.86 / (3.4 + z2);
        return [size / 2 + x1 * depth, size / 2 - y1 * depth, z2];
      };
      let drawn = [];
      const paint = () => {
        context.setTransform(scale, 0, 0, scale, 0, 0);
        context.clearRect(0, 0, size, size);
        context.strokeStyle = colour("--strong-line"); context.lineWidth = 0.7; context.globalAlpha = 0.6;
        const corners = [-1, 1].flatMap((x) => [-1, 1].flatMap((y) => [-1, 1].map((z) => [x, y, z])));
        for (const one of corners) for (const two of corners) {
          if (one < two && d3.sum(one, (value, at) => value !== two[at]) === 1) {
            context.beginPath(); context.moveTo(...place(...one).slice(0, 2)); context.lineTo(...place(...two).slice(0, 2)); context.stroke();
          }
        }
        const shade = d3.scaleLinear([0, 0.5, 1], [colour("--c0"), colour("--c1"), colour("--s1")]).interpolate(d3.interpolateLab);
        const shades = d3.range(33).map((at) => shade(at / 32));
        drawn = points.map((point) => [...place(...point.bytes.map((byte) => byte / 127.5 - 1)), point]).sort((a, b) => b[2] - a[2]);
        for (const [x, y, depth, point] of drawn) {
          const strength = Math.log1p(point.count) / most;
          context.globalAlpha = 0.35 + 0.6 * strength;
          context.fillStyle = shades[Math.round(strength * 32)];
          const side = (1.1 + 3.2 * strength) * near * (2.2 / (2.4 + depth * 0.5));
          context.fillRect(x - side / 2, y - side / 2, side, side);
        }
        context.globalAlpha = 1; context.fillStyle = colour("--quiet"); context.font = `12px ${getComputedStyle(document.body).fontFamily}`; context.textAlign = "center";
        [["first byte", [0, -1.14, -1]], ["second byte", [-1.14, 0, -1]], ["third byte", [1.14, -1.14, 0]], ["00", [-1.09, -1.09, -1.05]]].forEach(([text, at]) => context.fillText(text, ...place(...at).slice(0, 2)));
      };
      let held = null;
      canvas.addEventListener("pointerdown", (event) => { held = [event.clientX, event.clientY, ...turn]; canvas.setPointerCapture(event.pointerId); });
      canvas.addEventListener("pointerup", () => { held = null; });
      canvas.addEventListener("pointermove", (event) => {
        if (held) {
          turn = [held[2] - (event.clientX - held[0]) * 0.008, Math.max(-1.5, Math.min(1.5, held[3] + (event.clientY - held[1]) * 0.008))];
          requestAnimationFrame(paint);
          return;
        }
        const [x, y] = d3.pointer(event, canvas);
        const found = d3.least(drawn.filter(([a, b]) => Math.hypot(a - x, b - y) < 6), ([a, b, depth]) => Math.hypot(a - x, b - y) + depth);
        if (found) box.show(...d3.pointer(event, figure), h("b", { class: "mono" }, packetpig.gramName(found[3].bytes.reduce((sum, byte) => sum * 256 + byte, 0), 3)), h("div", {}, `${packetpig.number(found[3].count)} times`));
        else box.hide();
      });
      canvas.addEventListener("pointerleave", box.hide);
      canvas.addEventListener("keydown", (event) => {
        const step = { ArrowLeft: [0.12, 0], ArrowRight: [-0.12, 0], ArrowUp: [0, 0.12], ArrowDown: [0, -0.12] }[event.key];
        if (event.key === "+" || event.key === "-") near = Math.max(0.6, Math.min(4, near * (event.key === "+" ? 1.15 : 1 / 1.15)));
        else if (!step) return;
        event.preventDefault();
        if (step) turn = [turn[0] + step[0], Math.max(-1.5, Math.min(1.5, turn[1] + step[1]))];
        paint();
      });
      document.addEventListener("theme", paint);
      figure.append(canvas);
      paint();
    };
    packetpig.figure(parent, label, draw);
  };
}
