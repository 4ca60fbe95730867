// Collapsing blocks in a picture that is laid out once.
//
// What is inside a collapsed frame is hidden, and the bands of the picture in which nothing is left
// to see are taken out: every place along the flow goes to that place less the bands before it. The
// order of things stays, so nothing comes to lie on anything else, and edges stay as they are.

const PAD = 8;
const SVG = "http://www.w3.org/2000/svg";

class Folding {
  constructor(viewer) {
    this.viewer = viewer;
    this.links = viewer.links;
    viewer.place(1, true); // text is measured best at its own size
    const x = this.links.along === "LR";
    this.axis = x ? { at: "x", size: "width", number: 0 } : { at: "y", size: "height", number: 1 };
    this.cross = x ? { at: "y", size: "height" } : { at: "x", size: "width" };
    this.frames = new Map(Object.entries(this.links.frames).map(([id, frame]) => [id, this.frame(id, frame)]));
    this.homes = new Map();
    for (const [id, frame] of this.frames) for (const key of [...frame.holds, frame.header]) this.homes.set(key, id);
    this.nodes = [...viewer.svg.querySelectorAll(".node")].map((each) => ({ element: each, box: each.getBBox() }));
    this.edges = Object.entries(this.links.ends).map(([id, ends]) => this.edge(id, ends));
    this.heading = viewer.svg.querySelector(".heading");
    for (const [id, frame] of this.frames) this.toggle(id, frame);
  }

  // --- reading the picture ---

  frame(id, links) {
    const element = $(id);
    const rect = element.querySelector("rect");
    const labels = [...element.querySelectorAll("text, path, polygon")].map((each) => ({ element: each, box: each.getBBox() }));
    const header = $(links.header);
    const keep = header ? header.getBBox() : union(labels.map((each) => each.box));
    return { ...links, element, rect, labels, box: rect.getBBox(), keep, frame: $(links.around) };
  }

  edge(id, ends) {
    const element = $(id);
    const [path, head] = ["path", "polygon"].map((tag) => element.querySelector(tag));
    const words = [...element.querySelectorAll("text")].map((each) => ({ element: each, box: each.getBBox() }));
    const points = numbers(path.getAttribute("d"));
    return { element, path, head, words, ends, points, wings: numbers(head.getAttribute("points")) };
  }

  toggle(id, frame) {
    const button = document.createElementNS(SVG, "g");
    button.setAttribute("class", "toggle");
    button.setAttribute("role", "button");
    button.dataset.frame = id;
    for (const tag of ["rect", "path"]) button.append(document.createElementNS(SVG, tag));
    for (const [name, value] of Object.entries({ width: 11, height: 11, rx: 2.5 })) button.firstChild.setAttribute(name, value);
    frame.element.parentNode.append(button);
    frame.button = button;
  }

  // The outermost collapsed frame around a node or frame; null if it is to be seen.
  closed(id, itself = false) {
    let found = null;
    for (let each = itself ? id : this.homes.get(id); each; each = this.frames.get(each).outer) {
      if (state.folded.has(this.frames.get(each).module)) found = each;
    }
    return found !== null && this.frames.get(found).header === id ? null : found;
  }

  // The frame that shows a hidden node, or the node itself.
  shown(element) {
    const id = this.closed(element.id);
    return id === null ? element : this.frames.get(id).element;
  }

  // --- the bands that are taken out ---

  span(box) {
    return [box[this.axis.at], box[this.axis.at] + box[this.axis.size]];
  }

  bands() {
    const empty = [];
    const solid = [];
    const keep = (from, to) => solid.push([from - 4, to + 4]);
    for (const [id, frame] of this.frames) {
      const closed = this.closed(id, true);
      const [from, to] = this.span(frame.box);
      const end = this.end(frame);
      if (closed === id) {
        solid.push([from, end]);
        empty.push([end, to]);
      } else if (closed === null) {
        solid.push([from, from + PAD], [to - PAD, to]);
        for (const { box: place } of frame.labels) keep(...this.span(place));
      }
    }
    for (const { element, box } of this.nodes) if (!this.closed(element.id)) keep(...this.span(box));
    for (const edge of this.edges) if (!this.inside(edge)) for (const { box } of edge.words) keep(...this.span(box));
    return without(empty, solid);
  }

