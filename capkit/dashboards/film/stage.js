// The picture of a moment: nodes, cables, clients and messages, and the timeline below, as SVG.

const WIDE = 900; // unless the scene says otherwise
const NARROWEST = 4; // an instant answer must still be seen

function layOut(scene, wide) {
  const many = scene.nodes.length;
  const radius = many > 5 ? 34 : 44;
  const high = many > 5 ? 350 : many > 3 ? 330 : 320;
  const reach = wide / 2 - 210; // beside the nodes there must be room for their clients
  const nodes = scene.nodes.map((_, node) => {
    const angle = (2 * Math.PI * (node - 0.5)) / many + Math.PI;
    const x = many === 1 ? 0 : Math.cos(angle) * reach;
    return { x, y: many === 1 ? 0 : -Math.sin(angle) * (high / 2 - radius - 14) };
  });
  if (many === 2) nodes.forEach((place, node) => Object.assign(place, { x: 2 * reach * node, y: 0 }));
  const middle = (axis) => {
    const all = nodes.map((place) => place[axis]);
    return (Math.min(...all) + Math.max(...all)) / 2;
  };
  const [x, y] = [wide / 2 - middle("x"), high / 2 + 7 - middle("y")];
  for (const place of nodes) Object.assign(place, { x: place.x + x, y: place.y + y });
  const seats = nodes.map(() => 0);
  const clients = scene.clients.map(({ node }) => {
    const side = nodes[node].x < wide / 2 - 1 ? -1 : 1;
    const at = { x: nodes[node].x + side * (radius + 110), y: nodes[node].y + 8 + 70 * seats[node] };
    seats[node] += 1;
    return { ...at, side };
  });
  return { radius, high, nodes, clients };
}

// The row in which each fault is named, so that no name covers another.
function headings(scene, place) {
  const ends = [];
  return scene.faults.map(({ at, says }) => {
    const free = ends.findIndex((end) => end <= place(at));
    const row = free < 0 ? ends.length : free;
    ends[row] = place(at) + 7 * says.length + 8;
    return row;
  });
}

function along(from, to, part) {
  return { x: from.x + (to.x - from.x) * part, y: from.y + (to.y - from.y) * part };
}

// The way of a message: from rim to rim, on the right-hand side of the cable.
function wayBetween(from, to, radius, aside) {
  const length = Math.hypot(to.x - from.x, to.y - from.y) || 1;
  const [x, y] = [(to.x - from.x) / length, (to.y - from.y) / length];
  const move = (place, step) => ({
    x: place.x + x * step - y * aside,
    y: place.y + y * step + x * aside,
  });
  return [move(from, radius), move(to, -radius), { x: -y, y: x }];
}

// The picture.

function add(parent, name, attributes = {}, text = "") {
  const made = document.createElementNS("http://www.w3.org/2000/svg", name);
  for (const [key, value] of Object.entries(attributes)) made.setAttribute(key, value);
  if (text) made.textContent = text;
  parent.append(made);
  return made;
}

class Stage {
  constructor(scene) {
    this.scene = scene;
    this.wide = scene.wide ?? WIDE;
    this.places = layOut(scene, this.wide);
    this.heads = headings(scene, (time) => this.x(time));
    this.head = 18 * (1 + Math.max(-1, ...this.heads));
    this.top = this.places.high + 16 + this.head;
    this.rows = scene.clients.length * 19 + scene.nodes.length * 15;
    const box = `0 0 ${this.wide} ${this.top + this.rows + 4}`;
    this.svg = document.createElementNS("http://www.w3.org/2000/svg", "svg");
    this.svg.setAttribute("viewBox", box);
    this.svg.setAttribute("role", "img");
    this.drawCables();
    this.drawNodes();
    this.drawClients();
    this.flights = add(this.svg, "g", { class: "flights" });
    this.shown = new Map();
    this.drawTimeline();
  }

  drawCables() {
    const { nodes, radius } = this.places;
    this.cables = [];
    nodes.forEach((from, a) => nodes.slice(a + 1).forEach((to, rest) => {
      const b = a + 1 + rest;
      const [start, end, across] = wayBetween(from, to, radius, 0);
      const group = add(this.svg, "g", { class: "cable", "data-cable": `${a}-${b}` });
      add(group, "path", { class: "whole", d: line(start, end) });
      const [left, right] = [along(start, end, 0.46), along(start, end, 0.54)];
      const bar = (at) => line(shift(at, across, 9), shift(at, across, -9));
      const broken = [line(start, left), line(right, end), bar(left), bar(right)].join("");
      add(group, "path", { class: "broken", d: broken });
      this.cables.push({ group, a, b });
    }));
  }

  drawNodes() {
    const { radius } = this.places;
    this.nodes = this.places.nodes.map(({ x, y }, node) => {
      const group = add(this.svg, "g", { class: "node", "data-node": node });
      add(group, "circle", { class: "paper", cx: x, cy: y, r: radius });
      const values = add(group, "g");
      add(group, "circle", { class: "rim", cx: x, cy: y, r: radius });
      const above = y <= this.places.high / 2 + 8; // where no cable comes from
      const name = add(group, "text", { class: "name", x, y: above ? y - radius - 8 : y + radius + 19 });
      return { group, values, name, x, y, held: null };
    });
  }

