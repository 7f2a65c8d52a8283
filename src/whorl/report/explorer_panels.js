// The panels of the explorer: canvases that share one axis of time.

const NEGATIVE = [0, 114, 178];
const POSITIVE = [213, 94, 0];
const INK = "#111";
const PALE = "#888";
const LEFT = 64; // pixels beside each panel, where its numbers stand
const RIGHT = 10;
const SMALL = '11px system-ui, -apple-system, "Segoe UI", Roboto, "DejaVu Sans", sans-serif';

const heatmaps = new Map(); // layer -> its picture

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

/** The states of the layer with one pixel for each; made once. */
function heatmap(most) {
  if (heatmaps.has(layer())) return heatmaps.get(layer());
  const { units } = layer();
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
  heatmaps.set(layer(), small);
  return small;
}

function drawStates() {
  const { units } = layer();
  const high = rowHeight() * units.length;
  const panel = open("states", high + 26);
  const { pen, wide, centre } = panel;
  const most = largest(numbers().states);
  pen.imageSmoothingEnabled = false;
  pen.drawImage(heatmap(most), LEFT, 4, wide, high);
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

function widestOf(texts) {
  const pen = find("read").getContext("2d");
  pen.font = `bold ${SMALL}`;
  return Math.max(...texts.map((text) => pen.measureText(text).width));
}

function drawTokens() {
  const { tokens } = view();
  const pitch = (Math.max(280, find("panels").clientWidth) - LEFT - RIGHT) / numSteps();
  const shown = tokens.map((token) => {
    const text = visible(token);
    return { space: "␣", "line break": "↵" }[text] ?? (text.length > 14 ? `${text.slice(0, 13)}…` : text);
  });
  const widest = widestOf(shown);
  const upright = widest + 3 <= pitch;
  find("read").hidden = !upright && pitch < 13;
  if (find("read").hidden) return; // too many to be written side by side: the text above tells them
  const { pen, centre } = open("read", upright ? 20 : widest + 8);
  pen.fillStyle = INK;
  shown.forEach((text, step) => {
    pen.save();
    pen.translate(centre(step), upright ? 8 : 2);
    if (!upright) pen.rotate(-Math.PI / 2);
    pen.textAlign = upright ? "center" : "right";
    pen.font = step === chosen.step ? `bold ${SMALL}` : SMALL;
    pen.fillText(text, 0, 0);
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
  if (pitch < 12) line(panel, values, y, INK);
  label(pen, written(most), LEFT - 6, 8);
  label(pen, "0", LEFT - 6, y(0));
  label(pen, written(-most), LEFT - 6, high - 3);
  cursor(panel, 0, high + 4);
}

function drawGates() {
  const { gates } = gated();
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
