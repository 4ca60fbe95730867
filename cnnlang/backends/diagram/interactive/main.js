// What happens when one does something.

const viewers = new Map();
const foldings = new Map();
const viewer = () => viewers.get(state.view);

// --- what is shown ---

function show(key) {
  state.view = key;
  for (const each of document.querySelectorAll(".picture")) each.toggleAttribute("hidden", each.id !== key);
  for (const button of $("views").children) button.setAttribute("aria-pressed", button.dataset.view === key);
  if (!viewers.has(key)) viewers.set(key, new Viewer(key));
  const links = data.views[key];
  const folds = Object.keys(links.frames).length > 0;
  if (folds && !foldings.has(key)) foldings.set(key, new Folding(viewer()));
  $("folds").hidden = !folds;
  foldings.get(key)?.apply();
  viewer().show();
  mark();
}

// Put marks on the picture, the table and the source.
function mark() {
  const folding = foldings.get(state.view);
  const { svg, parts } = viewer();
  for (const each of svg.querySelectorAll(".selected, .match")) each.classList.remove("selected", "match");
  svg.classList.toggle("searching", state.matches !== null);
  const found = new Set([...(state.matches ?? [])].map((row) => row.layer));
  for (const { element: part, layers } of parts) {
    const target = folding ? folding.shown(part) : part;
    const whole = state.module !== null && folding && target === part;
    if (layers.some((each) => state.layers.has(each)) && !(whole && framed())) target.classList.add("selected");
    if (layers.some((each) => found.has(each))) target.classList.add("match");
  }
  framed()?.classList.add("selected");
  markTable();
  markSource();
}

// The frame of the selected module in this picture, if it has one.
function framed() {
  const folding = foldings.get(state.view);
  if (state.module === null || !folding) return null;
  const frame = [...folding.frames.values()].find((each) => each.module === state.module);
  return frame && !frame.element.hasAttribute("hidden") ? frame.element : null;
}

// --- selecting ---

function select({ layers = [], module = null, at = null }, reveal = "") {
  state.layers = new Set(module === null ? layers : layersIn(module));
  state.module = module;
  state.at = at;
  mark();
  tellSelection();
  showLine();
  if (!reveal.includes("picture")) scrollTable();
  else revealPart();
}

function scrollTable() {
  const row = rows.find((each) => chosen(each) && !each.element.hidden);
  if (!row) return;
  row.element.scrollIntoView({ block: "nearest" });
  focusRow(row);
}

function revealPart() {
  const part = viewer().svg.querySelector(".selected");
  if (part) viewer().reveal(part);
  else if (state.layers.size) $("details").prepend(element("p", "not in this picture on its own"));
}

function selectRow(row) {
  focusRow(row);
  select(row.module === undefined ? { layers: [row.layer] } : { module: row.module }, "picture");
}

function selectLine(line) {
  const at = [Number(line.dataset.file), Number(line.dataset.number)];
  const here = rows.filter((row) => row.line[0] === at[0] && row.line[1] === at[1]);
  const inner = here.flatMap((row) => (row.module === undefined ? [row.layer] : layersIn(row.module)));
  select({ layers: [...new Set(inner)], at }, "picture");
  const row = rows.find(chosen);
  row?.element.scrollIntoView({ block: "nearest" });
}

// What lies under the pointer: the layers or the module.
function under(target) {
  const node = target.closest(".node");
  const links = data.views[state.view];
  if (node && links.parts[node.id]) return { layers: links.parts[node.id], module: null };
  const frames = Object.entries(links.frames);
  const id = (node ?? target.closest(".cluster"))?.id;
  const frame = frames.find(([key, each]) => [key, each.header, each.around].includes(id));
  return frame ? { layers: [], module: frame[1].module } : null;
}

function go(step) {
  const seen = viewer().parts.filter(({ element: part, layers }) => layers.length && !part.hasAttribute("hidden"));
  const at = seen.findIndex(({ layers }) => layers.some((each) => state.layers.has(each)));
  const next = seen[at < 0 ? (step > 0 ? 0 : seen.length - 1) : (at + step + seen.length) % seen.length];
  if (!next) return;
  select({ layers: next.layers });
  viewer().reveal(next.element);
}

// --- folding ---

function fold(module) {
  if (module === null) return;
  if (!state.folded.delete(module)) state.folded.add(module);
  refold();
}

function foldAll(folded) {
  state.folded = new Set(folded ? moduleRows.map((row) => row.module) : []);
  refold();
  viewer().start();
}

function refold() {
  foldings.get(state.view)?.apply();
  viewer().hold();
  mark();
}

// --- searching ---

function search() {
  const query = $("search").value.trim().toLowerCase();
  const words = query.split(/\s+/);
  const holds = (row) => {
    const told = row.module === undefined ? data.layers[row.layer] : { path: row.path, text: "" };
    const text = `${told.path} ${told.text} ${row.cells.join(" ")}`.toLowerCase();
    return words.every((word) => text.includes(word));
  };
  state.matches = query ? new Set(rows.filter((row) => row.layer !== undefined && holds(row))) : null;
  state.next = 0;
  $("found").value = query ? `${state.matches.size} of ${rows.length - moduleRows.length}` : "";
  mark();
}

function nextMatch() {
  const found = [...(state.matches ?? [])];
  if (!found.length) return;
  const row = found[state.next++ % found.length];
  for (const each of row.around) state.folded.delete(each.module);
  refold();
  selectRow(row);
  scrollTable();
}