  inside({ ends: [from, to] }) {
    const [a, b] = [from, to].map((id) => this.holder(id));
    return a !== null && a === b;
  }

  // As `closed`, but the header of a collapsed frame counts as inside.
  holder(id) {
    const home = this.homes.get(id);
    return home ? this.closed(home, true) : null;
  }

  // --- drawing ---

  apply() {
    const bands = this.bands();
    this.goes = (at) => bands.reduce((to, [low, high]) => to - Math.max(0, Math.min(at, high) - low), at);
    for (const frame of this.frames.values()) frame.gates = [];
    for (const { element, box } of this.nodes) {
      element.toggleAttribute("hidden", this.closed(element.id) !== null);
      this.shift(element, box);
    }
    for (const edge of this.edges) this.line(edge);
    for (const [id, frame] of this.frames) this.outline(id, frame);
    const { whole, size } = this.viewer;
    const gone = bands.reduce((sum, [low, high]) => sum + high - low, 0);
    size[this.axis.size] = whole[this.axis.size] - gone;
    if (this.axis.at === "y") this.narrow();
    else this.lead(whole);
  }

  get offset() {
    return new DOMMatrix(getComputedStyle(this.heading.parentNode).transform).e;
  }

  // The heading where a picture begins that runs to the right.
  lead(whole) {
    const by = whole.x - this.offset + 2 * PAD - this.heading.getBBox().x;
    this.heading.setAttribute("transform", `translate(${by})`);
  }

  // The picture as wide as what is left of it, its heading over the middle.
  narrow() {
    const { whole, size, svg } = this.viewer;
    const seen = [...svg.querySelectorAll(".node:not([hidden]), .edge:not([hidden]), .cluster:not([hidden])")];
    const left = union(seen.map((each) => each.getBBox()));
    const { x, width } = this.heading.getBBox();
    const middle = state.folded.size ? left.x + left.width / 2 : x + width / 2;
    const wide = state.folded.size ? Math.max(left.width, width) + 4 * PAD : whole.width;
    this.heading.setAttribute("transform", `translate(${middle - x - width / 2})`);
    Object.assign(size, { x: state.folded.size ? middle + this.offset - wide / 2 : whole.x, width: wide });
  }

  shift(element, box, aside = 0) {
    const middle = box[this.axis.at] + box[this.axis.size] / 2;
    const by = this.goes(middle) - middle;
    element.setAttribute("transform", `translate(${this.axis.at === "x" ? [by, aside] : [aside, by]})`);
  }

  // The box of a frame as it is drawn: along the flow all that is left, across it what is needed.
  room(id, frame) {
    const { at, size } = this.axis;
    const [from, to] = this.span(frame.box).map(this.goes);
    if (this.closed(id, true) !== id) return { ...box(frame.box), [at]: from, [size]: to - from };
    const { at: beside, size: wide } = this.cross;
    const start = frame.keep[beside] + frame.aside;
    const low = Math.min(start, ...frame.gates) - PAD;
    const high = Math.max(start + frame.keep[wide], ...frame.gates) + PAD;
    return { [at]: from, [size]: this.goes(this.end(frame)) - from, [beside]: low, [wide]: high - low };
  }

  // Where a collapsed frame ends: behind its name.
  end(frame) {
    const [, to] = this.span(frame.box);
    return Math.min(to, this.span(frame.keep)[1] + PAD);
  }

  // How far the name of a collapsed frame goes aside, to stand on the line that enters it.
  aside(id, frame) {
    if (this.closed(id, true) !== id || $(frame.header) || !frame.gates.length) return 0;
    const { at, size } = this.cross;
    return frame.gates[0] - frame.keep[at] - frame.keep[size] / 2;
  }

