// What the page knows, and what is selected, searched and folded.

const $ = (id) => document.getElementById(id);
const data = JSON.parse($("data").textContent);

const state = {
  view: data.first,
  layers: new Set(), // the selected layers, by their places in the graph
  module: null, // the selected module, by its number
  at: null, // the selected line of the source: [file, line]
  matches: null, // the layers and rows that a search finds
  folded: new Set(), // the numbers of the modules that are collapsed
};

const rows = data.rows.map((row, i) => ({ ...row, place: i, around: [] }));
const moduleRows = rows.filter((row) => row.module !== undefined);
const rowOfLayer = new Map();

// The modules around every row, the outermost first.
const open = [];
for (const row of rows) {
  open.length = row.level;
  row.around = [...open];
  if (row.module !== undefined) open[row.level] = row;
  else rowOfLayer.set(row.layer, row);
}

const layersIn = (module) =>
  rows.filter((row) => row.layer !== undefined && row.around.some((each) => each.module === module))
    .map((row) => row.layer);

function element(tag, content = "", attributes = {}) {
  const made = document.createElement(tag);
  made.textContent = content;
  for (const [name, value] of Object.entries(attributes)) made.setAttribute(name, value);
  return made;
}

// The modules above the selection that can be folded: the selected one, or the innermost around it.
function nearestModule() {
  if (state.module !== null) return state.module;
  const row = rowOfLayer.get([...state.layers][0]);
  return row?.around.at(-1)?.module ?? null;
}
