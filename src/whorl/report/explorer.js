// Draws the explorer of hidden states from the data that stand in the page. It fetches nothing and writes no markup:
// whatever a text or a column is called, it is put into the page as text.

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
  const { units, follows } = layer();
  const { gates } = gated();
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
  const some = `Of ${all} units ${units.length} are shown: those that follow a signal, then those that vary most.`;
  find("left-out").textContent = [view().left_out, all > units.length ? some : ""].join(" ").trim();
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

/** The unit stays where the layer is another part of the same state. */
function chooseLayer(value) {
  const before = layer().op;
  chosen.layer = value;
  if (layer().op !== before) chosen.row = 0;
}

function choose(name, event) {
  const value = Number(event.target.value);
  if (name === "view") Object.assign(chosen, { view: value, layer: data.views[value].chosen, row: 0, step: Infinity });
  if (name === "layer") chooseLayer(value);
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
  const shortcut = (event.ctrlKey || event.altKey || event.metaKey) && !event.getModifierState("AltGraph");
  if (!change || shortcut) return; // AltGraph is how some keyboards write [ and ]
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