  outline(id, frame) {
    const closed = this.closed(id, true);
    const hidden = closed !== null && closed !== id;
    frame.aside = this.aside(id, frame);
    const room = this.room(id, frame);
    for (const each of [frame.element, frame.frame, frame.button]) each?.toggleAttribute("hidden", hidden);
    lay(frame.rect, room);
    if (frame.frame) lay(frame.frame.querySelector("rect"), grown(room, 4));
    for (const { element: label, box: place } of frame.labels) this.shift(label, place, frame.aside);
    const folded = closed === id;
    frame.element.classList.toggle("collapsed", folded);
    const x = room.x + room.width - 8;
    const y = room.y - 4;
    lay(frame.button.firstChild, { x, y });
    const bars = `M${x + 2.5},${y + 5.5}h6` + (folded ? `M${x + 5.5},${y + 2.5}v6` : "");
    frame.button.lastChild.setAttribute("d", bars);
    frame.button.setAttribute("aria-label", `${folded ? "Expand" : "Collapse"} ${moduleRows[frame.module].path}`);
  }

  line(edge) {
    edge.element.toggleAttribute("hidden", this.inside(edge));
    if (this.inside(edge)) return;
    const [from, to] = edge.ends.map((id, end) => (end ? this.closed(id) : this.holder(id)));
    const n = this.axis.number;
    const tip = edge.wings[1];
    const entry = to === null ? this.goes(tip[n]) : this.goes(this.span(this.frames.get(to).box)[0]);
    const moved = edge.points.map((each) => swap(each, n, Math.min(this.goes(each[n]), to === null ? Infinity : entry)));
    const last = moved.length - 1;
    moved[last] = swap(edge.points[last], n, edge.points[last][n] + entry - tip[n]);
    if (to !== null) this.frames.get(to).gates.push(tip[1 - n]);
    if (from !== null) {
      const frame = this.frames.get(from);
      frame.gates.push(moved[0][1 - n]);
      moved[0] = swap(moved[0], n, this.goes(this.end(frame)));
    }
    edge.path.setAttribute("d", `M${moved[0]}C${moved.slice(1).join(" ")}`);
    edge.head.setAttribute("points", edge.wings.map((each) => swap(each, n, each[n] + entry - tip[n])).join(" "));
    for (const { element, box } of edge.words) this.shift(element, box);
  }
}

// --- numbers ---

const numbers = (text) => {
  const found = text.match(/-?[\d.]+(?:e-?\d+)?/g).map(Number);
  return found.flatMap((x, i) => (i % 2 ? [] : [[x, found[i + 1]]]));
};
const swap = (point, n, value) => (n ? [point[0], value] : [value, point[1]]);
const box = ({ x, y, width, height }) => ({ x, y, width, height });
const grown = ({ x, y, width, height }, by) => ({ x: x - by, y: y - by, width: width + 2 * by, height: height + 2 * by });
const lay = (rect, places) => Object.entries(places).forEach(([name, value]) => rect.setAttribute(name, value));

function union(boxes) {
  const x = Math.min(...boxes.map((each) => each.x));
  const y = Math.min(...boxes.map((each) => each.y));
  const right = Math.max(...boxes.map((each) => each.x + each.width));
  const bottom = Math.max(...boxes.map((each) => each.y + each.height));
  return { x, y, width: right - x, height: bottom - y };
}

// The parts of some stretches that lie outside all others, in order and without overlaps.
function without(stretches, others) {
  const ends = [...stretches, ...others].flat().sort((a, b) => a - b);
  const within = (list, middle) => list.some(([low, high]) => low < middle && middle < high);
  const found = [];
  for (let i = 1; i < ends.length; i++) {
    const middle = (ends[i - 1] + ends[i]) / 2;
    if (ends[i] > ends[i - 1] && within(stretches, middle) && !within(others, middle)) found.push([ends[i - 1], ends[i]]);
  }
  return found;
}
