// Pages without a kernel: dashboards show pictures that were drawn beforehand, guesses know their
// answer, and films play. Works from a folder (file://), so all data comes as scripts.

const capkit = window.capkit;

// A dashboard: moving a control looks for the setting that was drawn.
class Board {
  constructor(root) {
    this.root = root;
    this.data = capkit.boards[root.dataset.board];
    this.image = root.querySelector("img");
    this.says = root.querySelector("[role=status]");
    this.places = root.dataset.start.split(",").map(Number);
    this.start = [...this.places];
    const aside = make("div", { className: "aside" });
    this.controls = this.data.controls.map((control, number) => this.control(control, number));
    const stories = make("div", { className: "stories" });
    for (const [label, to] of [["Reset", this.start], ...this.data.stories.slice(1)]) {
      stories.append(make("button", { type: "button", textContent: label, onclick: () => this.tell(label, to) }));
    }
    aside.append(...this.controls.map(({ box }) => box), stories);
    root.prepend(aside);
    this.show();
  }

  control(control, number) {
    const makers = { slider: slider, choice: choice, list: list };
    return makers[control.kind](control, (place) => this.move(number, place));
  }

  move(number, place) {
    const wanted = this.places.map((each, other) => (other === number ? place : each));
    this.settle(wanted, (state) => state[number] === place);
  }

  tell(label, to) {
    const kept = label === "Reset" ? [] : this.data.keep;
    const wanted = to.map((place, number) => (kept.includes(number) ? this.places[number] : place));
    const told = to.map((place, number) => kept.includes(number) || place);
    this.settle(wanted, (state) => told.every((place, other) => place === true || place === state[other]));
  }

  // Show what is wanted, or the nearest of the settings that were drawn, among those that will do.
  settle(wanted, willDo) {
    if (this.data.states[wanted]) {
      this.places = wanted;
    } else {
      const weights = this.data.controls.map(({ leads }) => (leads ? 1000 : 1));
      const far = (state) => state.reduce(
        (sum, each, other) => sum + weights[other] * Math.abs(each - wanted[other]), 0);
      const all = Object.keys(this.data.states).map((key) => key.split(",").map(Number));
      this.places = all.filter(willDo).reduce((best, state) => (far(state) < far(best) ? state : best));
    }
    this.show();
  }

  // The places of a control that were drawn with all others as they are. Where there is only one,
  // or where the limits of others depend on it, all: then others move as well.
  offered(number) {
    const { values, leads } = this.data.controls[number];
    const all = values.map((_, place) => place);
    const drawn = all.filter((place) => {
      const wanted = this.places.map((each, other) => (other === number ? place : each));
      return this.data.states[wanted];
    });
    return leads || drawn.length < 2 ? all : drawn;
  }

  show() {
    const [picture, sentence] = this.data.states[this.places];
    this.image.src = `${this.root.dataset.folder}/${this.data.pictures[picture]}`;
    this.image.alt = sentence;
    this.says.textContent = sentence;
    this.controls.forEach(({ show }, number) => show(this.places[number], this.offered(number)));
  }
}

let names = 0;

function make(tag, properties = {}, ...children) {
  const made = Object.assign(document.createElement(tag), properties);
  made.append(...children);
  return made;
}

function slider({ label, tip, values }, act) {
  const name = make("label", { textContent: label, title: tip, htmlFor: `control-${(names += 1)}` });
  const input = make("input", { type: "range", id: name.htmlFor, title: tip, min: 0, step: 1 });
  const readout = make("output", { htmlFor: input.id });
  let places = [];
  input.oninput = () => act(places[input.value]);
  const show = (place, offered) => {
    places = offered;
    input.max = offered.length - 1;
    input.disabled = offered.length < 2;
    input.value = offered.indexOf(place);
    input.setAttribute("aria-valuetext", values[place]);
    readout.textContent = values[place];
  };
  return { box: make("div", { className: "control slider" }, name, input, readout), show };
}

function choice({ label, tip, values }, act) {
  const buttons = values.map((value, place) =>
    make("button", { type: "button", textContent: value, onclick: () => act(place) }));
  const show = (place, offered) => buttons.forEach((each, other) => {
    each.setAttribute("aria-pressed", other === place);
    each.disabled = !offered.includes(other);
  });
  const name = make("legend", { textContent: label, title: tip });
  return { box: make("fieldset", { className: "control choice" }, name, ...buttons), show };
}

