// Draws the explorer of hidden states from the data that stand in the page. It fetches nothing and writes no markup:
// whatever a text or a column is called, it is put into the page as text.
"use strict";

(() => {
  const find = (name) => document.getElementById(`explorer-${name}`);
  const NEGATIVE = [0, 114, 178];
  const POSITIVE = [213, 94, 0];
  const INK = "#111";
  const PALE = "#888";
  const LEFT = 64; // pixels beside each panel, where its numbers stand
  const RIGHT = 10;
  const SMALL = '11px system-ui, -apple-system, "Segoe UI", Roboto, "DejaVu Sans", sans-serif';

  const data = JSON.parse(find("data").textContent);
  const chosen = { view: 0, layer: data.views[0].chosen, row: 0, step: data.views[0].names.length - 1 };
  const read = new Map(); // layer -> its numbers, once they are needed

  // What is chosen

  const view = () => data.views[chosen.view];
  const layer = () => view().layers[chosen.layer];
  const numSteps = () => view().names.length;

  const bytes = (text) => Uint8Array.from(atob(text), (character) => character.charCodeAt(0));

  function numbers() {
    if (!read.has(layer())) {
      const raw = new DataView(bytes(layer().states).buffer);
      const states = Array.from({ length: raw.byteLength / 2 }, (_, n) => raw.getInt16(2 * n, true));
      const gates = layer().gates.map((gate) => ({ values: bytes(gate.values), mean: bytes(gate.mean) }));
      read.set(layer(), { states, gates });
    }
    return read.get(layer());
  }

  const at = (step, row) => step * layer().units.length + row;
  const state = (step, row) => numbers().states[at(step, row)] / 10 ** layer().decimals;
  const written = (value) => value.toFixed(Math.max(0, layer().decimals));
  const largest = (values) => values.reduce((most, value) => Math.max(most, Math.abs(value)), 0) || 1;
  const ofUnit = () => view().names.map((_, step) => state(step, chosen.row));

  function visible(token) {
    const named = { "\n": "line break", " ": "space", "\t": "tab" };
    return named[token] ?? token.replaceAll("\n", "↵").trim();
  }

  function whatWasRead(step) {
    if (view().tokens) return visible(view().tokens[step]);
    const said = view().read.map((column) => {
      const each = column.values.length / numSteps();
      const known = column.values.slice(step * each, (step + 1) * each).filter((value) => value !== null);
      const shown = inWords(known);
      return view().read.length > 1 ? `${column.name} ${shown}` : shown;
    });
    return said.join("; ");
  }

  function inWords(values) {
    const short = (value) => Number(value.toPrecision(4));
    if (!values.length) return "nothing";
    if (values.length < 5) return values.map(short).join(", ");
    return `${short(Math.min(...values))} to ${short(Math.max(...values))}`;
  }

  function whenRead(step) {
    const name = view().names[step];
    return /^[\d,]+$/.test(name) ? `${view().step} ${name}` : `${view().step} ${step + 1} of ${numSteps()}: ${name}`;
  }

  // Drawing

  const mixed = (share) => {
    const end = share < 0 ? NEGATIVE : POSITIVE;
    const part = Math.min(1, Math.abs(share));
    return end.map((value) => Math.round(255 + part * (value - 255)));
  };

  function open(name, height) {
    const canvas = find(name);
    const width = Math.max(280, find("panels").clientWidth);
    const ratio = Math.max(2, window.devicePixelRatio || 1); // also sharp on paper
    canvas.width = Math.round(width * ratio);
    canvas.height = Math.round(height * ratio);
    const pen = canvas.getContext("2d");
    pen.scale(ratio, ratio);
    pen.font = SMALL;
    pen.textBaseline = "middle";
    return { pen, wide: width - LEFT - RIGHT, centre: (step) => LEFT + ((step + 0.5) * (width - LEFT - RIGHT)) / numSteps() };
  }

  function label(pen, text, x, y, align = "right", colour = "#333") {
    pen.fillStyle = colour;
    pen.textAlign = align;
    pen.fillText(text, x, y);
  }

  function cursor({ pen, centre }, top, bottom) {
    pen.strokeStyle = INK;
    pen.lineWidth = 1;
    pen.setLineDash([]);
    pen.beginPath();
    pen.moveTo(centre(chosen.step), top);
    pen.lineTo(centre(chosen.step), bottom);
    pen.stroke();
  }

  function line({ pen, wide }, values, y, colour, dash = []) {
    const pitch = wide / values.length;
    pen.strokeStyle = colour;
    pen.lineWidth = 1.4;
    pen.setLineDash(dash);
    pen.beginPath();
    let down = false;
    values.forEach((value, n) => {
      if (value === null) {
        down = false;
        return;
      }
      const x = LEFT + (n + 0.5) * pitch;
      if (down) pen.lineTo(x, y(value));
      else pen.moveTo(x, y(value));
      if (!down && (n + 1 === values.length || values[n + 1] === null)) pen.lineTo(x + 1.5, y(value)); // a lone one
      down = true;
    });
    pen.stroke();
    pen.setLineDash([]);
  }

  function rule({ pen, wide }, y, dash = []) {
    pen.strokeStyle = "#ccc";
    pen.lineWidth = 1;
    pen.setLineDash(dash);
    pen.beginPath();
    pen.moveTo(LEFT, y);
    pen.lineTo(LEFT + wide, y);
    pen.stroke();
    pen.setLineDash([]);
  }

  function times(panel, y) {
    const { pen, wide, centre } = panel;
    const names = view().names.map((name) => name.split(" to ").pop());
    const widest = Math.max(...names.map((name) => pen.measureText(name).width)) + 16;
    const count = Math.max(1, Math.min(names.length, 8, Math.floor(wide / widest)));
    for (let n = 0; n < count; n += 1) {
      const step = Math.floor(((n + 0.5) * names.length) / count);
      label(pen, names[step], centre(step), y, "center");
      pen.fillRect(centre(step) - 0.5, y - 12, 1, 4);
    }
  }

  const rowHeight = () => Math.max(5, Math.min(16, 300 / layer().units.length));

  function drawStates() {
    const { units } = layer();
    const high = rowHeight() * units.length;
    const panel = open("states", high + 26);
    const { pen, wide, centre } = panel;
    const most = largest(numbers().states);
    const small = document.createElement("canvas");
    small.width = numSteps();
    small.height = units.length;
    const image = new ImageData(numSteps(), units.length);
    for (let step = 0; step < numSteps(); step += 1) {
      for (let row = 0; row < units.length; row += 1) {
        image.data.set([...mixed(numbers().states[at(step, row)] / most), 255], 4 * (row * numSteps() + step));
      }
    }
    small.getContext("2d").putImageData(image, 0, 0);
    pen.imageSmoothingEnabled = false;
    pen.drawImage(small, LEFT, 4, wide, high);
    pen.strokeStyle = "#bbb";
    pen.strokeRect(LEFT, 4, wide, high);
    cursor({ pen, centre }, 4, 4 + high);
    const top = 4 + chosen.row * rowHeight();
    pen.lineWidth = 2;
    pen.strokeRect(LEFT - 1, top - 1, wide + 2, rowHeight() + 2);
    label(pen, `unit ${units[chosen.row]}`, LEFT - 8, Math.min(Math.max(top + rowHeight() / 2, 10), high), "right", INK);
    times(panel, high + 17);
    const scale = most / 10 ** layer().decimals;
    find("least").textContent = written(-scale);
    find("most").textContent = written(scale);
  }

  function drawTokens() {
    const { tokens } = view();
    const pitch = (Math.max(280, find("panels").clientWidth) - LEFT - RIGHT) / numSteps();
    const shown = tokens.map(visible);
    const upright = shown.every((text) => [...text].length < 2 || text === "space" || text === "line break");
    find("read").hidden = pitch < (upright ? 8 : 13);
    if (find("read").hidden) return; // too many to be written side by side: the text above tells them
    const { pen, centre } = open("read", upright ? 20 : 92);
    pen.fillStyle = INK;
    shown.forEach((text, step) => {
      const short = { space: "␣", "line break": "↵" }[text] ?? (text.length > 14 ? `${text.slice(0, 13)}…` : text);
      pen.save();
      pen.translate(centre(step), upright ? 10 : 88);
      if (!upright) pen.rotate(-Math.PI / 2);
      pen.textAlign = upright ? "center" : "left";
      pen.font = step === chosen.step ? `bold ${SMALL}` : SMALL;
      pen.fillText(short, 0, 0);
      pen.restore();
    });
  }

  function drawRead() {
    if (view().tokens) {
      drawTokens();
      return;
    }
    find("read").hidden = false;
    const high = 62;
    const panel = open("read", high * view().read.length + 2);
    view().read.forEach((column, n) => {
      const known = column.values.filter((value) => value !== null);
      const [low, top] = known.length ? [Math.min(...known), Math.max(...known)] : [0, 1];
      const y = (value) => n * high + 56 - (top > low ? (38 * (value - low)) / (top - low) : 19);
      label(panel.pen, column.name, LEFT, n * high + 8, "left", INK);
      label(panel.pen, String(Number(top.toPrecision(3))), LEFT - 6, n * high + 19);
      if (top > low) label(panel.pen, String(Number(low.toPrecision(3))), LEFT - 6, n * high + 55);
      rule(panel, n * high + 57);
      line(panel, column.values, y, INK);
    });
    cursor(panel, 0, high * view().read.length);
  }

  function drawUnit() {
    const values = ofUnit();
    const most = largest(values);
    const high = 96;
    const panel = open("line", high + 4);
    const { pen, wide } = panel;
    const y = (value) => 2 + (high * (1 - value / most)) / 2;
    const pitch = wide / numSteps();
    values.forEach((value, step) => {
      pen.fillStyle = `rgb(${mixed(value < 0 ? -0.6 : 0.6)})`;
      pen.fillRect(LEFT + step * pitch, Math.min(y(0), y(value)), pitch + 0.5, Math.abs(y(value) - y(0)));
    });
    rule(panel, y(0));
    line(panel, values, y, INK);
    label(pen, written(most), LEFT - 6, 8);
    label(pen, "0", LEFT - 6, y(0));
    label(pen, written(-most), LEFT - 6, high - 3);
    cursor(panel, 0, high + 4);
  }

  function drawGates() {
    const { gates } = layer();
    if (!gates.length) return;
    const high = 62;
    const panel = open("gates", high * gates.length + 2);
    gates.forEach((gate, n) => {
      const y = (percent) => n * high + 58 - 0.4 * percent;
      const { values, mean } = numbers().gates[n];
      label(panel.pen, `${gate.name}: ${data.meaning[gate.name]}`, LEFT, n * high + 8, "left", INK);
      label(panel.pen, "1", LEFT - 6, y(100));
      label(panel.pen, "0", LEFT - 6, y(0));
      rule(panel, y(0));
      rule(panel, y(100), [2, 3]);
      line(panel, Array.from(mean), y, PALE, [5, 3]);
      line(panel, view().names.map((_, step) => values[at(step, chosen.row)]), y, `rgb(${NEGATIVE})`);
    });
    cursor(panel, 0, high * gates.length);
  }

  function colourText() {
    if (!view().tokens) return;
    const values = ofUnit();
    const most = largest(values);
    Array.from(find("text").children).forEach((span, step) => {
      span.style.backgroundColor = `rgb(${mixed((0.8 * values[step]) / most)})`;
      span.classList.toggle("negative", values[step] < 0);
      span.classList.toggle("current", step === chosen.step);
      span.title = `${written(values[step])} at step ${step + 1}`;
    });
  }

  function tell() {
    const { units, follows, gates } = layer();
    const value = written(state(chosen.step, chosen.row));
    find("unit-told").textContent = `${units[chosen.row]} of ${layer().all}`;
    find("step-told").textContent = whenRead(chosen.step);
    find("read-told").textContent = whatWasRead(chosen.step);
    find("value").textContent = value;
    find("follows").textContent = follows[chosen.row] || "none of the signals looked for";
    find("follows").parentElement.hidden = !follows.some(Boolean); // nothing was looked for, or nothing found
    const shares = gates.map((gate, n) => {
      const { values, mean } = numbers().gates[n];
      const [own, all] = [values[at(chosen.step, chosen.row)], mean[chosen.step]];
      return `${gate.name} ${(own / 100).toFixed(2)} (mean ${(all / 100).toFixed(2)})`;
    });
    find("gates-told").textContent = shares.join(", ");
    find("gates-told").parentElement.hidden = !gates.length;
    find("gates").parentElement.hidden = !gates.length;
    find("unit").value = String(chosen.row);
    find("step").value = String(chosen.step + 1);
    find("step").setAttribute("aria-valuetext", whenRead(chosen.step));
    return `Unit ${units[chosen.row]}: ${value} at ${whenRead(chosen.step)}, read: ${whatWasRead(chosen.step)}`;
  }

  let drawn = 0;
  function draw() {
    drawn = 0;
    drawStates();
    drawRead();
    drawUnit();
    drawGates();
    colourText();
  }

  // Changes

  const clamp = (value, count) => Math.max(0, Math.min(count - 1, value));

  /** Shows what is chosen now; `aloud` where a person asked for it, and does not only pass over it. */
  function show(aloud) {
    chosen.row = clamp(chosen.row, layer().units.length);
    chosen.step = clamp(chosen.step, numSteps());
    const said = tell();
    if (aloud) find("said").textContent = said;
    if (!drawn) drawn = window.requestAnimationFrame(draw);
  }

  function options(select, texts) {
    select.replaceChildren(...texts.map((text, n) => new Option(text, String(n))));
  }

  function group(name, rows) {
    const made = document.createElement("optgroup");
    made.label = name;
    const { units, follows } = layer();
    made.append(...rows.map((row) => new Option(follows[row] ? `${units[row]}: ${follows[row]}` : units[row], String(row))));
    return made;
  }

  function fillUnits() {
    const { units, follows, all } = layer();
    const rows = units.map((_, row) => row);
    const [first, others] = [rows.filter((row) => follows[row]), rows.filter((row) => !follows[row])];
    find("unit").replaceChildren();
    if (first.length) find("unit").append(group("follow a signal", first));
    if (others.length) find("unit").append(group("by their last state", others));
    const left = all > units.length ? `Of ${all} units ${units.length} are shown: those that follow a signal, then those that vary most.` : "";
    find("left-out").textContent = [view().left_out, left].join(" ").trim();
  }

  function fillView() {
    options(find("layer"), view().layers.map((one) => one.name));
    find("layer").value = String(chosen.layer);
    find("step").max = String(numSteps());
    for (const part of document.querySelectorAll("#explorer .of-text")) part.hidden = !view().tokens;
    const spans = (view().tokens ?? []).map((token, step) => {
      const span = document.createElement("span");
      span.textContent = token.replaceAll("\n", "↵\n");
      span.dataset.step = String(step);
      return span;
    });
    find("text").replaceChildren(...spans);
    fillUnits();
  }

  function choose(name, event) {
    const value = Number(event.target.value);
    if (name === "view") Object.assign(chosen, { view: value, layer: data.views[value].chosen, row: 0, step: Infinity });
    if (name === "layer") Object.assign(chosen, { layer: value, row: 0 });
    if (name === "unit") chosen.row = value;
    if (name === "step") chosen.step = value - 1;
    if (name === "view") fillView();
    if (name === "layer") fillUnits();
    show(true);
  }

  const KEYS = {
    ArrowUp: () => (chosen.row -= 1),
    "[": () => (chosen.row -= 1),
    ArrowDown: () => (chosen.row += 1),
    "]": () => (chosen.row += 1),
    ArrowLeft: () => (chosen.step -= 1),
    ArrowRight: () => (chosen.step += 1),
    Home: () => (chosen.step = 0),
    End: () => (chosen.step = Infinity),
  };

  function press(event) {
    const change = KEYS[event.key];
    if (!change || event.ctrlKey || event.metaKey || event.altKey) return;
    event.preventDefault();
    change();
    show(true);
  }

  function point(event, pressed) {
    const box = event.currentTarget.getBoundingClientRect();
    const step = Math.floor(((event.clientX - box.left - LEFT) / (box.width - LEFT - RIGHT)) * numSteps());
    chosen.step = clamp(step, numSteps());
    if (pressed && event.currentTarget === find("states")) {
      chosen.row = clamp(Math.floor((event.clientY - box.top - 4) / rowHeight()), layer().units.length);
    }
    show(pressed);
  }

  function pointText(event, pressed) {
    const step = event.target.dataset?.step;
    if (step === undefined) return;
    chosen.step = Number(step);
    show(pressed);
  }

  for (const name of ["view", "layer", "unit", "step"]) {
    find(name).addEventListener(name === "step" ? "input" : "change", (event) => choose(name, event));
  }
  for (const name of ["states", "read", "line", "gates"]) {
    find(name).addEventListener("pointermove", (event) => point(event, false));
    find(name).addEventListener("click", (event) => point(event, true));
  }
  find("text").addEventListener("pointermove", (event) => pointText(event, false));
  find("text").addEventListener("click", (event) => pointText(event, true));
  find("panels").addEventListener("keydown", press);
  window.addEventListener("resize", () => show(false));

  options(find("view"), data.views.map((one) => one.title));
  document.getElementById("explorer").hidden = false;
  fillView();
  show(false);
  draw();
  for (const picture of document.querySelectorAll(".without-script")) picture.hidden = true;
})();
