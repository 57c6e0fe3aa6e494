// The film: lets time pass over a scene (scene.py), and draws each moment (state.js, stage.js).

const RATE = 25; // ms of the trace in a second, at normal speed
const QUIET = 8; // times as fast where nothing is under way
const REST = 1500; // ms on each moment for those who asked their system for less motion

class Film {
  constructor(scene, el) {
    Object.assign(this, { scene, el, time: 0, speed: 1, playing: false, frames: [] });
    this.still = matchMedia("(prefers-reduced-motion: reduce)");
    this.stages = (scene.worlds ?? [scene]).map((world) => new Stage(world));
    el.classList.add("capkit-film");
    el.setAttribute("role", "group");
    el.setAttribute("aria-label", "film of the network");
    el.replaceChildren(this.pictures(), this.scrubber(), this.controls(), this.sentence());
    el.onkeydown = (event) => event.stopPropagation(); // JupyterLab goes from cell to cell by keys
    el.film = this;
    this.seek(0);
  }

  // One picture, or those of several worlds beside each other, each under its name.
  pictures() {
    const row = document.createElement("div");
    row.className = this.stages.length > 1 ? "stages many" : "stages";
    for (const stage of this.stages) {
      const figure = document.createElement("figure");
      const name = document.createElement("figcaption");
      name.textContent = stage.scene.title ?? "";
      figure.append(...(stage.scene.title ? [name] : []), stage.svg);
      stage.svg.onclick = (event) => this.click(stage, event);
      row.append(figure);
    }
    return row;
  }

  scrubber() {
    this.range = document.createElement("input");
    const step = Math.max(this.scene.end / 1000, 0.001);
    Object.assign(this.range, { type: "range", min: 0, max: this.scene.end, step, value: 0 });
    this.range.setAttribute("aria-label", "moment");
    this.range.oninput = () => this.seek(Number(this.range.value));
    return this.range;
  }

  controls() {
    const row = document.createElement("div");
    row.className = "controls";
    this.play = button("▶ Play", () => this.toggle());
    const cut = this.scene.faults.find((fault) => fault.cut.length) ?? this.scene.faults[0];
    const name = cut?.cut.length ? "Jump to the cut" : "Jump to the fault";
    const jump = button(name, () => this.seek(cut.at));
    const buttons = [this.play, button("◀ Back", () => this.step(-1)), button("Step ▶", () => this.step(1))];
    const speed = document.createElement("label");
    speed.textContent = "speed ";
    this.select = document.createElement("select");
    for (const times of [0.25, 0.5, 1, 2, 4]) {
      this.select.add(new Option(`× ${times}`, times, times === 1, times === 1));
    }
    this.select.onchange = () => { this.speed = Number(this.select.value); };
    speed.append(this.select);
    this.clock = document.createElement("output");
    row.append(...buttons, ...(cut ? [jump] : []), speed, this.clock);
    return row;
  }

  sentence() {
    this.says = document.createElement("div");
    this.says.className = "capkit-film-says";
    this.says.setAttribute("role", "status");
    this.says.setAttribute("aria-live", "polite");
    return this.says;
  }

  click(stage, event) {
    const box = stage.svg.getBoundingClientRect();
    const scale = stage.wide / box.width;
    const [x, y] = [(event.clientX - box.left) * scale, (event.clientY - box.top) * scale];
    if (y > stage.top - stage.head && x > 85) this.seek(stage.time(x));
  }

  toggle(on = !this.playing) {
    this.playing = on;
    this.play.textContent = on ? "❚❚ Pause" : "▶ Play";
    this.says.setAttribute("aria-live", on && !this.still.matches ? "off" : "polite");
    cancelAnimationFrame(this.frame);
    clearTimeout(this.rest);
    if (!on) return this.show();
    if (this.time >= this.scene.end) this.time = 0;
    this.frames = [];
    this.then = null;
    if (this.still.matches) this.next();
    else this.frame = requestAnimationFrame((now) => this.pass(now));
  }

  // One frame: as much time as has passed, more where nothing is to be seen.
  pass(now) {
    const passed = Math.min(now - (this.then ?? now), 100);
    this.then = now;
    this.frames.push(now);
    const calm = this.quietUntil();
    const ahead = (passed / 1000) * RATE * this.speed;
    const fast = Math.min(this.time + ahead * QUIET, calm);
    this.time = Math.min(calm > this.time ? fast : this.time + ahead, this.scene.end);
    this.show();
    if (this.time >= this.scene.end) this.toggle(false);
    else if (this.playing) this.frame = requestAnimationFrame((time) => this.pass(time));
  }

  // Until when nothing happens from now on; now, if something is under way.
  quietUntil() {
    const { time, scene } = this;
    const busy = (each, end) => each <= time && time < end;
    if (scene.messages.some((m) => busy(m.sent, m.ends + (m.lost ? scene.usual : 0)))) return time;
    const shown = scene.moments.findLast(([at, , isMain]) => isMain && at <= time);
    if (time - shown[0] < scene.usual) return time;
    return scene.moments.find(([at]) => at > time)?.[0] ?? scene.end;
  }

  // Without motion: from one moment to the next.
  next() {
    if (!this.playing) return;
    const main = this.scene.moments.find(([at, , isMain]) => at > this.time && isMain);
    this.time = main ? main[0] : this.scene.end;
    this.show();
    if (!main) return this.toggle(false);
    this.rest = setTimeout(() => this.next(), REST / this.speed);
  }

  step(way) {
    const times = this.scene.moments.map(([at]) => at);
    const to = way > 0 ? times.find((at) => at > this.time) : times.findLast((at) => at < this.time);
    this.seek(to ?? (way > 0 ? this.scene.end : 0));
  }

  seek(time) {
    this.time = Math.min(Math.max(time, 0), this.scene.end);
    if (this.playing) this.toggle(false);
    else this.show();
  }

  show() {
    for (const stage of this.stages) this.showWorld(stage);
    const says = momentAt(this.scene, this.time, this.playing);
    if (this.says.textContent !== says) this.says.textContent = says;
    this.clock.textContent = `${Math.round(this.time)} ms`;
    this.range.value = this.time;
    if (this.playing) return;
    this.range.setAttribute("aria-valuetext", `${Math.round(this.time)} ms`);
  }

  showWorld(stage) {
    const state = stateAt(stage.scene, this.time);
    stage.show(state);
    if (!this.playing) stage.svg.setAttribute("aria-label", wordsFor(stage.scene, state));
  }

  // Frames in a second, by the film's own clock, since Play was pressed.
  get framesPerSecond() {
    const { frames } = this;
    return frames.length < 2 ? 0 : ((frames.length - 1) * 1000) / (frames.at(-1) - frames[0]);
  }

  stop() {
    this.playing = false;
    cancelAnimationFrame(this.frame);
    clearTimeout(this.rest);
  }
}

function button(text, act) {
  const made = document.createElement("button");
  made.type = "button";
  made.textContent = text;
  made.onclick = act;
  return made;
}

function render({ model, el }) {
  const film = new Film(model.get("scene"), el);
  return () => film.stop();
}

export default { render };
