// page.js: draws the report from the data in the page. SPDX-License-Identifier: GPL-2.0-or-later
// Text of the wire becomes text nodes only: text() is between it and the document. Nothing is fetched, and nothing is kept.
"use strict";
(function () {
const data = JSON.parse(document.getElementById("data").textContent);
const SVG = "http://www.w3.org/2000/svg";
const CUT = 200, ROWS = 20, TOPIC_ROWS = 22, CLIENT_ROWS = 18, LANE_ROWS = 20, LADDER_STEPS = 60;
const OTHERS = "(others)";
const SEVERITIES = ["error", "warning", "note", "chat"];
const chosen = { client: null, topic: null, message: null };   // what the rest of the page is about
const unfolded = new Set();                                    // topics whose levels below are shown
const view = { bin: null, playing: null, from: 0, to: Math.max(data.end, 1e-6), order: "worst", allLanes: false };

// --- Elements -------------------------------------------------------------------------------------------------

function fill(made, attributes, children) {
  for (const [name, value] of Object.entries(attributes || {})) {
    if (value === null || value === undefined || value === false) continue;
    if (name.startsWith("on")) made.addEventListener(name.slice(2), value);
    else made.setAttribute(name, value === true ? "" : String(value));
  }
  for (const each of children.flat(3)) {
    if (each === null || each === undefined || each === false) continue;
    made.append(each instanceof Node ? each : document.createTextNode(String(each)));
  }
  return made;
}
const el = (tag, attributes, ...children) => fill(document.createElement(tag), attributes, children);
const svg = (tag, attributes, ...children) => fill(document.createElementNS(SVG, tag), attributes, children);

// Characters that are not seen, or that turn the direction of others, are shown by their number.
const UNSEEN = /[\u0000-\u001f\u007f-\u009f\u061c\u200b-\u200f\u2028-\u202e\u2060-\u206f\ufeff]/g;
const visible = (given) => String(given).replace(UNSEEN, (each) => "\u2039" + each.codePointAt(0).toString(16).toUpperCase().padStart(4, "0") + "\u203a");

// Text of the wire: apart from the direction of what is around it, and the beginning only of what is long.
function text(given) {
  const whole = visible(given === undefined || given === null ? "" : given);
  const letters = Array.from(whole);
  if (letters.length <= CUT) return el("bdi", {}, whole);
  const shown = el("bdi", {}, letters.slice(0, CUT).join("") + "\u2026");
  const more = el("button", { type: "button", class: "more", onclick: (event) => { event.stopPropagation(); shown.textContent = whole; more.remove(); } }, `all ${letters.length} characters`);
  return el("span", {}, shown, more);
}

const measure = document.createElement("canvas").getContext("2d");
// As much as has room; of a name the beginning and the end, by which names differ.
function shortened(given, width, size, isName) {
  measure.font = `${size || 13}px system-ui, sans-serif`;
  const all = Array.from(visible(given)), letters = all.length <= 120 ? all : [...all.slice(0, 60), ...isName ? all.slice(-60) : all.slice(60, 120)];
  if (measure.measureText(letters.join("")).width <= width) return letters.join("");
  const cut = () => isName ? letters.slice(0, Math.ceil(letters.length / 2)).join("") + "\u2026" + letters.slice(Math.ceil(letters.length / 2)).join("") : letters.join("") + "\u2026";
  while (letters.length > 1 && measure.measureText(cut()).width > width) letters.splice(isName ? Math.floor(letters.length / 2) : -1, 1);
  return cut();
}

// --- Words and numbers ----------------------------------------------------------------------------------------

const count = (number) => Number(number).toLocaleString("en-US");
const plural = (number, noun, several) => `${count(number)} ${number === 1 ? noun : several || noun + "s"}`;
function bytes(number) {
  if (number < 1000) return plural(number, "byte");
  const power = Math.min(4, Math.floor(Math.log10(number) / 3));
  return `${(number / 1000 ** power).toFixed(1)} ${["", "kB", "MB", "GB", "TB"][power]}`;
}
function span(seconds) {
  if (seconds === undefined || seconds === null) return "";
  if (seconds < 0.001) return `${+(seconds * 1e6).toFixed(1)} \u00b5s`;
  if (seconds < 1) return `${+(seconds * 1e3).toPrecision(4)} ms`;
  if (seconds < 120) return `${+seconds.toPrecision(4)} s`;
  return seconds < 7200 ? `${+(seconds / 60).toPrecision(3)} min` : `${+(seconds / 3600).toPrecision(3)} h`;
}
const DIGITS = data.end < 1 ? 6 : data.end < 100 ? 4 : 3;
const moment = (seconds) => `${seconds.toFixed(DIGITS)} s`;
const code = (given) => "0x" + given.toString(16).toUpperCase().padStart(2, "0");
const filter = (given) => el("code", {}, given);
const sum = (list) => list.reduce((total, each) => total + each, 0);

// --- Tables ---------------------------------------------------------------------------------------------------

// A table of `step` rows at first, and the rest on demand. A column: [heading, cell of a row, true for a number or a class].
function table(caption, columns, rows, mark, step) {
  const body = el("tbody");
  let shown = 0;
  const more = el("button", { type: "button", onclick: () => add() }, "Show more");
  function add() {
    for (const row of rows.slice(shown, shown + (step || ROWS))) {
      const marked = mark && mark(row);
      body.append(el("tr", { "aria-selected": marked ? "true" : null }, columns.map(([head, cell, kind]) => {
        const inside = cell(row);
        return el("td", { class: kind === true ? "number" : kind || null, "data-head": head },
          inside === "" || inside === null || inside === undefined ? [] : el("span", {}, inside));
      })));
    }
    shown = Math.min(rows.length, shown + (step || ROWS));
    more.hidden = shown >= rows.length;
    more.textContent = `Show more (${count(rows.length - shown)} left)`;
  }
  add();
  return el("div", {}, el("div", { class: "scroll" }, el("table", { class: "stack" }, el("caption", {}, caption),
    el("thead", {}, el("tr", {}, columns.map(([head, , kind]) => el("th", { scope: "col", class: kind === true ? "number" : null }, head)))), body)),
    el("p", {}, more));
}

const leftOut = (number, what, hint) => number ? el("p", { class: "soft small" }, `${plural(number, `further ${what}`)} ${number === 1 ? "is" : "are"} not on this page${hint || ""}.`) : null;
const put = (part, ...children) => { const place = document.querySelector(`#${part} .content`); place.replaceChildren(); fill(place, {}, children); };
const severity = (given) => el("span", { class: `severity ${given}` }, { error: "\u25b2 ", warning: "\u25c6 ", note: "\u25cf ", chat: "\u25cf " }[given] + given);

// --- Choosing -------------------------------------------------------------------------------------------------

const ofTopic = (topic) => chosen.topic === null || topic === chosen.topic || topic.startsWith(chosen.topic + "/");
const ofClient = (client) => chosen.client === null || client === chosen.client;
const takesMessage = (each) => ofTopic(each.topic) && (chosen.client === null || each.publisher === chosen.client ||
  each.missing.includes(chosen.client) || each.steps.some((step) => step.client === chosen.client));

function choose(kind, value) {
  const focus = document.activeElement && document.activeElement.dataset ? document.activeElement.dataset.key : null;
  chosen[kind] = chosen[kind] === value ? null : value;
  if (kind !== "message") chosen.message = null;
  drawFilter();
  drawChosen();
  const again = focus && Array.from(document.querySelectorAll("[data-key]")).find((each) => each.dataset.key === focus);
  if (again) again.focus();
}
// A button with text of the wire; that which shows the rest of it stands beside it.
function chooser(kind, value, given) {
  const inside = text(given);
  const shown = inside.tagName === "BDI" ? inside : inside.firstChild;
  const made = el("button", { type: "button", class: "link", onclick: () => choose(kind, value) }, shown);
  if (inside !== shown) inside.prepend(made);
  return inside === shown ? made : inside;
}
const clientButton = (name) => name === undefined ? "" : chooser("client", name, name);
const topicButton = (name) => chooser("topic", name, name === "" ? "(unknown)" : name);

function drawFilter() {
  const place = document.getElementById("filter");
  place.replaceChildren();
  if (chosen.client === null && chosen.topic === null) return;
  place.append(el("div", {}, "Only ", chosen.client !== null && ["client ", el("b", {}, text(chosen.client))], chosen.client !== null && chosen.topic !== null && " and ",
    chosen.topic !== null && ["topic ", el("b", {}, text(chosen.topic))],
    el("button", { type: "button", id: "clear", onclick: () => { chosen.client = chosen.topic = chosen.message = null; drawFilter(); drawChosen(); } }, "Show all")));
}

// --- 1 Verdict ------------------------------------------------------------------------------------------------

function drawVerdict() {
  const found = data.capture.findings;
  const words = ["error", "warning", "note"].filter((each) => found[each]).map((each) => plural(found[each], each));
  const states = ["broken", "held", "partly judged", "not exercised", "not judged"];
  const by = (state) => data.statements.filter((each) => each.state === state);
  put("verdict",
    el("p", { class: "headline" }, words.length ? [words.join(", "), ": ", el("span", { class: "broken" }, `${plural(by("broken").length, "statement")} of the specification broken`)]
      : [el("span", { class: "held" }, "No rule of the specification was seen broken")]),
    el("ul", { class: "cards" },
      [[data.capture.connections, "connections"], [data.totals.publications, "messages published"], [data.totals.deliveries, "messages delivered"],
        [by("held").length, "statements held"], [by("broken").length, "statements broken"], [by("not exercised").length, "not exercised"]]
        .map(([number, what]) => el("li", {}, el("b", {}, count(number)), el("span", {}, what)))),
    data.partial.length || data.capture.unread_streams_total ? el("div", {}, el("h3", {}, "What could not be judged"), el("ul", { class: "plain" },
      data.partial.map((each) => el("li", {}, each)),
      data.capture.unread_streams.slice(0, 10).map((each) => el("li", {}, `Stream ${each.stream} to port ${each.port} could not be read as MQTT `, filter(`tcp.stream == ${each.stream}`)))))
      : el("p", { class: "soft" }, "The capture is complete: each connection is there from its CONNECT on, without gaps."),
    states.map((state) => {
      const list = by(state);
      const explained = { broken: "a breach was seen", held: "the occasion came for each of its rules, and no breach was seen", "partly judged": "the occasion came for some of its rules",
        "not exercised": "the occasion never came", "not judged": "nothing in a capture can show it, or no rule does" }[state];
      return list.length ? lazy(`${count(list.length)} ${state}`, explained, () => table(`Statements: ${explained}`, [["Statement", (each) => each.id],
        ["MQTT", (each) => each.version], ["What it says", (each) => each.statement], ...(state === "not judged" ? [["Why not", (each) => each.reason]] : [])], list)) : null;
    }));
}

// Details whose inside is made when they are opened first.
function lazy(title, explained, make) {
  const made = el("details", { ontoggle: () => { if (made.open && made.children.length === 1) made.append(make()); } },
    el("summary", {}, title, explained ? el("span", { class: "soft" }, ` \u2013 ${explained}`) : null));
  return made;
}

// --- 2 Who is who ---------------------------------------------------------------------------------------------

function wishes(each) {
  const parts = [];
  if (each.connect_seen) parts.push(each.clean_start ? "clean start" : "session kept");
  if (each.keep_alive !== undefined) parts.push(`keep alive ${each.keep_alive}\u00a0s`);
  const filters = each.subscriptions.map((one) => [text(one.filter), one.code === undefined ? " (no answer)" : one.code < 128 ? ` (QoS\u00a0${one.code & 3})` : ` (refused, ${code(one.code)})`]);
  const further = each.subscriptions_total - each.subscriptions.length;
  return [parts.join(", "), each.user_name ? [" user ", text(each.user_name)] : null,
    filters.length ? el("div", {}, "subscribed to ", filters.map((one, at) => [at ? ", " : "", one]), further > 0 ? ` and ${further} more` : "") : null];
}
function drawClients() {
  const list = data.connections.filter((each) => ofClient(each.client));
  put("clients", table("One row for each connection; a client is a button that filters the page", [
    ["Client", (each) => clientButton(each.client), "name"], ["Role", (each) => [each.role.split("+").map((part, at) => at ? ["+", el("wbr"), part] : part), each.version ? el("div", { class: "soft small" }, `MQTT\u00a0${each.version}`) : null]],
    ["Address", (each) => [text(each.client_address), el("div", { class: "soft small" }, "to ", text(each.broker_address))], "address"],
    ["What it asked for", wishes, "wide"],
    ["Answer", (each) => each.connack === undefined ? "" : `${each.connack}${each.session_present ? ", session present" : ""}`],
    ["How it ended, and its filter in Wireshark", (each) => [text(each.ended || ""), el("div", {}, filter(`mqttscope.connection == ${each.connection}`))], "wide"],
    ["Packets", (each) => count(each.packets), true]], list),
  leftOut(data.connections_left_out, "connection"));
}

// --- 3 Picture ------------------------------------------------------------------------------------------------

// The topics as a tree; a node: its name, the messages below it, its children by the next level.
function topicTree(flows) {
  const root = { path: null, label: "", messages: 0, leaves: new Set(), children: new Map() };
  for (const flow of flows) {
    let node = root;
    let path = null;
    for (const level of flow.topic.split("/")) {
      path = path === null ? level : `${path}/${level}`;
      if (!node.children.has(level)) node.children.set(level, { path, label: level, messages: 0, leaves: new Set(), children: new Map(), isTopic: false });
      node = node.children.get(level);
      node.messages += flow.messages;
      node.leaves.add(flow.topic);
    }
    node.isTopic = true;
  }
  return root;
}
// What is shown of the tree: the busiest nodes are opened while there is room, and those that the reader opened.
function topicRows(root) {
  const open = new Set([root]);
  const follow = (node) => { while (node.children.size === 1 && !node.isTopic) node = node.children.values().next().value; return node; };
  let rows = root.children.size;
  const waiting = Array.from(root.children.values(), follow);
  while (waiting.length) {
    waiting.sort((one, other) => other.messages - one.messages);
    const at = waiting.findIndex((each) => each.children.size && (unfolded.has(each.path) || rows + each.children.size - (each.isTopic ? 0 : 1) <= TOPIC_ROWS));
    if (at < 0) break;
    const node = waiting.splice(at, 1)[0];
    open.add(node);
    rows += node.children.size;
    waiting.push(...Array.from(node.children.values(), follow));
  }
  const shown = [];
  function list(node, depth, before) {
    for (const first of node.children.values()) {
      const each = follow(first);
      const label = before === null ? each.path : each.path.slice(before.length + 1);
      if (open.has(each) && each.children.size) {
        if (each.isTopic) shown.push({ path: each.path, label, depth, topics: new Set([each.path]), folded: 0 });
        else shown.push({ path: each.path, label: label + "/", depth, topics: new Set(), folded: 0 });
        list(each, depth + 1, each.path);
      } else shown.push({ path: each.path, label: each.children.size ? `${label}/\u2026` : label, depth, topics: each.leaves, folded: each.children.size ? each.leaves.size : 0 });
    }
  }
  list(root, 0, null);
  if (shown.length <= 3 * TOPIC_ROWS) return shown;
  const kept = shown.slice(0, 3 * TOPIC_ROWS);
  kept.push({ path: null, label: `${count(shown.length - kept.length)} more`, depth: 0, topics: new Set(shown.slice(kept.length).flatMap((each) => Array.from(each.topics))), folded: 0 });
  return kept;
}
function clientRows(flows) {
  const totals = new Map();
  for (const flow of flows) totals.set(flow.client, (totals.get(flow.client) || 0) + flow.messages);
  const names = Array.from(totals.keys()).filter((name) => name !== OTHERS).sort((one, other) => totals.get(other) - totals.get(one));
  const rows = names.slice(0, CLIENT_ROWS).map((name) => ({ name, label: name, names: new Set([name]) }));
  const rest = names.slice(CLIENT_ROWS);
  if (rest.length) rows.push({ name: null, label: `${count(rest.length)} more`, names: new Set(rest) });
  if (totals.has(OTHERS)) rows.push({ name: OTHERS, label: OTHERS, names: new Set([OTHERS]) });
  return rows;
}
const upTo = (flow, bin) => bin === null ? flow.messages : sum(flow.bins.filter(([at]) => at <= bin).map(([, number]) => number));
const lastBin = Math.max(1, Math.min(data.bins - 1, Math.floor(data.end / data.bin_width)));

function drawPicture() {
  const slider = el("input", { type: "range", id: "when", min: 0, max: lastBin, value: view.bin === null ? lastBin : view.bin, step: 1, "aria-label": "Time of the replay",
    oninput: () => { stop(); show(Number(slider.value)); } });
  const output = el("output", { for: "when" });
  const play = el("button", { type: "button", id: "play", onclick: () => view.playing === null ? start() : stop() }, "Play");
  const whole = el("button", { type: "button", onclick: () => { stop(); show(null); } }, "Whole capture");
  const drawing = el("div", { id: "drawing" });
  const info = el("p", { class: "info small", "aria-live": "polite" });
  const hint = "Lines are as wide as messages flow. Point at a line or a box, or move to a box with Tab, for its numbers; Enter or a click filters the page.";
  function show(bin) {
    view.bin = bin;
    slider.value = bin === null ? lastBin : bin;
    output.textContent = bin === null ? "whole capture" : `${moment((bin + 1) * data.bin_width)}`;
    slider.setAttribute("aria-valuetext", output.textContent);
    drawFlows(drawing, info, hint);
  }
  function start() {
    const from = view.bin === null || view.bin >= lastBin ? 0 : view.bin;
    play.textContent = "Pause";
    show(from);
    view.playing = setInterval(() => view.bin >= lastBin ? stop() : show(view.bin + 1), 80);
  }
  function stop() {
    clearInterval(view.playing);
    view.playing = null;
    play.textContent = "Play";
  }
  const others = sum(data.flows.filter((each) => each.client === OTHERS).map((each) => each.messages)), wrong = data.totals.invalid_qos;
  const invalid = wrong ? el("p", { class: "warning" }, `${plural(wrong, "PUBLISH packet")} with QoS 3, which is no QoS, ${wrong === 1 ? "is no message" : "are no messages"}, and not drawn. `, filter("mqtt.qos == 3")) : null;
  put("picture", data.flows.length ? [el("div", { class: "controls" }, play, slider, output, whole), drawing, info,
    lazy("The same as a table", "", () => table("Messages by client and topic", [["Client", (each) => clientButton(each.client)], ["Direction", (each) => each.to_broker ? "published to" : "got from"],
      ["Topic", (each) => topicButton(each.topic)], ["Messages", (each) => count(each.messages), true], ["Payload", (each) => bytes(each.payload_bytes), true]], data.flows)),
    others ? el("p", { class: "soft small" }, `${plural(others, "message")} of clients or topics with few messages ${others === 1 ? "is" : "are"} under (others).`) : null, invalid] : [el("p", { class: "soft" }, "No message in this capture."), invalid]);
  if (data.flows.length) show(view.bin);
}

function drawFlows(place, info, hint) {
  const width = Math.max(330, Math.min(1030, place.clientWidth || 1030));
  const isNarrow = width < 620;
  const row = 34, box = 26, top = 40, size = isNarrow ? 12 : 13;
  const side = isNarrow ? Math.floor(width * 0.25) : 190;
  const middle = isNarrow ? Math.floor(width * 0.3) : Math.min(330, width * 0.34);
  const middleAt = (width - middle) / 2;
  const topics = topicRows(topicTree(data.flows));
  const publishers = clientRows(data.flows.filter((each) => each.to_broker));
  const subscribers = clientRows(data.flows.filter((each) => !each.to_broker));
  const height = top + 14 + row * Math.max(publishers.length, topics.length, subscribers.length, 2);
  const y = (list, at) => top + 8 + row * at + (height - top - 14 - row * list.length) / 2 + box / 2;
  const indentOf = (topic) => Math.min(isNarrow ? 12 : 48, topic.depth * (isNarrow ? 4 : 14));
  const lines = [];
  for (const [list, toBroker] of [[publishers, true], [subscribers, false]])
    list.forEach((client, clientAt) => topics.forEach((topic, topicAt) => {
      const flows = data.flows.filter((each) => each.to_broker === toBroker && client.names.has(each.client) && topic.topics.has(each.topic));
      if (flows.length) lines.push({ client, topic, toBroker, from: y(list, clientAt), to: y(topics, topicAt),
        messages: sum(flows.map((each) => upTo(each, view.bin))), all: sum(flows.map((each) => each.messages)), size: sum(flows.map((each) => each.payload_bytes)),
        active: view.bin !== null && flows.some((each) => each.bins.some(([at]) => at === view.bin)),
        faint: !client.names.has(chosen.client) && chosen.client !== null || !(chosen.topic === null || Array.from(topic.topics).some(ofTopic)) });
    }));
  const most = Math.max(1, ...lines.map((each) => each.all));
  const say = (words) => { info.replaceChildren(); fill(info, {}, words.length ? words : [hint]); };
  const wordsOf = (line) => [text(line.client.label), line.toBroker ? " published " : " got ", plural(line.messages, "message"), " of ", text(line.topic.path === null ? line.topic.label : line.topic.path),
    view.bin === null ? `, ${bytes(line.size)} of payload` : ` by ${moment((view.bin + 1) * data.bin_width)}`];
  const paths = lines.filter((each) => each.messages).map((line) => {
    const [x1, y1, x2, y2] = line.toBroker ? [side, line.from, middleAt + 12 + indentOf(line.topic), line.to] : [middleAt + middle - 12, line.to, width - side, line.from];
    const bend = (x2 - x1) / 2;
    return svg("path", { class: `flow${line.active ? " active" : ""}${line.faint ? " faint" : ""}`, d: `M${x1} ${y1}C${x1 + bend} ${y1} ${x2 - bend} ${y2} ${x2} ${y2}`,
      "stroke-width": (1.5 + 10.5 * Math.sqrt(line.messages / most)).toFixed(1), "data-messages": line.messages, "data-direction": line.toBroker ? "publish" : "deliver",
      onpointerenter: () => say(wordsOf(line)), onpointerleave: () => say([]) });
  });
  function node(x, at, wide, label, key, isChosen, about, press, indent, unfold) {
    const focused = () => say(about);
    const act = (event) => { if (event.type === "keydown" && event.key !== "Enter" && event.key !== " ") return; event.preventDefault(); press(); };
    return svg("g", { class: `node${isChosen ? " chosen" : ""}`, role: "button", tabindex: 0, "data-key": key, "aria-pressed": isChosen ? "true" : "false", "aria-label": about.map((each) => each.textContent === undefined ? each : each.textContent).join(""),
      onclick: act, onkeydown: (event) => unfold && event.key === "+" ? unfold() : act(event), onfocus: focused, onpointerenter: focused, onpointerleave: () => say([]) },
    svg("rect", { x: x + indent, y: at - box / 2, width: wide - indent, height: box, rx: 5 }),
    svg("text", { x: x + indent + 9, y: at + 4.5, "font-size": size }, shortened(label, wide - indent - 16, size, true)));
  }
  function clientNode(client, at, list, x, toBroker) {
    const own = lines.filter((each) => each.client === client && each.toBroker === toBroker);
    const about = [text(client.label), toBroker ? " published " : " got ", plural(sum(own.map((each) => each.messages)), "message"), ` ${toBroker ? "to" : "of"} `, plural(own.length, "topic shown", "topics shown")];
    return node(x, y(list, at), side, client.label, `${toBroker ? "publisher" : "subscriber"} ${client.label}`, client.name !== null && client.name === chosen.client, about,
      () => { if (client.name !== null && client.name !== OTHERS) choose("client", client.name); }, 0, null);
  }
  function topicNode(topic, at) {
    const own = lines.filter((each) => each.topic === topic);
    const numbers = [sum(own.filter((each) => each.toBroker).map((each) => each.messages)), sum(own.filter((each) => !each.toBroker).map((each) => each.messages))];
    const unfold = topic.folded ? () => { unfolded.add(topic.path); drawFlows(place, info, hint); } : null;
    const about = ["topic ", text(topic.path === null ? topic.label : topic.path), topic.topics.size ? `: ${plural(numbers[0], "message")} published, ${count(numbers[1])} delivered` : ", and what is below it",
      topic.folded ? `, ${plural(topic.folded, "topic")}; double click or + unfolds it` : ""];
    const indent = indentOf(topic);
    const made = node(middleAt + 12, y(topics, at), middle - 24, topic.label + (topic.folded && !isNarrow ? ` (${count(topic.folded)})` : ""), `topic ${topic.path}`, topic.path !== null && topic.path === chosen.topic, about,
      () => { if (topic.path !== null && topic.path !== OTHERS) choose("topic", topic.path); }, indent, unfold);
    if (unfold) made.addEventListener("dblclick", unfold);
    return made;
  }
  const focus = document.activeElement && place.contains(document.activeElement) ? document.activeElement.dataset.key : null;
  place.replaceChildren(svg("svg", { viewBox: `0 0 ${width} ${height}`, role: "group", "aria-label": "Publishers, the broker with its topics, and subscribers" },
    svg("rect", { class: "broker", x: middleAt, y: 18, width: middle, height: height - 20, rx: 9 }),
    svg("text", { class: "head", x: 0, y: 10 }, publishers.length ? "Publishers" : ""), svg("text", { class: "head", x: middleAt, y: 10 }, isNarrow ? "Broker" : "Broker, with its topics"),
    svg("text", { class: "head", x: width, y: 10, "text-anchor": "end" }, subscribers.length ? "Subscribers" : ""), paths,
    publishers.map((each, at) => clientNode(each, at, publishers, 0, true)), topics.map(topicNode), subscribers.map((each, at) => clientNode(each, at, subscribers, width - side, false))));
  const again = focus && Array.from(place.querySelectorAll("[data-key]")).find((each) => each.dataset.key === focus);
  if (again) again.focus();
  if (!again) say([]);
}

// --- 4 Timeline -----------------------------------------------------------------------------------------------

function drawTimeline() {
  const place = el("div", { id: "lanes" });
  const output = el("output", {});
  const info = el("p", { class: "info small", "aria-live": "polite" });
  const all = data.lanes.filter((lane) => { const of = data.connections.find((each) => each.connection === lane.connection); return of && ofClient(of.client); });
  const lanes = view.allLanes ? all : all.slice(0, LANE_ROWS);
  const more = el("button", { type: "button", hidden: all.length === lanes.length, onclick: () => { view.allLanes = true; drawTimeline(); } }, `Show more (${count(all.length - lanes.length)} left)`);
  function zoom(factor, shift) {
    const length = Math.min(data.end, Math.max(data.bin_width * 4, (view.to - view.from) * factor));
    const middle = (view.from + view.to) / 2 + shift * (view.to - view.from);
    view.from = Math.max(0, Math.min(data.end - length, middle - length / 2));
    view.to = view.from + length;
    show();
  }
  const button = (words, factor, shift) => el("button", { type: "button", onclick: () => zoom(factor, shift) }, words);
  function show() {
    output.textContent = `${moment(view.from)} to ${moment(view.to)}`;
    drawLanes(place, info, lanes);
  }
  put("timeline", lanes.length ? [el("div", { class: "controls" }, button("Zoom in", 0.5, 0), button("Zoom out", 2, 0), button("Earlier", 1, -0.4), button("Later", 1, 0.4),
    el("button", { type: "button", onclick: () => { view.from = 0; view.to = Math.max(data.end, 1e-6); show(); } }, "Whole"), output), place, info, more,
  el("p", { class: "soft small" }, "Up, blue: packets of the client. Down, green: packets of the broker. Short ticks: PINGREQ. Dotted: silence. \u25b2 error, \u25c6 warning, \u25cf note, \u25a0 event."),
  leftOut(data.lanes_left_out, "connection")] : el("p", { class: "soft" }, "No connection."));
  if (lanes.length) show();
}

function drawLanes(place, info, lanes) {
  const width = Math.max(330, Math.min(1030, place.clientWidth || 1030));
  const isNarrow = width < 620;
  const left = isNarrow ? 0 : 170, high = isNarrow ? 62 : 46, middle = isNarrow ? 40 : 23, top = 26;
  const x = (time) => left + (width - left) * (time - view.from) / (view.to - view.from);
  const inside = (from, to) => to >= view.from && from <= view.to;
  const clamp = (time) => Math.max(view.from, Math.min(view.to, time));
  const most = Math.max(1, ...lanes.flatMap((lane) => [...lane.sent, ...lane.received].map(([, number]) => number)));
  const bar = (list, at, sign) => list.filter(([bin]) => inside(bin * data.bin_width, (bin + 1) * data.bin_width)).map(([bin, number]) =>
    `M${x(clamp((bin + 0.5) * data.bin_width)).toFixed(1)} ${at}v${(-sign * (3 + 13 * Math.sqrt(number / most))).toFixed(1)}`).join("");
  const shapes = { error: "M0-6L6 5H-6Z", warning: "M0-6L6 0L0 6L-6 0Z", note: "M-4.5 0a4.5 4.5 0 1 0 9 0a4.5 4.5 0 1 0-9 0", chat: "M-4.5 0a4.5 4.5 0 1 0 9 0a4.5 4.5 0 1 0-9 0" };
  const rows = lanes.map((lane, row) => {
    const of = data.connections.find((each) => each.connection === lane.connection);
    const at = top + row * high + middle;
    const end = of.last === undefined ? of.start : of.last;
    const marks = [...data.findings.map((each) => ({ each, isEvent: false })), ...data.events.map((each) => ({ each, isEvent: true }))]
      .filter(({ each }) => each.connection === lane.connection && inside(each.time, each.time)).slice(0, 60);
    const about = `${visible(of.client)}: ${plural(of.packets, "packet")} from ${moment(of.start)} to ${moment(end)}; ${visible(of.ended || "")}`;
    const silences = lane.silences.filter(([from, to]) => to - from > data.end / 20 && inside(from, to));
    return svg("g", { role: "group", "aria-label": about },
      svg("line", { class: "lane", x1: left, x2: width, y1: at, y2: at }),
      svg("g", { class: "node", role: "button", tabindex: 0, "data-key": `lane ${lane.connection}`, "aria-label": about, onclick: () => choose("client", of.client), onfocus: () => { info.textContent = about; },
        onpointerenter: () => { info.textContent = about; }, onkeydown: (event) => { if (event.key === "Enter" || event.key === " ") { event.preventDefault(); choose("client", of.client); } } },
      svg("text", { x: 0, y: isNarrow ? at - 24 : at + 4.5 }, shortened(of.client, isNarrow ? width - 10 : left - 16, 13, true))),
      inside(of.start, end) ? svg("rect", { class: "bar", x: x(clamp(of.start)), y: at - 3, width: Math.max(2, x(clamp(end)) - x(clamp(of.start))), height: 6, rx: 2 }) : null,
      silences.map(([from, to]) => svg("line", { class: "silence", x1: x(clamp(from)), x2: x(clamp(to)), y1: at - 8, y2: at - 8 }, svg("title", {}, `silent for ${span(to - from)}`))),
      svg("path", { class: "sent", d: bar(lane.sent, at - 3, 1), "stroke-width": 2 }), svg("path", { class: "received", d: bar(lane.received, at + 3, -1), "stroke-width": 2 }),
      svg("path", { class: "ping", d: lane.pings.filter((time) => inside(time, time)).map((time) => `M${x(time).toFixed(1)} ${at - 5}v10`).join("") }),
      marks.map(({ each, isEvent }) => svg("g", { transform: `translate(${x(each.time).toFixed(1)} ${at})`, onpointerenter: () => { info.textContent = `${isEvent ? "event" : each.severity} in frame ${each.frame} at ${moment(each.time)}: ${each.title}`; } },
        svg("path", { class: `marker ${each.severity}`, d: isEvent ? "M-4-4h8v8h-8Z" : shapes[each.severity] }, svg("title", {}, `${isEvent ? "event" : each.severity}: ${each.title}, frame ${each.frame}`)))));
  });
  const ticks = [0, 0.25, 0.5, 0.75, 1].slice(0, isNarrow ? 5 : 5).filter((each, at) => !isNarrow || at % 2 === 0);
  place.replaceChildren(svg("svg", { viewBox: `0 0 ${width} ${top + lanes.length * high}`, role: "group", "aria-label": "A lane for each connection" },
    ticks.map((part) => svg("text", { class: "head", y: 11, x: left + (width - left) * part, "text-anchor": part === 0 ? "start" : part === 1 ? "end" : "middle" }, moment(view.from + (view.to - view.from) * part))), rows));
}

// --- 5 Ladder -------------------------------------------------------------------------------------------------

const framesOf = (each) => new Set(each.steps.map((step) => step.frame));
function troubles(each) {
  const frames = framesOf(each);
  const found = data.findings.filter((one) => frames.has(one.frame) && each.steps.some((step) => step.frame === one.frame && step.pdu === one.pdu));
  return [each.missing_total ? `not seen at ${plural(each.missing_total, "subscriber")}` : null, each.doubled ? "delivered twice" : null,
    !each.delivered && each.publisher !== undefined && !each.missing.length ? "no delivery seen" : null, found.length ? plural(found.length, "finding") : null].filter((one) => one !== null);
}
function drawLadder() {
  let list = data.messages.filter(takesMessage);
  const weight = new Map(list.map((each) => [each, [each.missing.length ? 3 : 0, each.doubled ? 2 : 0, troubles(each).some((one) => one.includes("finding")) ? 2 : 0].reduce((one, other) => one + other, 0)]));
  if (view.order === "worst") list = list.slice().sort((one, other) => weight.get(other) - weight.get(one) || other.slowest - one.slowest);
  if (view.order === "slowest") list = list.slice().sort((one, other) => other.slowest - one.slowest);
  const picked = data.messages.find((each) => each.number === chosen.message) || null;
  const order = el("select", { id: "order", "aria-label": "Order of the messages", onchange: () => { view.order = order.value; drawLadder(); } },
    [["worst", "missing, doubled and broken first"], ["slowest", "slowest first"], ["time", "as they came"]].map(([value, words]) => el("option", { value, selected: view.order === value }, words)));
  const first = picked || (chosen.client === null ? list[0] : null);
  const steps = first ? first.steps : list.slice().sort((one, other) => one.number - other.number).flatMap((each) => each.steps).filter((step) => step.client === chosen.client);
  const heading = first ? ["Message ", count(first.number), " to ", text(first.topic || "(unknown)")] : chosen.client !== null ? ["What ", text(chosen.client), " sent and got"] : [];
  put("ladder", data.messages.length ? [el("div", { class: "controls" }, order),
    table("Messages; the number shows the steps of one", [
      ["Message", (each) => el("button", { type: "button", class: "link", "data-key": `message ${each.number}`, onclick: () => choose("message", each.number) }, count(each.number))],
      ["Topic", (each) => topicButton(each.topic)], ["Publisher", (each) => each.publisher === undefined ? el("span", { class: "soft" }, "not captured") : clientButton(each.publisher)],
      ["Payload", (each) => each.payload === undefined ? bytes(each.payload_length || 0) : [el("span", { class: "small" }, text(each.payload)), el("div", { class: "soft small" }, bytes(each.payload_length))]],
      ["Delivered", (each) => count(each.delivered), true], ["Slowest", (each) => each.slowest < 0 ? "" : span(each.slowest), true],
      ["Noticed", (each) => troubles(each).join(", ")]], list, (each) => each === first, 10),
    leftOut(Math.max(0, data.messages_total - data.messages.length), "message", "; --client, --topic, --between and --message choose others"),
    steps.length ? [el("h3", {}, heading), first && first.missing.length ? el("p", {}, "Subscribers that got earlier and later messages of the topic, but were not seen to get this one (lost, or withheld): ",
      first.missing.slice(0, 20).map((name, at) => [at ? ", " : "", clientButton(name)]), first.missing_total > 20 ? ` and ${count(first.missing_total - 20)} more` : "") : null, ladder(steps.slice(0, LADDER_STEPS), first)] : null,
    leftOut(Math.max(0, steps.length - LADDER_STEPS) + (first ? first.steps_left_out : sum(list.map((each) => each.steps_left_out))), "step"),
    first ? el("p", { class: "small" }, filter(`mqttscope.message == ${first.number}`)) : null] : el("p", { class: "soft" }, "No message in this capture."));
}
function ladder(steps, message) {
  const place = document.querySelector("#ladder .content");
  const width = Math.max(330, Math.min(1030, place.clientWidth || 1030));
  const isNarrow = width < 620;
  const names = Array.from(new Set(steps.map((step) => step.client || "?")));
  const publishers = names.filter((name) => steps.some((step) => (step.client || "?") === name && step.sender === "client" && step.packet === "PUBLISH"));
  const late = steps.reduce((one, other) => (other.broker_time || 0) > (one.broker_time || 0) ? other : one);
  const others = names.filter((name) => !publishers.includes(name)), room = isNarrow ? 3 : 5;
  if (others.indexOf(late.client) >= room) others.splice(room - 1, 0, late.client);
  others.length = Math.min(room, others.length);
  const lanes = [...publishers.slice(0, isNarrow ? 1 : 3).map((name) => ({ name })), { name: null }, ...others.map((name) => ({ name }))];
  const left = isNarrow ? 0 : 120;
  const x = (at) => left + (width - left) * (lanes.length === 1 ? 0.5 : (at + 0.5) / lanes.length);
  const laneOf = (name) => lanes.findIndex((lane) => lane.name === name);
  const shown = steps.filter((step) => laneOf(step.client || "?") >= 0);
  const lost = message ? message.missing.filter((name) => laneOf(name) >= 0) : [];
  const row = 46, top = 34, height = top + row * (shown.length + lost.length) + 20;
  const broker = laneOf(null);
  const start = shown.length ? shown[0].time : 0;
  const lines = shown.map((step, at) => {
    const end = laneOf(step.client || "?");
    const [from, to] = step.sender === "broker" ? [broker, end] : [end, broker];
    const y = top + row * at + 30, direction = x(to) > x(from) ? 1 : -1;
    const marked = data.findings.find((each) => each.frame === step.frame && each.pdu === step.pdu);
    const words = [step.packet, step.packet === "PUBLISH" ? `QoS ${step.qos}${step.retain ? " RETAIN" : ""}${step.dup ? " DUP" : ""}` : step.packet_id === undefined ? "" : `(${step.packet_id})`,
      step.code === undefined ? "" : code(step.code), step.broker_time === undefined ? "" : `after ${span(step.broker_time)}`, step.kind && step.kind !== "live" ? `(${step.kind})` : ""].filter(Boolean).join(" ");
    const label = `${words}, frame ${step.frame}${marked ? `, ${marked.severity}: ${marked.title}` : ""}`;
    return svg("g", { role: "listitem", "aria-label": `${moment(step.time)}: ${step.sender === "broker" ? "broker to " + visible(step.client || "?") : visible(step.client || "?") + " to broker"}: ${label}` },
      svg("title", {}, label),
      isNarrow ? null : [svg("text", { class: "soft", x: 0, y }, at ? `+${span(step.time - start)}` : moment(step.time)), svg("text", { class: "soft", x: 0, y: y + 15 }, `frame ${step.frame}`)],
      svg("line", { class: "arrow", x1: x(from), x2: x(to) - 7 * direction, y1: y, y2: y }), svg("path", { class: "head-of-arrow", d: `M${x(to)} ${y}l${-9 * direction}-4.5v9Z` }),
      svg("text", { x: (x(from) + x(to)) / 2, y: y - 7, "text-anchor": "middle", class: marked ? marked.severity : null }, shortened(marked && !isNarrow ? `${words}, ${marked.severity}: ${marked.title}` : words, Math.abs(x(to) - x(from)) + 60)));
  });
  const gone = lost.map((name, at) => {
    const y = top + row * (shown.length + at) + 30;
    return svg("g", { role: "listitem", "aria-label": `${visible(name)} did not get it` }, svg("line", { class: "arrow lost", x1: x(broker), x2: x(laneOf(name)), y1: y, y2: y }),
      svg("text", { class: "error", x: (x(broker) + x(laneOf(name))) / 2, y: y - 7, "text-anchor": "middle" }, "not seen"));
  });
  return [svg("svg", { id: "steps", viewBox: `0 0 ${width} ${height}`, role: "list", "aria-label": "Steps in the order of time" },
    lanes.map((lane, at) => [svg("line", { class: "axis", x1: x(at), x2: x(at), y1: 22, y2: height }),
      svg("text", { x: x(at), y: 13, "text-anchor": "middle", "font-weight": 600 }, lane.name === null ? "broker" : shortened(lane.name, (width - left) / lanes.length - 8, 13, true))]), lines, gone),
    shown.length < steps.length ? el("p", { class: "soft small" }, `${plural(steps.length - shown.length, "step")} of further clients ${steps.length - shown.length === 1 ? "is" : "are"} not drawn.`) : null];
}

// --- 6 Times --------------------------------------------------------------------------------------------------

function drawTimes() {
  const rows = data.deliveries.filter((each) => ofTopic(each.topic || "") && ofClient(each.subscriber));
  const series = data.times.filter((each) => ofTopic(each.topic) && ofClient(each.subscriber));
  const time = (of, name) => (each) => each[of] === undefined ? "" : span(each[of][name] / 1e6);
  const missing = (each) => Math.max(0, each.published - each.delivered);
  put("times", rows.length ? table("By topic and subscriber; missing is lost or withheld, which a capture does not tell apart; medians are to 6 %", [
    ["Topic", (each) => topicButton(each.topic || "")], ["Subscriber", (each) => clientButton(each.subscriber), "name"], ["Published", (each) => count(each.published), true],
    ["Delivered", (each) => count(each.delivered), true], ["Missing or withheld", (each) => missing(each) ? el("b", {}, count(missing(each))) : "0", true],
    ["Twice", (each) => count(each.twice), true], ["Out of order", (each) => count(each.disordered), true],
    ["Broker, median", time("broker_time", "median_us"), true], ["Broker, most", time("broker_time", "most_us"), true],
    ["End to end, median", time("end_to_end", "median_us"), true], ["End to end, most", time("end_to_end", "most_us"), true]], rows) : el("p", { class: "soft" }, "No delivery whose publication was captured."),
  leftOut(data.deliveries_left_out, "line"),
  series.length ? el("div", { class: "two" }, el("div", {}, el("h3", {}, "How long the broker took"), distribution(series)), el("div", {}, el("h3", {}, "Over the capture"), el("div", { id: "scatter" }))) : null);
  if (series.length) scatter(document.getElementById("scatter"), series);
}
function distribution(series) {
  const columns = new Map();
  for (const each of series) for (const [at, number] of each.histogram) columns.set(at, (columns.get(at) || 0) + number);
  const first = Math.min(...columns.keys()) - 1, last = Math.max(...columns.keys()) + 1, most = Math.max(...columns.values());
  const width = 460, height = 196, step = Math.min(60, width / (last - first + 1));
  const at = (column) => (column - first) * step, words = (column) => span(10 ** (column / data.steps_of_ten));
  const ends = [Math.min(...columns.keys()), Math.max(...columns.keys())];
  const label = `${plural(sum(Array.from(columns.values())), "delivery", "deliveries")} from about ${words(ends[0])} to about ${words(ends[1])}`;
  return el("div", {}, svg("svg", { viewBox: `0 0 ${width} ${height + 22}`, role: "img", "aria-label": label },
    svg("line", { class: "axis", x1: 0, x2: width, y1: height, y2: height }),
    Array.from(columns, ([column, number]) => svg("g", {}, svg("rect", { class: "column", x: at(column) + 1, width: step - 2, y: height - 8 - (height - 34) * number / most, height: 8 + (height - 34) * number / most }, svg("title", {}, `about ${words(column)}: ${count(number)}`)),
      step > 26 || number === most ? svg("text", { class: "soft", x: at(column) + step / 2, y: height - 14 - (height - 34) * number / most, "text-anchor": "middle" }, count(number)) : null)),
    Array.from(new Set(ends)).map((column) => svg("text", { class: "head", x: at(column) + step / 2, y: height + 17, "text-anchor": ends[0] === ends[1] ? "middle" : column === ends[0] ? "start" : "end" }, words(column)))),
  el("p", { class: "soft small" }, `${label}.`));
}
function scatter(place, series) {
  const points = series.flatMap((each) => each.points);
  const most = Math.max(...points.map((point) => point[1]), 1e-6), least = Math.min(...points.map((point) => point[1]));
  const canvas = el("canvas", { role: "img", "aria-label": `${plural(points.length, "delivery", "deliveries")} over time, up to ${span(most)}` });
  place.append(canvas, el("p", { class: "soft small" }, `From 0 to ${moment(data.end)}; the highest is ${span(most)}, the lowest ${span(least)}. The height is logarithmic; of many deliveries the slowest are drawn.`));
  const scale = window.devicePixelRatio || 1, width = canvas.clientWidth || 460, height = 180;
  canvas.width = width * scale;
  canvas.height = height * scale;
  const pen = canvas.getContext("2d");
  pen.scale(scale, scale);
  pen.fillStyle = getComputedStyle(document.documentElement).getPropertyValue("--accent");
  pen.globalAlpha = points.length > 500 ? 0.5 : 0.85;
  const low = Math.log(Math.max(1e-7, least)), high = Math.log(most);
  for (const [time, value] of points) {
    const y = high - low < 0.01 ? height / 2 : 10 + (height - 20) * (high - Math.log(Math.max(1e-7, value))) / (high - low);
    pen.beginPath();
    pen.arc(6 + (width - 12) * time / Math.max(data.end, 1e-6), y, points.length > 500 ? 2 : 3.5, 0, 7);
    pen.fill();
  }
}

// --- 7 Findings and events ------------------------------------------------------------------------------------

function hexOf(each) {
  if (!each.bytes) return null;
  const pairs = each.bytes.match(/../g);
  const lines = el("span", { class: "hex", tabindex: 0, role: "group", "aria-label": `Bytes of the packet; marked: ${plural(each.length, "byte")} from offset ${each.at}` });
  let run = null;
  pairs.forEach((pair, at) => {
    if (at % 16 === 0) { lines.append((at ? "\n" : "") + at.toString(16).padStart(4, "0") + "  "); run = null; }
    if (at >= each.at && at < each.at + each.length) {
      if (run === null) { run = el("mark"); lines.append(run); }
      run.append((run.textContent ? " " : "") + pair);
      if (at % 16 < 15) { if (at + 1 >= each.at + each.length) lines.append(" "); }
    } else { run = null; lines.append(pair + " "); }
  });
  if (each.packet_length > pairs.length) lines.append(`\n\u2026 ${each.packet_length - pairs.length} more`);
  return lines;
}
function findingOf(each) {
  return el("div", { class: "finding" }, el("p", {}, el("b", {}, `Frame ${each.frame}`), ` at ${moment(each.time)}`, each.packet ? `, ${each.packet}` : "", each.detail ? [": ", text(each.detail)] : ""),
    each.further ? el("p", { class: "soft small" }, `${plural(each.further, "further one", "further ones")} in the packet`) : null,
    each.doubt ? el("p", { class: "soft small" }, "Less severe since: ", text(each.doubt)) : null, hexOf(each), el("p", { class: "small" }, filter(`frame.number == ${each.frame}`)));
}
function ruleOf(list) {
  const first = list[0], help = data.rules.find((each) => each.rule === first.rule) || {};
  const side = { client: "Client at fault", broker: "Server at fault" }[first.side] || "side at fault unknown";
  const made = el("details", { ontoggle: () => {
    if (!made.open || made.children.length > 1) return;
    made.append(el("p", { class: "small" }, `${side}. `, first.ids.length ? `${first.ids.join(", ")}. ` : "No statement makes this rule; it is a hint. ", filter(`mqttscope.rule.${first.rule}`)));
    for (const [title, name] of [["Wanted", "wants"], ["Usual cause", "cause"], ["What to do", "mend"], ["What excuses it", "excuse"]])
      if (help[name]) made.append(el("p", { class: "small" }, el("b", {}, `${title}: `), help[name]));
    fill(made, {}, list.map(findingOf));
  } }, el("summary", {}, severity(first.severity), " ", first.title, el("span", { class: "soft" }, ` \u2013 ${first.ids.length ? first.ids[0] + ", " : ""}${list.length === 1 ? `frame ${first.frame}` : `${list.length} times`}`)));
  return made;
}
const ownerOf = (each) => each.client === undefined ? `connection ${each.connection}` : each.client;
function drawFindings() {
  const findings = data.findings.filter((each) => ofClient(each.client)), events = data.events.filter((each) => ofClient(each.client));
  const clients = new Map();
  for (const each of findings) {
    if (!clients.has(ownerOf(each))) clients.set(ownerOf(each), new Map());
    const rules = clients.get(ownerOf(each)), key = `${SEVERITIES.indexOf(each.severity)} ${each.rule}`;
    rules.set(key, [...(rules.get(key) || []), each]);
  }
  const parts = Array.from(clients, ([client, rules]) => el("div", {}, el("h3", {}, text(client)), Array.from(rules.entries()).sort().map(([, list]) => ruleOf(list))));
  const shown = el("div", {}, parts.slice(0, ROWS));
  const more = parts.length > ROWS ? el("button", { type: "button", onclick: () => { shown.append(...parts.slice(ROWS)); more.remove(); } }, `Show ${plural(parts.length - ROWS, "more client")}`) : null;
  const opened = shown.querySelector("details");
  if (opened && opened.firstChild.querySelector(".error")) opened.open = true;
  put("findings", findings.length ? [shown, more] : el("p", { class: "soft" }, chosen.client === null ? "No finding." : "No finding of this client."), leftOut(data.findings_left_out, "finding"),
    events.length ? table("Events: what happened without a broken rule", [["Time", (each) => moment(each.time), true], ["Frame", (each) => count(each.frame), true], ["Client", (each) => clientButton(each.client)],
      ["Event", (each) => [severity(each.severity), " ", each.title]], ["In Wireshark", (each) => filter(`mqttscope.event.${each.event}`)]], events) : el("p", { class: "soft" }, "No event."), leftOut(data.events_left_out, "event"));
}

// --- 8 How it was made ----------------------------------------------------------------------------------------

function drawMade() {
  const made = data.made, chosenHere = [[made.chosen_client, "--client"], [made.chosen_topic, "--topic"], [made.chosen_between.join(","), "--between"], [made.chosen_messages.join(", "), "--message"]].filter(([value]) => value);
  const rows = [["File", text(made.file)], ["Size", made.size === undefined ? "" : bytes(made.size)], ["SHA-256", made.sha256 ? filter(made.sha256) : "not known: the capture was read from a pipe"],
    ["Frames", `${count(data.capture.frames)}, of them with MQTT packets: ${count(data.capture.mqtt_packets)} packets`], ["Began", new Date(data.capture.first * 1000).toISOString()], ["Lasts", span(data.capture.duration)],
    ["Made with", `mqttscope ${made.plugin}, Wireshark ${made.wireshark}, JSON schema ${made.schema}`],
    ["Preferences", made.preferences.length ? made.preferences.map((each) => [filter(visible(each)), " "]) : "those of an empty configuration"], ["Decode As", made.decode_as.map((each) => [filter(visible(each)), " "])], ["Profile", made.profile ? text(made.profile) : ""],
    ["Messages chosen by", chosenHere.map(([value, name]) => [filter(`${name} ${visible(value)}`), " "])],
    ["Redacted", made.redacted ? "yes: names, topics, payloads and addresses are pseudonyms of this page; types, flags, lengths, codes and numbers are as captured" : "no"],
    ["Secrets", "Passwords and Authentication Data are not in this page."]].filter(([, value]) => value !== "" && !(Array.isArray(value) && !value.length));
  put("made", el("dl", { class: "facts" }, rows.map(([name, value]) => [el("dt", {}, name), el("dd", {}, value)])),
    el("h3", {}, "To find it again in Wireshark"), el("dl", { class: "facts" }, [["A connection", "mqttscope.connection == 0"], ["A message and all its packets", "mqttscope.message == 1"], ["All broken rules", "mqttscope.rule"], ["All events", "mqttscope.event"]]
      .map(([name, value]) => [el("dt", {}, name), el("dd", {}, filter(value))])));
}

// --- All ------------------------------------------------------------------------------------------------------

function drawChosen() { drawClients(); drawPicture(); drawTimeline(); drawLadder(); drawTimes(); drawFindings(); }
fill(document.getElementById("name"), {}, [text(data.made.file)]);
fill(document.getElementById("about"), {}, [`${plural(data.capture.frames, "frame")}, ${plural(data.capture.mqtt_packets, "MQTT packet")}, ${plural(data.capture.connections, "connection")}, ${span(data.capture.duration)}${data.made.redacted ? "; redacted" : ""}`]);
document.title = `${visible(data.made.file).slice(0, 80)} \u2013 MQTT report`;
drawVerdict();
drawMade();
drawChosen();
let waiting = null, before = document.documentElement.clientWidth;
window.addEventListener("resize", () => { clearTimeout(waiting); waiting = setTimeout(() => { if (document.documentElement.clientWidth !== before) { before = document.documentElement.clientWidth; drawChosen(); } }, 150); });
window.addEventListener("beforeprint", () => { for (const each of document.querySelectorAll("#findings details")) each.open = true; });
document.documentElement.dataset.ready = "yes";
})();
