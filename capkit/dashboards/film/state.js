// What is true at a moment of a film; it knows no page.
//
// `scene` is worked out in Python (scene.py): plain data, with times in ms.

function stateAt(scene, time) {
  const last = (list) => list.findLast((each) => each.at <= time);
  const lasts = scene.faults.filter((f) => f.at <= time && (f.until === null || time < f.until));
  const marks = scene.nodes.map(() => []);
  for (const fault of lasts) {
    for (const [node, mark] of Object.entries(fault.marks)) marks[node].push(mark);
  }
  return {
    time,
    marks,
    held: scene.copies.map((copies) => last(copies)?.values ?? []),
    cut: new Set(lasts.flatMap((fault) => fault.cut.map(([from, to]) => `${from}-${to}`))),
    down: new Set(lasts.flatMap((fault) => fault.down)),
    clients: scene.clients.map((_, client) => clientAt(scene, client, time)),
    messages: scene.messages.flatMap((message, number) => {
      if (time < message.sent || time >= message.ends + (message.lost ? scene.usual : 0)) return [];
      const gone = time >= message.ends;
      const part = gone ? 1 : (time - message.sent) / Math.max(message.ends - message.sent, 1e-9);
      return [{ ...message, number, gone, part: message.lost ? part / 2 : part }];
    }),
  };
}

function clientAt(scene, client, time) {
  const asked = scene.operations.findLast((each) => each.client === client && each.from <= time);
  if (!asked) return { asks: "", says: "", look: "idle" };
  const { asks, told, outcome, stale } = asked;
  if (asked.until === null || time < asked.until) {
    return { asks, says: `waits, ${Math.floor(time - asked.from)} ms`, look: "waits" };
  }
  const sign = stale ? "▼" : { OK: "✓", FAIL: "✗", UNKNOWN: "?" }[outcome];
  return { asks, says: `${sign} ${told}${stale ? ", stale" : ""}`, look: stale ? "stale" : outcome };
}

function momentAt(scene, time, mainOnly) {
  return scene.moments.findLast(([at, , isMain]) => at <= time && (isMain || !mainOnly))[1];
}

// In words, for those who cannot see the picture.
function wordsFor(scene, state) {
  const list = (values) => values.map(([text]) => text).join(" and ") || "nothing";
  const nodes = scene.nodes.map((name, node) => {
    const marks = state.marks[node].map((mark) => `, ${mark}`).join("");
    return `${name} holds ${list(state.held[node])}${marks}`;
  });
  const clients = scene.clients
    .map(({ name }, client) => `${name}: ${state.clients[client].asks} ${state.clients[client].says}`)
    .filter((_, client) => state.clients[client].asks);
  const flying = state.messages.filter((message) => !message.gone).length;
  const under = `${flying} message${flying === 1 ? "" : "s"} under way`;
  const parts = [`At ${Math.round(state.time)} ms`, ...nodes, ...clients, under];
  return `${parts[0]}: ${parts.slice(1).join("; ")}.`;
}
