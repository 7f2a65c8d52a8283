// What is chosen in the explorer, and the numbers of it. The parts of the script share one scope.

const find = (name) => document.getElementById(`explorer-${name}`);
const data = JSON.parse(find("data").textContent);
const chosen = { view: 0, layer: data.views[0].chosen, row: 0, step: data.views[0].names.length - 1 };
const read = new Map(); // layer -> its numbers, once they are needed

// What is chosen

const view = () => data.views[chosen.view];
const layer = () => view().layers[chosen.layer];
const gated = () => (layer().gates ? layer() : view().layers[chosen.layer - 1]); // a layer behind one has its gates
const numSteps = () => view().names.length;

const bytes = (text) => Uint8Array.from(atob(text), (character) => character.charCodeAt(0));

function numbers() {
  if (!read.has(layer())) {
    const raw = new DataView(bytes(layer().states).buffer);
    const states = Array.from({ length: raw.byteLength / 2 }, (_, n) => raw.getInt16(2 * n, true));
    const gates = gated().gates.map((gate) => ({ values: bytes(gate.values), mean: bytes(gate.mean) }));
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