function list({ label, tip, values }, act) {
  const name = make("label", { textContent: label, title: tip, htmlFor: `control-${(names += 1)}` });
  const select = make("select", { id: name.htmlFor, title: tip });
  select.onchange = () => act(Number(select.value));
  const show = (place, offered) => {
    select.replaceChildren(...offered.map((each) => new Option(values[each], each)));
    select.value = place;
    select.disabled = offered.length < 2;
  };
  return { box: make("div", { className: "control list" }, name, select), show };
}

// A guess: the answer is said only after it.
class Guess {
  constructor(root) {
    this.root = root;
    this.data = JSON.parse(root.querySelector("script").textContent);
    this.says = root.querySelector("[role=status]");
    this.chosen = null;
    const field = this.data.options ? this.choices() : this.number();
    const give = make("button", { type: "submit", textContent: "That is my guess" });
    const form = make("form", {}, field, give);
    form.onsubmit = (event) => {
      event.preventDefault();
      this.give();
    };
    this.says.before(form);
  }

  choices() {
    const buttons = this.data.options.map(([option]) => {
      const button = make("button", { type: "button", textContent: option });
      button.setAttribute("aria-pressed", false);
      button.onclick = () => {
        this.chosen = option;
        buttons.forEach((each) => each.setAttribute("aria-pressed", each === button));
      };
      return button;
    });
    return make("fieldset", { className: "control choice" }, make("legend", { textContent: "your guess" }), ...buttons);
  }

  number() {
    const { hint } = this.data;
    this.input = make("input", { type: "text", placeholder: hint, inputMode: "decimal" });
    return make("label", {}, "your guess ", this.input);
  }

  give() {
    if (this.data.options) {
      const found = this.data.options.find(([option]) => option === this.chosen);
      return this.say(found ? found[1] : "Choose one first, then press the button.");
    }
    const value = readNumber(this.input.value, this.data.unit);
    const { low, high } = this.data;
    if (value === null) return this.say(this.data.again);
    if ((low !== null && value < low) || (high !== null && value > high)) return this.say(this.data.outside);
    return this.say(this.verdict(value));
  }

  verdict(value) {
    const { answer, unit, close, words, because } = this.data;
    const after = unit && ` ${unit}`;
    const [found, said] = [short(answer) + after, short(value) + after];
    let verdict = value < answer ? "Too low" : "Too high";
    if (Math.abs(value - answer) <= close) verdict = words;
    if (short(value) === short(answer)) verdict = "Right";
    return `Your guess: ${said}. ${verdict}: it is ${found}.${because}`;
  }

  say(text) {
    this.says.textContent = text;
  }
}

// A number as a student types it: 0.757, 75.7 %, 3/4, 1,515 or 50,5; as in Python (typed.py).
function readNumber(text, unit) {
  let bare = text.trim();
  const named = Boolean(unit) && bare.endsWith(unit);
  if (named) bare = bare.slice(0, -unit.length).trim();
  const [top, bottom] = bare.split("/");
  const [value, below] = [decimal(top), bottom === undefined ? 1 : decimal(bottom)];
  if (value === null || !below) return null;
  const share = value / below;
  const isShare = bottom !== undefined || (/[.,]/.test(bare) && share >= 0 && share <= 1);
  return unit === "%" && !named && isShare ? Number((100 * share).toPrecision(12)) : share;
}

function decimal(text) {
  const trimmed = text.trim();
  const thousands = /^[+-]?\d{1,3}(,\d{3})+(\.\d+)?$/.test(trimmed);
  const plain = thousands ? trimmed.replaceAll(",", "") : trimmed.replaceAll(",", ".");
  return plain !== "" && Number.isFinite(Number(plain)) ? Number(plain) : null;
}

// Three digits, or a whole number where it has more.
function short(value) {
  const size = Math.abs(value);
  if (size >= 1000 && size < 1e12) return value.toLocaleString("en-US", { maximumFractionDigits: 0 });
  const digits = Number(value.toPrecision(3));
  const tiny = digits !== 0 && (size < 1e-4 || size >= 1e12);
  return tiny ? digits.toExponential().replace(/e([+-])(\d)$/, "e$10$2") : String(digits);
}

for (const root of document.querySelectorAll(".board")) new Board(root);
for (const root of document.querySelectorAll(".guess")) new Guess(root);
for (const root of document.querySelectorAll(".film")) {
  const scene = JSON.parse(root.querySelector("script").textContent);
  capkit.film.render({ model: { get: () => scene }, el: root });
}
