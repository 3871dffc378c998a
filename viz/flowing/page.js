"use strict";
(() => {
  const at = (id) => document.getElementById(id);
  const data = JSON.parse(at("data").textContent);
  const slider = at("step");
  const hidden = new Set();
  const [height, left, bottom, top] = [240, 64, 26, 8];
  let width = 760;
  const last = data.steps.length - 1;
  const draw = [];

  function element(name, attributes, parent, text) {
    const made = document.createElementNS("http://www.w3.org/2000/svg", name);
    for (const [key, value] of Object.entries(attributes)) made.setAttribute(key, value);
    if (text !== undefined) made.textContent = text;
    parent.append(made);
    return made;
  }

  const colour = (place, count) =>
    `hsl(${Math.round(265 - 225 * (count > 1 ? place / (count - 1) : 0))} 70% 52%)`;

  function short(value) {
    if (value === null || value === undefined) return "\u2013";
    if (typeof value === "string") return value;
    const size = Math.abs(value);
    if (value === 0) return "0";
    return size >= 1e5 || size < 1e-3 ? value.toExponential(1) : String(Number(value.toPrecision(3)));
  }

  const x = (place) => left + (last ? place / last : 0.5) * (width - left - 8);

  function scale(panel, logarithmic) {
    const shown = panel.curves.filter((_, place) => !hidden.has(panel.names[place])).flat();
    const all = [...shown.filter((value) => typeof value === "number"), ...(panel.log ? [] : [0, 1])];
    const usable = all.filter((value) => !logarithmic || value > 0);
    if (!usable.length) return null;
    let low = Math.min(...usable);
    let high = Math.max(...usable);
    const change = logarithmic ? Math.log10 : (value) => value;
    [low, high] = [change(low), change(high)];
    if (!logarithmic) low = Math.min(low, 0);
    if (!last && logarithmic) low -= 0.3;
    if (high - low < 1e-12) [low, high] = [low - 0.5, high + 0.5];
    const y = (value) => height - bottom - ((change(value) - low) / (high - low)) * (height - bottom - top);
    const ticks = [];
    if (logarithmic) {
      const every = Math.max(1, Math.ceil((high - low) / 6));
      for (let power = Math.ceil(low); power <= high; power += every) ticks.push(10 ** power);
      if (ticks.length < 2) ticks.splice(0, ticks.length, 10 ** low, 10 ** high);
    } else {
      for (let part = 0; part <= 4; part++) ticks.push(low + ((high - low) * part) / 4);
    }
    return { y, ticks, low: logarithmic ? 10 ** low : low, high: logarithmic ? 10 ** high : high };
  }

  function curve(values, y, logarithmic) {
    let path = "";
    let pen = false;
    values.forEach((value, place) => {
      const drawn = typeof value === "number" && (!logarithmic || value > 0);
      if (drawn) path += `${pen ? "L" : "M"}${x(place).toFixed(1)} ${y(value).toFixed(1)}`;
      pen = drawn;
    });
    return path;
  }

  function panelOf(panel) {
    const section = document.createElement("section");
    const heading = document.createElement("h2");
    heading.textContent = panel.title;
    section.append(heading);
    const svg = element("svg", { role: "img" }, section);
    svg.setAttribute("aria-label", `${panel.title} by step, a curve for each of ${panel.names.length}`);
    const list = document.createElement("ul");
    list.className = "legend";
    const values = panel.names.map((name, place) => {
      const item = document.createElement("li");
      const button = document.createElement("button");
      const swatch = document.createElement("i");
      const number = document.createElement("b");
      const label = document.createElement("span");
      swatch.style.background = colour(place, panel.names.length);
      label.textContent = name;
      button.setAttribute("aria-pressed", "true");
      button.title = "Show or hide this curve";
      button.append(swatch, label, number);
      button.addEventListener("click", () => {
        if (!hidden.delete(name)) hidden.add(name);
        paint();
      });
      item.append(button);
      list.append(item);
      return { button, number };
    });
    section.append(list);
    at("panels").append(section);

    // At one moment only there is no curve: a bar for every layer.
    function bar(value, place, scaled, fill, logarithmic) {
      if (typeof value !== "number" || (logarithmic && value <= 0)) return;
      const room = (width - left - 8) / panel.names.length;
      const y = Math.min(scaled.y(value), height - bottom - 2);
      element(
        "rect",
        { x: left + (place + 0.15) * room, y, width: 0.7 * room, height: height - bottom - y, fill },
        svg,
      );
    }

    function repaint() {
      const logarithmic = panel.log && at("log").checked;
      const here = Number(slider.value);
      svg.replaceChildren();
      svg.setAttribute("viewBox", `0 0 ${width} ${height}`);
      const scaled = scale(panel, logarithmic);
      if (scaled) {
        for (const tick of scaled.ticks) {
          const y = scaled.y(tick);
          element("line", { class: "grid", x1: left, x2: width - 8, y1: y, y2: y }, svg);
          element("text", { x: left - 6, y: y + 4, "text-anchor": "end" }, svg, short(tick));
        }
        for (const limit of panel.lines) {
          if (limit < scaled.low || limit > scaled.high) continue;
          const y = scaled.y(limit);
          element("line", { class: "limit", x1: left, x2: width - 8, y1: y, y2: y }, svg);
        }
        panel.curves.forEach((numbers, place) => {
          if (hidden.has(panel.names[place])) return;
          const stroke = colour(place, panel.names.length);
          if (!last) {
            bar(numbers[0], place, scaled, stroke, logarithmic);
            return;
          }
          element("path", { class: "curve", stroke, d: curve(numbers, scaled.y, logarithmic) }, svg);
          const value = numbers[here];
          if (typeof value === "number" && (!logarithmic || value > 0)) {
            element("circle", { cx: x(here), cy: scaled.y(value), r: 4, fill: stroke }, svg);
          }
        });
      }
      for (const mark of data.marks) {
        let place = data.steps.findIndex((step) => step > mark) - 1;
        if (place < 0) place = last;
        element("line", { class: "mark", x1: x(place), x2: x(place), y1: top, y2: height - bottom }, svg);
      }
      const base = height - bottom;
      element("line", { class: "axis", x1: left, x2: width - 8, y1: base, y2: base }, svg);
      if (last) element("line", { class: "cursor", x1: x(here), x2: x(here), y1: top, y2: base }, svg);
      for (const place of last ? new Set([0, Math.round(last / 2), last]) : []) {
        element("text", { x: x(place), y: height - 8, "text-anchor": "middle" }, svg, data.steps[place]);
      }
      values.forEach(({ button, number }, place) => {
        number.textContent = short(panel.curves[place][here]);
        button.setAttribute("aria-pressed", String(!hidden.has(panel.names[place])));
      });
    }

    svg.addEventListener("pointermove", (event) => {
      if (!last) return;
      const box = svg.getBoundingClientRect();
      const along = ((event.clientX - box.left) / box.width) * width;
      const place = Math.round(((along - left) / (width - left - 8)) * last);
      slider.value = Math.max(0, Math.min(last, place));
      paint();
    });
    return repaint;
  }

  function paint() {
    at("at").textContent = `step ${data.steps[Number(slider.value)]}`;
    slider.setAttribute("aria-valuetext", at("at").textContent);
    width = Math.max(300, Math.min(760, at("panels").clientWidth));
    for (const repaint of draw) repaint();
  }

  for (const panel of data.panels) draw.push(panelOf(panel));
  slider.addEventListener("input", paint);
  at("log").addEventListener("change", paint);
  window.addEventListener("resize", paint);
  if (!last) at("choose").querySelector("label").hidden = at("at").hidden = true;
  paint();
})();