function clear() {
  $("search").value = "";
  search();
  select({});
  if (document.activeElement === $("search")) stage.focus();
}

// --- the page ---

const SCHEMES = { Auto: "light dark", Light: "light", Dark: "dark" };
const root = document.documentElement;

function dress(name) {
  $("theme").textContent = name;
  root.style.colorScheme = SCHEMES[name];
}

function turn() {
  const names = Object.keys(SCHEMES);
  dress(names[(names.indexOf($("theme").textContent) + 1) % names.length]);
}

function widen(share) {
  root.style.setProperty("--side", `${Math.min(75, Math.max(15, share))}%`);
}

const side = () => (100 * document.querySelector("aside").offsetWidth) / window.innerWidth;

const ARROWS = { ArrowLeft: [-1, 0], ArrowRight: [1, 0], ArrowUp: [0, -1], ArrowDown: [0, 1] };
const KEYS = {
  "/": () => $("search").select(),
  "+": () => viewer().zoom(STEP),
  "=": () => viewer().zoom(STEP),
  "-": () => viewer().zoom(1 / STEP),
  0: () => viewer().fit(),
  n: () => go(1),
  p: () => go(-1),
  c: () => fold(nearestModule()),
  C: () => foldAll(true),
  E: () => foldAll(false),
  t: turn,
  "?": () => $("keys").showModal(),
  Escape: clear,
};

function press(event) {
  if (event.ctrlKey || event.metaKey || event.altKey || $("keys").open) return;
  const written = event.target === $("search");
  if (written && event.key === "Enter") nextMatch();
  if (written && event.key !== "Escape") return;
  const view = Object.keys(data.views)[event.key - 1];
  const act = view ? () => show(view) : KEYS[event.key];
  const moves = arrow(event);
  if (!act && !moves) return;
  event.preventDefault();
  (moves ?? act)();
}

// Arrows mean what has the focus: the picture, a row, the splitter.
function arrow(event) {
  const by = ARROWS[event.key];
  const row = event.target.closest?.("tr[data-row]");
  if (row && (by || event.key === "Enter" || event.key === " ")) return () => walkTable(rows[row.dataset.row], event.key);
  if (!by) return null;
  if (event.target === stage || event.target === document.body) return () => viewer().move(60 * by[0], 60 * by[1]);
  if (event.target === $("splitter")) return () => widen(side() - 3 * by[0]);
  return null;
}

function walkTable(row, key) {
  if (key === "ArrowLeft" || key === "ArrowRight") {
    if (row.module !== undefined && state.folded.has(row.module) === (key === "ArrowRight")) fold(row.module);
    return;
  }
  const seen = rows.filter((each) => !each.element.hidden);
  const step = { ArrowDown: 1, ArrowUp: -1 }[key] ?? 0;
  const next = seen[Math.min(seen.length - 1, Math.max(0, seen.indexOf(row) + step))];
  selectRow(next);
  next.element.focus();
}

function listen() {
  const clicks = {
    collapse: () => foldAll(true),
    expand: () => foldAll(false),
    smaller: KEYS["-"],
    larger: KEYS["+"],
    fit: KEYS[0],
    print: () => window.print(),
    theme: turn,
    help: KEYS["?"],
  };
  for (const [id, act] of Object.entries(clicks)) $(id).addEventListener("click", act);
  follow(viewer);
  stage.addEventListener("click", (event) => {
    const toggle = event.target.closest(".toggle");
    if (toggle) fold(data.views[state.view].frames[toggle.dataset.frame].module);
    else select(under(event.target) ?? {});
  });
  stage.addEventListener("dblclick", (event) => {
    const found = under(event.target);
    if (found?.module != null) fold(found.module);
  });
  stage.addEventListener("pointerover", (event) => {
    const found = under(event.target);
    if (found) tell(found.layers, found.module);
    else tellSelection();
  });
  stage.addEventListener("pointerleave", tellSelection);
  body.addEventListener("click", (event) => {
    const row = rows[event.target.closest("tr").dataset.row];
    if (event.target.closest(".twirl")) fold(row.module);
    else selectRow(row);
  });
  $("source").addEventListener("click", (event) => {
    const line = event.target.closest("li");
    if (line) selectLine(line);
  });
  $("search").addEventListener("input", search);
  document.addEventListener("keydown", press);
  let printing = false;
  const redraw = () => printing || viewer().draw();
  window.addEventListener("beforeprint", () => {
    printing = true;
    viewer().unroll();
  });
  window.addEventListener("afterprint", () => requestAnimationFrame(() => {
    printing = false;
    redraw();
  }));
  new ResizeObserver(redraw).observe(stage);
  $("splitter").addEventListener("pointerdown", (event) => $("splitter").setPointerCapture(event.pointerId));
  $("splitter").addEventListener("pointermove", (event) => {
    if (event.buttons) widen(100 - (100 * event.clientX) / window.innerWidth);
  });
}

Object.entries(data.views).forEach(([key, { title }], i) => {
  const button = element("button", title, { type: "button", "data-view": key, title: `${title} (${i + 1})` });
  button.addEventListener("click", () => show(key));
  $("views").append(button);
});
dress(data.theme);
fillTable();
fillSource();
listen();
show(state.view);
