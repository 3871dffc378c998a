"use strict";
(() => {
  const at = (id) => document.getElementById(id);
  const data = JSON.parse(at("data").textContent);
  const { steps, moments } = data;
  const stage = at("stage");
  const svg = stage.querySelector("svg");
  const items = [...document.querySelectorAll("#walk li")];
  const bySlider = at("step");
  const byMoment = at("moment");
  const part = (tag) => document.getElementById(`${data.figure}-${tag}`);
  const parts = [...svg.querySelectorAll("g.box, g.link")];
  const texts = new Map();
  let current = 0;
  let moment = 0;
  let timer = 0;
  // The steps of the quiz that are answered, by number: right, or only shown.
  const answered = new Map();

  // As Python's format does it, so that a number looks the same in the picture and in the words.
  function written(value) {
    if (typeof value !== "number") return value;
    const size = Math.abs(value);
    if (size >= 10 ** data.digits && size < 1e7) return value.toFixed(0);
    const [digits, power] = value.toExponential(data.digits - 1).split("e");
    const exponent = Number(power);
    const trimmed = (text) => (text.includes(".") ? text.replace(/\.?0+$/, "") : text);
    if (value === 0) return "0";
    if (exponent < -4 || exponent >= data.digits) {
      const two = String(Math.abs(exponent)).padStart(2, "0");
      return `${trimmed(digits)}e${exponent < 0 ? "-" : "+"}${two}`;
    }
    return trimmed(value.toFixed(data.digits - 1 - exponent));
  }

  function numbers(step) {
    const first = steps[step].n;
    if (!moments.length) return first;
    const now = moments[moment].n[step];
    return Object.fromEntries(Object.keys(first).map((slot, place) => [slot, now[place]]));
  }

  const hidden = (step) =>
    at("quizzing").checked && asks(step) && !answered.has(step);
  const asks = (step) =>
    steps[step].kind === "passed" && typeof steps[step].n.c === "number";

  function fill(element, step) {
    const now = numbers(step);
    for (const slot of element.querySelectorAll("[data-n]")) {
      slot.textContent = written(now[slot.dataset.n]);
    }
  }

  function paint() {
    const known = new Set();
    const back = new Set();
    for (let step = 0; step <= current; step++) {
      for (const tag of steps[step].values || []) known.add(part(tag));
      if (hidden(step)) continue;
      for (const tag of steps[step].gradients || []) back.add(part(tag));
    }
    const lit = new Set(steps[current].lit.map(part));
    for (const group of parts) {
      group.classList.toggle("known", known.has(group));
      group.classList.toggle("back-known", back.has(group));
      group.classList.toggle("now", lit.has(group));
    }
    stage.classList.toggle("returning", Boolean(steps[current].gradients));
    show(parts.find((group) => lit.has(group)));
  }

  // Brings what is lit into view, moving nothing but the picture.
  function show(group) {
    if (!group) return;
    const box = group.getBoundingClientRect();
    const frame = stage.getBoundingClientRect();
    if (box.left < frame.left || box.right > frame.right) {
      stage.scrollLeft += (box.left + box.right - frame.left - frame.right) / 2;
    }
    if (box.top < frame.top || box.bottom > frame.bottom) {
      stage.scrollTop += (box.top + box.bottom - frame.top - frame.bottom) / 2;
    }
  }

  function tell() {
    const step = steps[current];
    const asked = hidden(current);
    at("count").textContent = `Step ${current + 1} of ${steps.length}`;
    fill(items[current], current);
    at("now").replaceChildren(
      ...(asked ? [] : [...items[current].childNodes].map((node) => node.cloneNode(true))),
    );
    const sums = at("sums");
    sums.hidden = asked || step.kind !== "passed";
    if (!sums.hidden) {
      const now = numbers(current);
      sums.querySelector("i").textContent = step.name;
      const cells = sums.querySelectorAll("td");
      [now.b === undefined ? "nothing yet" : now.b, now.c, now.a].forEach((value, place) => {
        cells[place].textContent = written(value);
      });
    }
    at("quiz").hidden = !asked;
    at("walk").hidden = at("quizzing").checked;
    if (asked) {
      const now = numbers(current);
      at("quiz").querySelector("label").textContent =
        `The gradient of ${step.from} is ${written(now.u)}. What does it pass back to ${step.name}?`;
      at("answer").value = "";
      at("verdict").textContent = "";
    }
    const right = [...answered.values()].filter(Boolean).length;
    const all = steps.filter((_, place) => asks(place)).length;
    at("score").textContent = at("quizzing").checked ? `${right} of ${all} right` : "";
  }

  function go(step) {
    current = Math.max(0, Math.min(steps.length - 1, step));
    bySlider.value = current;
    bySlider.setAttribute("aria-valuetext", `step ${current + 1} of ${steps.length}`);
    at("first").disabled = at("back").disabled = current === 0;
    at("next").disabled = at("last").disabled = current === steps.length - 1;
    paint();
    tell();
  }

  function play(on) {
    clearInterval(timer);
    timer = 0;
    if (on) {
      if (current === steps.length - 1) go(0);
      timer = setInterval(() => {
        if (current === steps.length - 1 || hidden(current)) play(false);
        else go(current + 1);
      }, 1500);
    }
    at("play").textContent = timer ? "Pause" : "Play";
  }

  function train(to) {
    moment = Math.max(0, Math.min(moments.length - 1, to));
    byMoment.value = moment;
    byMoment.setAttribute("aria-valuetext", moments[moment].label);
    at("moment-label").textContent = moments[moment].label;
    for (const [tag, lines] of Object.entries(moments[moment].texts)) {
      if (!texts.has(tag)) texts.set(tag, part(tag) ? [...part(tag).querySelectorAll("text")] : []);
      texts.get(tag).forEach((text, place) => {
        text.textContent = lines[place];
      });
    }
    answered.clear();
    items.forEach(fill);
    go(current);
  }

  // A number, or a fraction; a comma is a decimal point to many.
  function value(text) {
    const terms = text.trim().replace(",", ".").replace("\u2212", "-").split("/").map(Number);
    if (!text.trim() || terms.length > 2) return NaN;
    return terms.length === 2 ? terms[0] / terms[1] : terms[0];
  }

  function check(event) {
    event.preventDefault();
    const right = numbers(current).c;
    const given = value(at("answer").value);
    if (Number.isNaN(given)) {
      at("verdict").textContent = "That is not a number.";
    } else if (Math.abs(given - right) <= 0.005 * Math.abs(right) || written(given) === written(right)) {
      reveal(true);
    } else {
      at("verdict").textContent = "Not quite: it is the gradient that arrives, times how the result changes with this operand.";
    }
  }

  function reveal(right) {
    answered.set(current, right);
    go(current);
    const said = document.createElement("p");
    said.textContent = right ? "Right." : "Shown.";
    at("now").prepend(said);
    at("next").focus();
  }

  // A click goes to the next step that is about a part of the picture, then round again.
  function jump(group) {
    const tag = group.id.slice(data.figure.length + 1);
    const about = steps
      .map((step, place) => ({ step, place }))
      .filter(({ step }) => step.lit.includes(tag) || (step.gradients || []).includes(tag))
      .map(({ place }) => place);
    const later = about.filter((place) => place > current);
    if (about.length) go(later.length ? later[0] : about[0]);
  }

  function key(event) {
    if (event.ctrlKey || event.metaKey || event.altKey) return;
    const target = event.target;
    const typing = target.id === "answer";
    const slider = target.type === "range";
    const pressable = target.matches("button, summary, input, [role=button]");
    const paging = byMoment && event.key.startsWith("Page");
    // On a slider the other keys are the browser's own.
    if (typing || (slider && event.key !== " " && !paging)) return;
    const moves = {
      ArrowRight: () => go(current + 1),
      ArrowLeft: () => go(current - 1),
      Home: () => go(0),
      End: () => go(steps.length - 1),
      PageDown: () => paging && train(moment + 1),
      PageUp: () => paging && train(moment - 1),
      " ": () => play(!timer),
    };
    if (!(event.key in moves) || (event.key === " " && pressable && !slider)) return;
    event.preventDefault();
    if (event.key !== " ") play(false);
    moves[event.key]();
  }

  svg.setAttribute("role", "group");
  for (const group of parts) {
    const tag = group.id.slice(data.figure.length + 1);
    if (!steps.some((step) => step.lit.includes(tag))) continue;
    group.setAttribute("role", "button");
    group.setAttribute("tabindex", "0");
    group.addEventListener("click", () => (play(false), jump(group)));
    group.addEventListener("keydown", (event) => {
      if (event.key !== "Enter" && event.key !== " ") return;
      event.preventDefault();
      event.stopPropagation();
      play(false);
      jump(group);
    });
  }
  const stop = (move) => () => (play(false), move());
  at("first").addEventListener("click", stop(() => go(0)));
  at("back").addEventListener("click", stop(() => go(current - 1)));
  at("next").addEventListener("click", stop(() => go(current + 1)));
  at("last").addEventListener("click", stop(() => go(steps.length - 1)));
  at("play").addEventListener("click", () => play(!timer));
  bySlider.addEventListener("input", stop(() => go(Number(bySlider.value))));
  if (byMoment) byMoment.addEventListener("input", () => train(Number(byMoment.value)));
  at("quizzing").addEventListener("change", () => (play(false), answered.clear(), go(current)));
  at("quiz").addEventListener("submit", check);
  at("show").addEventListener("click", () => reveal(false));
  document.addEventListener("keydown", key);
  stage.classList.add("on");
  if (byMoment) train(0);
  else go(0);
})();
