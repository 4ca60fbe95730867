// The table, the source and the details beside and over the picture.

// --- the table ---

const body = $("table").tBodies[0];

function fillTable() {
  for (const row of rows) {
    const line = element("tr", "", { "aria-level": row.level + 1, tabindex: -1, "data-row": row.place });
    row.cells.forEach((cell, i) => line.append(element("td", cell, i > 3 ? { class: "number" } : {})));
    line.cells[0].style.setProperty("--level", row.level);
    if (row.module === undefined) line.cells[0].prepend(element("span", "", { class: "leaf" }));
    else {
      line.className = "group";
      const label = { type: "button", class: "twirl", tabindex: -1, "aria-label": `Collapse or expand ${row.path}` };
      line.cells[0].prepend(element("button", "", label));
    }
    row.line = row.line ?? data.layers[row.layer].line;
    row.element = line;
    body.append(line);
  }
  if (rows.length) rows[0].element.tabIndex = 0;
  for (const [name, value] of data.totals) {
    const pair = element("div");
    pair.append(element("dt", name), element("dd", value));
    $("totals").append(pair);
  }
}

function markTable() {
  for (const row of rows) {
    const { element: line } = row;
    const folded = state.folded.has(row.module);
    line.hidden = row.around.some((each) => state.folded.has(each.module));
    line.classList.toggle("selected", chosen(row));
    line.setAttribute("aria-selected", chosen(row));
    line.classList.toggle("match", Boolean(state.matches?.has(row)));
    if (row.module === undefined) continue;
    line.setAttribute("aria-expanded", !folded);
    line.querySelector(".twirl").textContent = folded ? "▸" : "▾";
  }
}

const chosen = (row) =>
  state.module === null ? state.layers.has(row.layer) : row.module === state.module;

function focusRow(row) {
  for (const each of body.querySelectorAll('[tabindex="0"]')) each.tabIndex = -1;
  row.element.tabIndex = 0;
}

// --- the source ---

const lines = [];

function fillSource() {
  data.sources.forEach((source, file) => {
    const list = element("ol", "", { "aria-label": source.name });
    lines.push(source.text.replace(/\n$/, "").split("\n").map((text, i) => {
      const line = element("li", text || " ", { "data-number": i + 1, "data-file": file });
      list.append(line);
      return line;
    }));
    $("source").append(element("h2", source.name), list);
  });
}

// The lines of the selection, and those of the modules around it.
function markSource() {
  for (const line of $("source").querySelectorAll(".selected, .around")) line.className = "";
  const mark = ([file, number], name) => lines[file][number - 1].classList.add(name);
  for (const row of rows.filter(chosen)) {
    for (const each of row.around) mark(each.line, "around");
    mark(row.line, "selected");
  }
  if (state.at) mark(state.at, "selected");
}

function showLine() {
  const line = $("source").querySelector(".selected");
  if (!line) return;
  const pane = $("source");
  const at = line.getBoundingClientRect();
  const frame = pane.getBoundingClientRect();
  if (at.top < frame.top + 26 || at.bottom > frame.bottom) {
    pane.scrollTop += at.top - frame.top - frame.height / 2;
  }
}

// --- the details ---

function describe(layer) {
  const told = data.layers[layer];
  const facts = {
    input: told.inputs.join(", "),
    output: told.output,
    parameters: told.weights,
    MACs: told.macs,
    "receptive field": told.field,
    source: `${data.sources[told.line[0]].name}:${told.line[1]}`,
  };
  return [element("h2", told.path), element("p", told.text), pairs(facts)];
}

function describeModule(module) {
  const row = moduleRows[module];
  const [, kind, output, field, parameters, macs] = row.cells;
  const facts = {
    output,
    parameters,
    MACs: macs,
    "receptive field": field,
    layers: layersIn(module).length,
    source: `${data.sources[row.line[0]].name}:${row.line[1]}`,
  };
  return [element("h2", row.path), element("p", kind), pairs(facts)];
}

function pairs(facts) {
  const list = element("dl");
  for (const [name, value] of Object.entries(facts)) {
    if (value !== "") list.append(element("dt", name), element("dd", value));
  }
  return list;
}

// The first layer in full; of those that are fused with it, or that it stands for, a line each.
function tell(layers, module) {
  const [first, ...others] = layers;
  const shown = module !== null ? describeModule(module) : first === undefined ? [] : describe(first);
  if (module === null && others.length) shown.push(list(others));
  $("details").replaceChildren(...shown);
  $("details").hidden = !shown.length;
}

const FEW = 4;

function list(layers) {
  const made = element("ul");
  const lines = layers.slice(0, FEW).map((each) => `${data.layers[each].path}  ${data.layers[each].text}`);
  if (layers.length > FEW) lines.push(`and ${layers.length - FEW} more`);
  made.append(...lines.map((each) => element("li", each)));
  return made;
}

const tellSelection = () => tell([...state.layers], state.module);
