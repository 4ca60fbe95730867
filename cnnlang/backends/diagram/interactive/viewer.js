// Moving and zooming: the window on a picture is its `viewBox`.

const STEP = 1.25;
const MOST = 8;
const stage = $("stage");

class Viewer {
  constructor(key) {
    this.key = key;
    this.svg = $(key);
    this.links = data.views[key];
    const { x, y, width, height } = this.svg.viewBox.baseVal;
    this.whole = { x, y, width, height };
    this.size = { ...this.whole };
    this.parts = Object.entries(this.links.parts).map(([id, layers]) => ({ element: $(id), layers }));
    this.started = false;
  }

  get room() {
    return { width: stage.clientWidth, height: stage.clientHeight };
  }

  // Pixels for a point where the whole picture is seen.
  get fitting() {
    const { width, height } = this.room;
    return Math.min(width / this.size.width, height / this.size.height) * 0.97;
  }

  show() {
    if (!this.started) this.start();
    else this.draw();
  }

  // The whole picture, or the beginning of a long one.
  start() {
    this.started = true;
    const { width, height } = this.room;
    const across = this.links.along === "LR" ? height / this.size.height : width / this.size.width;
    const k = Math.max(Math.min(this.fitting, 2), Math.min(across * 0.97, 1.25));
    this.place(k, this.fitting < k * 0.99);
  }

  fit() {
    const whole = Math.min(this.fitting, MOST);
    if (Math.abs(this.k / whole - 1) < 0.01) this.start();
    else this.place(whole, false);
  }

  // At a scale, in the middle; at the beginning where there is more than fits.
  place(k, begin) {
    const { width, height } = this.room;
    this.k = k;
    this.x = this.size.x + (this.size.width - width / k) / 2;
    this.y = this.size.y + (this.size.height - height / k) / 2;
    if (begin && this.links.along === "LR") this.x = this.size.x;
    else if (begin) this.y = this.size.y;
    this.draw();
  }

  move(dx, dy) {
    this.x += dx / this.k;
    this.y += dy / this.k;
    this.hold();
  }

  // Zoom about a point of the stage, in pixels; its middle unless given.
  zoom(factor, px = this.room.width / 2, py = this.room.height / 2) {
    const k = Math.min(MOST, Math.max(Math.min(this.fitting, 1) / 2, this.k * factor));
    this.x += px / this.k - px / k;
    this.y += py / this.k - py / k;
    this.k = k;
    this.hold();
  }

  // Some of the picture stays in the window.
  hold() {
    const { width, height } = this.room;
    const inside = (value, from, length, seen) =>
      Math.min(from + length - seen * 0.2, Math.max(from - seen * 0.8, value));
    this.x = inside(this.x, this.size.x, this.size.width, width / this.k);
    this.y = inside(this.y, this.size.y, this.size.height, height / this.k);
    this.draw();
  }

  draw() {
    const { width, height } = this.room;
    this.svg.setAttribute("viewBox", [this.x, this.y, width / this.k, height / this.k].join(" "));
    $("scale").value = `${Math.round(this.k * 75)}%`; // a picture is in points, 3/4 of a pixel each
  }

  // All of the picture on paper.
  unroll() {
    const { x, y, width, height } = this.size;
    this.svg.setAttribute("viewBox", [x, y, width, height].join(" "));
  }

  // Bring a part of the picture into the window.
  reveal(part) {
    const box = part.getBoundingClientRect();
    const frame = stage.getBoundingClientRect();
    const off = (from, to, low, high) =>
      from < low + 30 || to > high - 30 ? (from + to - low - high) / 2 : 0;
    this.move(
      off(box.left, box.right, frame.left, frame.right),
      off(box.top, box.bottom, frame.top, frame.bottom),
    );
  }
}

// --- mouse, pen and fingers ---

function follow(viewer) {
  const held = new Map();
  let travelled = 0;
  const spread = () => {
    const [a, b] = [...held.values()];
    return { x: (a.x + b.x) / 2, y: (a.y + b.y) / 2, apart: Math.hypot(a.x - b.x, a.y - b.y) };
  };
  stage.addEventListener("pointerdown", (event) => {
    if (event.button !== 0) return;
    if (!held.size) travelled = 0;
    held.set(event.pointerId, { x: event.clientX, y: event.clientY });
  });
  stage.addEventListener("pointermove", (event) => {
    const before = held.get(event.pointerId);
    if (!before) return;
    const pinch = held.size === 2 ? spread() : null;
    const now = { x: event.clientX, y: event.clientY };
    held.set(event.pointerId, now);
    travelled += Math.hypot(now.x - before.x, now.y - before.y);
    if (travelled < 4) return;
    stage.setPointerCapture(event.pointerId);
    stage.classList.add("moving");
    if (!pinch) return viewer().move(before.x - now.x, before.y - now.y);
    const after = spread();
    const { left, top } = stage.getBoundingClientRect();
    viewer().move(pinch.x - after.x, pinch.y - after.y);
    viewer().zoom(after.apart / (pinch.apart || 1), after.x - left, after.y - top);
  });
  const release = (event) => {
    held.delete(event.pointerId);
    stage.classList.remove("moving");
  };
  stage.addEventListener("pointerup", release);
  stage.addEventListener("pointercancel", release);
  stage.addEventListener("click", (event) => travelled >= 4 && event.stopImmediatePropagation());
  stage.addEventListener("wheel", (event) => {
    event.preventDefault();
    const { left, top } = stage.getBoundingClientRect();
    const lines = event.deltaMode === 1 ? 16 : 1;
    const factor = Math.exp((-event.deltaY * lines * (event.ctrlKey ? 8 : 1.5)) / 1000);
    viewer().zoom(factor, event.clientX - left, event.clientY - top);
  }, { passive: false });
}