  drawClients() {
    const { nodes, radius } = this.places;
    this.clients = this.places.clients.map(({ x, y, side }, client) => {
      const { name, node } = this.scene.clients[client];
      const group = add(this.svg, "g", { class: "client", "data-client": client });
      const edge = { x: x - side * 76, y };
      const rim = { x: nodes[node].x + side * radius, y: nodes[node].y };
      add(group, "path", { class: "whole", d: line(rim, edge) });
      add(group, "rect", { x: x - 76, y: y - 24, width: 152, height: 48, rx: 7 });
      add(group, "text", { x, y: y - 31 }, name);
      const asks = add(group, "text", { class: "asks", x, y: y - 5 });
      const says = add(group, "text", { class: "says", x, y: y + 15 });
      return { group, asks, says, shown: "" };
    });
  }

  // The timeline: a row of bars for each client, a strip for each node, the faults across both.
  drawTimeline() {
    const { scene, top } = this;
    const bottom = top + this.rows;
    scene.faults.forEach((fault, number) => {
      const [x, right] = [this.x(fault.at), this.x(fault.until ?? scene.end)];
      const y = top - this.head + 18 * this.heads[number];
      add(this.svg, "rect", { class: "fault", x, y, width: right - x, height: bottom - y });
      this.fit(fault.says, x + 4, this.wide, y + 13, "start");
    });
    scene.clients.forEach(({ name }, row) => this.drawBars(name, row, top + 19 * row));
    const strips = top + 19 * scene.clients.length + 2;
    scene.nodes.forEach((name, node) => this.drawStrip(name, node, strips + 15 * node));
    this.cursor = add(this.svg, "path", { class: "cursor" });
    this.bottom = bottom + 3;
  }

  drawBars(name, client, y) {
    add(this.svg, "text", { class: "row", x: 82, y: y + 14 }, name);
    for (const each of this.scene.operations.filter((other) => other.client === client)) {
      const x = this.x(each.from);
      const right = Math.max(this.x(each.until ?? this.scene.end), x + NARROWEST);
      const look = `bar ${each.kind} ${each.outcome}`;
      add(this.svg, "rect", { class: look, x, y: y + 1.5, width: right - x, height: 16 });
      const answer = each.kind === "get" && each.outcome === "OK" ? ` ${each.told}` : "";
      const text = each.asks + answer;
      this.fit(text, x, right, y + 14, "middle", "inside")
        || this.fit(text, right + 3, this.wide, y + 14, "start")
        || this.fit(text, 90, x - 3, y + 14, "end");
      if (each.stale) add(this.svg, "path", { class: "stale", d: `M${right - 6} ${y - 3}h12l-6 10z` });
    }
  }

  drawStrip(name, node, y) {
    add(this.svg, "text", { class: "row", x: 82, y: y + 12 }, name);
    this.scene.copies[node].forEach(({ at, values }, place, all) => {
      const [x, right] = [this.x(at), this.x(all[place + 1]?.at ?? this.scene.end)];
      values.forEach(([, color], band) => {
        const height = 13 / values.length;
        const shape = { x, y: y + 1 + band * height, width: Math.max(0, right - x), height };
        add(this.svg, "rect", { class: "strip", ...shape, fill: color });
      });
      this.fit(values.map(([text]) => text).join(" | "), x, right, y + 12, "middle", "held");
    });
  }

  // Write a text where there is room for it; about 7 units a letter.
  fit(text, left, right, y, anchor, look = "") {
    if (text.length * 7 > right - left) return false;
    const x = { start: left, middle: (left + right) / 2, end: right }[anchor];
    add(this.svg, "text", { class: `small ${look}`, x, y, "text-anchor": anchor }, text);
    return true;
  }

  x(time) {
    const part = Math.min(Math.max(time, 0), this.scene.end) / this.scene.end;
    return 90 + (this.wide - 100) * part;
  }

  time(x) {
    return Math.min(Math.max((x - 90) / (this.wide - 100), 0), 1) * this.scene.end;
  }

  show(state) {
    for (const { group, a, b } of this.cables) {
      const [there, back] = [state.cut.has(`${a}-${b}`), state.cut.has(`${b}-${a}`)];
      group.dataset.cut = there && back ? "both" : there ? "there" : back ? "back" : "";
    }
    this.nodes.forEach((node, place) => this.showNode(node, state, place));
    this.clients.forEach((client, place) => this.showClient(client, state.clients[place]));
    this.showFlights(state.messages);
    const x = this.x(state.time);
    this.cursor.setAttribute("d", `M${x} ${this.top - this.head}V${this.bottom}`);
  }

