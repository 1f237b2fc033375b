"use strict";
// The moving figures of the page. No library, no network: data stand beside each figure as JSON.
(() => {
  const SVG = "http://www.w3.org/2000/svg";
  const COLOURS = ["#3f90da", "#e76300", "#94a4a2", "#832db6", "#a96b59", "#b9ac70"].map((c, i) => `var(--c${i}, ${c})`);
  const BOX = { left: 62, top: 12, right: 388, bottom: 338, width: 400, height: 388 };

  function make(tag, attributes = {}, ...children) {
    const svg = ["svg", "g", "circle", "path", "line", "text", "image", "rect", "title"].includes(tag);
    const node = svg ? document.createElementNS(SVG, tag) : document.createElement(tag);
    for (const [name, value] of Object.entries(attributes)) node.setAttribute(name, value);
    node.append(...children);
    return node;
  }

  function canvas(label) {
    return make("svg", { viewBox: `0 0 ${BOX.width} ${BOX.height}`, role: "img", "aria-label": label });
  }

  const short = (value) => (value === null ? "none" : Number(value.toPrecision(4)).toString().replace("-", "−"));

  function ticks(low, high) {
    const rough = (high - low) / 5, power = 10 ** Math.floor(Math.log10(rough));
    const step = power * [1, 2, 5, 10].find((m) => m * power >= rough);
    const found = [];
    for (let i = Math.ceil(low / step); i * step <= high + step * 1e-9; i++) found.push(Number((i * step).toPrecision(10)));
    return found;
  }

  // A frame with ticks and labels; returns the group and the two scales.
  function frame(x, y) {
    const group = make("g");
    const sx = (v) => BOX.left + ((v - x.low) / (x.high - x.low)) * (BOX.right - BOX.left);
    const sy = (v) => BOX.bottom - ((v - y.low) / (y.high - y.low)) * (BOX.bottom - BOX.top);
    group.append(make("rect", { class: "frame", x: BOX.left, y: BOX.top, width: BOX.right - BOX.left, height: BOX.bottom - BOX.top }));
    for (const v of ticks(x.low, x.high)) {
      group.append(make("line", { class: "tick", x1: sx(v), x2: sx(v), y1: BOX.bottom, y2: BOX.bottom - 5 }));
      group.append(make("text", { x: sx(v), y: BOX.bottom + 15, "text-anchor": "middle" }, short(v)));
    }
    for (const v of ticks(y.low, y.high)) {
      group.append(make("line", { class: "tick", x1: BOX.left, x2: BOX.left + 5, y1: sy(v), y2: sy(v) }));
      group.append(make("text", { x: BOX.left - 6, y: sy(v) + 4, "text-anchor": "end" }, short(v)));
    }
    const middle = (BOX.top + BOX.bottom) / 2;
    group.append(make("text", { x: (BOX.left + BOX.right) / 2, y: BOX.bottom + 36, "text-anchor": "middle" }, x.label));
    group.append(make("text", { x: 14, y: middle, "text-anchor": "middle", transform: `rotate(-90 14 ${middle})` }, y.label));
    return { group, sx, sy };
  }

  function choice(label, names, chosen, change) {
    const select = make("select");
    names.forEach((name, i) => select.append(make("option", { value: i }, name)));
    select.value = chosen;
    select.addEventListener("change", () => change(Number(select.value)));
    return { select, label: make("label", {}, `${label} `, select) };
  }

  function slider(root, data) {
    const svg = canvas("Decoded jet");
    const [eta, phi] = data.extent;
    const axes = frame({ low: -eta, high: eta, label: "Δη" }, { low: -phi, high: phi, label: "Δφ [rad]" });
    const jet = make("g");
    svg.append(jet, axes.group);
    const range = make("input", { type: "range", min: 0, step: 1 });
    const output = make("output");
    let path = data.paths[0];
    function draw() {
      const i = Number(range.value), where = `${path.name} = ${path.steps[i]}`.replace("-", "−");
      output.textContent = where;
      range.setAttribute("aria-valuetext", where);
      svg.setAttribute("aria-label", `Decoded jet at ${where}`);
      if (path.images) jet.replaceChildren(make("image", { href: path.images[i], preserveAspectRatio: "none", x: BOX.left, y: BOX.top, width: BOX.right - BOX.left, height: BOX.bottom - BOX.top }));
      else jet.replaceChildren(...path.clouds[i].map(([w, x, y]) => make("circle", { cx: axes.sx(x), cy: axes.sy(y), r: 36 * Math.sqrt(Math.max(w, 0)), fill: COLOURS[0], "fill-opacity": 0.6 })));
    }
    function follow(i) {
      path = data.paths[i];
      range.max = path.steps.length - 1;
      range.value = path.start;
      draw();
    }
    const latent = choice("Latent", data.paths.map((p) => p.name), 0, follow);
    range.addEventListener("input", draw);
    const moved = make("label", {}, "Value ", range);
    root.append(make("div", { class: "controls" }, latent.label, moved, output), svg, make("small", {}, data.unit));
    follow(0);
  }

  function limits(values) {
    const finite = values.filter((v) => v !== null);
    let low = Math.min(...finite), high = Math.max(...finite);
    if (!(high > low)) [low, high] = [low - 0.5, low + 0.5];
    const margin = 0.04 * (high - low);
    return { low: low - margin, high: high + margin };
  }

  function map(root, data) {
    const svg = canvas("Map of jets");
    svg.setAttribute("tabindex", 0);
    const points = make("g"), back = make("g"), ring = make("circle", { class: "picked", r: 6, visibility: "hidden" });
    svg.append(back, points, ring);
    const readout = make("div", { class: "readout", "aria-live": "polite" }, "Point at a jet, or focus the map and use the arrow keys.");
    const shown = data.classes.map(() => true);
    const named = (c) => (c.unit ? `${c.name} [${c.unit}]` : c.name);
    let places = [], picked = -1, view = { x: data.start[0], y: data.start[1], triangle: false };

    function place() {
      if (view.triangle) {
        const side = BOX.right - BOX.left, tall = (side * Math.sqrt(3)) / 2, base = BOX.bottom - 8;
        const corners = [[BOX.left, base], [BOX.right, base], [(BOX.left + BOX.right) / 2, base - tall]];
        back.replaceChildren(make("path", { class: "frame", d: `M${corners.join("L")}Z` }));
        data.triangle.forEach((c, k) => back.append(make("text", { x: corners[k][0] + [14, -14, 0][k], y: corners[k][1] + (k < 2 ? 18 : -7), "text-anchor": "middle" }, data.columns[c].name)));
        const weight = data.triangle.map((c) => data.columns[c].values);
        places = data.label.map((_, j) => [0, 1].map((axis) => weight.reduce((sum, w, k) => sum + w[j] * corners[k][axis], 0)));
      } else {
        const [x, y] = [data.columns[view.x], data.columns[view.y]];
        const axes = frame({ ...limits(x.values), label: named(x) }, { ...limits(y.values), label: named(y) });
        back.replaceChildren(axes.group);
        places = x.values.map((v, j) => (v === null || y.values[j] === null ? null : [axes.sx(v), axes.sy(y.values[j])]));
      }
      draw();
    }
    const visible = (j) => shown[data.label[j]] && places[j] !== null;
    function draw() {
      points.replaceChildren();
      data.label.forEach((label, j) => {
        if (visible(j)) points.append(make("circle", { cx: places[j][0].toFixed(1), cy: places[j][1].toFixed(1), r: 2.4, fill: COLOURS[data.colours[label]], "fill-opacity": 0.6, "data-jet": data.jet[j] }));
      });
      pick(picked >= 0 && visible(picked) ? picked : -1);
    }
    function pick(j) {
      picked = j;
      ring.setAttribute("visibility", j < 0 ? "hidden" : "visible");
      if (j < 0) return;
      ring.setAttribute("cx", places[j][0]);
      ring.setAttribute("cy", places[j][1]);
      const list = make("dl", {}, make("dt", {}, "jet"), make("dd", {}, `${data.jet[j]}, ${data.classes[data.label[j]]}`));
      for (const c of data.columns) {
        if (c.values[j] !== null) list.append(make("dt", {}, c.name), make("dd", {}, `${short(c.values[j])} ${c.unit}`));
      }
      readout.replaceChildren(list);
    }
    svg.addEventListener("pointermove", (event) => {
      const box = svg.getBoundingClientRect(), scale = BOX.width / box.width;
      const at = [(event.clientX - box.left) * scale, (event.clientY - box.top) * scale];
      let best = -1, nearest = 12 ** 2;
      places.forEach((p, j) => {
        if (!visible(j)) return;
        const distance = (p[0] - at[0]) ** 2 + (p[1] - at[1]) ** 2;
        if (distance < nearest) [best, nearest] = [j, distance];
      });
      if (best >= 0) pick(best);
    });
    svg.addEventListener("keydown", (event) => {
      const axis = { ArrowLeft: [0, -1], ArrowRight: [0, 1], ArrowUp: [1, -1], ArrowDown: [1, 1] }[event.key];
      if (!axis) return;
      event.preventDefault();
      const order = data.label.map((_, j) => j).filter(visible).sort((a, b) => places[a][axis[0]] - places[b][axis[0]]);
      if (!order.length) return;
      const from = order.indexOf(picked);
      pick(order[from < 0 ? 0 : Math.min(Math.max(from + axis[1], 0), order.length - 1)]);
    });

    const columns = data.columns.map(named), flat = data.columns.length > 1;
    const x = choice("Across", columns, view.x, (i) => { view.x = i; view.triangle = false; place(); });
    const y = choice("Up", columns, view.y, (i) => { view.y = i; view.triangle = false; place(); });
    const controls = make("div", { class: "controls" });
    if (data.triangle.length === 3) {
      const kind = choice("Show", ["two axes", "Gibbs triangle"], 0, (i) => { view.triangle = i === 1; place(); });
      controls.append(kind.label);
      for (const axis of [x, y]) axis.select.addEventListener("change", () => { kind.select.value = 0; });
    }
    if (flat) controls.append(x.label, y.label);
    const toggles = make("fieldset", {}, make("legend", {}, "Classes"));
    data.classes.forEach((name, i) => {
      const box = make("input", { type: "checkbox", checked: "" });
      box.addEventListener("change", () => { shown[i] = box.checked; draw(); });
      toggles.append(make("label", {}, box, make("span", { class: "swatch", style: `background: ${COLOURS[data.colours[i]]}` }), name));
    });
    controls.append(toggles);
    root.append(controls, make("div", { class: "beside" }, svg, readout));
    place();
  }

  const KINDS = { slider, map };
  for (const figure of document.querySelectorAll("figure[data-widget]")) {
    const data = JSON.parse(figure.querySelector("script").textContent);
    KINDS[figure.dataset.widget](figure.querySelector(".live"), data);
  }
})();