  showNode(node, state, place) {
    const held = JSON.stringify([state.held[place], state.marks[place]]);
    if (held === node.held) return;
    node.held = held;
    const values = state.held[place];
    node.group.dataset.held = values.map(([text]) => text).join(" | ");
    node.group.classList.toggle("down", state.down.has(place));
    node.name.textContent = [this.scene.nodes[place], ...state.marks[place]].join(", ");
    node.values.replaceChildren();
    const { radius } = this.places;
    values.forEach(([, color], band) => {
      const [low, high] = [band / values.length, (band + 1) / values.length];
      add(node.values, "path", { d: slice(node, radius, low, high), fill: color });
    });
    const lines = values.length > 1 ? values.map(([text]) => text) : (values[0]?.[0] ?? "–").split(" ");
    lines.forEach((text, row) => {
      const y = node.y + 6 + (row - (lines.length - 1) / 2) * 19;
      const look = values.length ? "value" : "value none";
      squeeze(add(node.values, "text", { class: look, x: node.x, y }, text), 2 * radius - 10, 9.5);
    });
  }

  showClient(client, { asks, says, look }) {
    const shown = `${asks}|${says}|${look}`;
    if (shown === client.shown) return;
    client.shown = shown;
    client.group.dataset.look = look;
    client.asks.textContent = asks;
    client.says.textContent = says;
    squeeze(client.asks, 144, 8);
    squeeze(client.says, 144, 8);
  }

  showFlights(messages) {
    const now = new Set(messages.map(({ number }) => number));
    for (const [number, flight] of this.shown) {
      if (!now.has(number)) {
        flight.group.remove();
        this.shown.delete(number);
      }
    }
    for (const message of messages) {
      if (!this.shown.has(message.number)) this.shown.set(message.number, this.launch(message));
      const flight = this.shown.get(message.number);
      Object.assign(flight, along(flight.start, flight.end, message.part));
      flight.group.setAttribute("transform", `translate(${flight.x} ${flight.y})`);
      flight.group.dataset.gone = message.gone;
    }
    this.name(messages.map((message) => ({ ...message, flight: this.shown.get(message.number) })));
  }

  // Name the messages while they are few; no name may cover another.
  name(messages) {
    const flying = messages.filter(({ gone }) => !gone);
    const placed = [];
    for (const way of [-1, 1]) { // names above their messages give way upwards, others downwards
      const here = flying.filter(({ flight }) => Math.sign(flight.at.y) === way);
      for (const { flight } of here.sort((a, b) => way * (a.flight.y - b.flight.y))) {
        const { x, label, at } = flight;
        let y = flight.y + at.y;
        for (const other of placed) {
          const near = Math.abs(other.x - x) < 70 && Math.abs(other.y - y) < 15;
          if (near) y = other.y + 15 * way;
        }
        placed.push({ x, y });
        label.setAttribute("y", y - flight.y);
      }
    }
    for (const { flight, gone } of messages) {
      flight.label.style.display = flying.length <= 8 && !gone ? "" : "none";
    }
  }

  launch({ number, from, to, label, own, lost, same }) {
    const { nodes, radius } = this.places;
    const [start, end, across] = wayBetween(nodes[from], nodes[to], radius, 8);
    const answer = label.endsWith(": answer");
    const look = `message ${answer ? "answer" : "request"} ${own ? "" : "background"}`;
    const group = add(this.flights, "g", { class: look, "data-message": number });
    Object.assign(group.dataset, { from, to, label, lost });
    if (same) add(group, "path", { class: "same", d: "M0 -15L15 0L0 15L-15 0Z" });
    add(group, "circle", { r: own ? 8 : 6 });
    add(group, "path", { d: "M-9 -9L9 9M-9 9L9 -9" });
    const name = label.replace(": answer", " ✓");
    const side = Math.abs(across.x) > 0.5;
    const at = side ? { x: across.x * 14, y: 5 } : { x: 0, y: across.y > 0 ? 26 : -14 };
    const anchor = side ? (across.x > 0 ? "start" : "end") : "middle";
    const made = add(group, "text", { ...at, "text-anchor": anchor }, name);
    return { group, start, end, at, label: made };
  }
}

// Make a text narrower if it has no room, with letters of so many units.
function squeeze(text, room, letter) {
  const wide = text.textContent.length * letter > room;
  if (wide) text.setAttribute("textLength", room);
  else text.removeAttribute("textLength");
  text.setAttribute("lengthAdjust", "spacingAndGlyphs");
}

function line(from, to) {
  return `M${from.x} ${from.y}L${to.x} ${to.y}`;
}

function shift(place, across, step) {
  return { x: place.x + across.x * step, y: place.y + across.y * step };
}

// The part of a disc between two heights, from 0 at its top to 1 at its bottom.
function slice({ x, y }, radius, low, high) {
  const edge = (part) => {
    const up = radius * (2 * part - 1);
    return [Math.sqrt(Math.max(0, radius * radius - up * up)), y + up];
  };
  const [[topHalf, top], [lowHalf, bottom]] = [edge(low), edge(high)];
  const arc = `A${radius} ${radius} 0 ${high - low > 0.99 ? 1 : 0}`;
  const right = `${arc} 1 ${x + lowHalf} ${bottom}`;
  const left = `${arc} 1 ${x - topHalf} ${top}`;
  return `M${x - topHalf} ${top}H${x + topHalf}${right}H${x - lowHalf}${left}Z`;
}
