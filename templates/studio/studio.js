// The studio: what is chosen, fetching it, showing it, and keeping it up to date.

import { showDetails } from "/assets/details.js";
import { byId, element, figure, fill, kilobytes, say } from "/assets/dom.js";
import { showMail } from "/assets/frames.js";

const PANES = ["phone", "desktop", "both", "text", "headers", "source"];
const DEVICES = new Set(PANES.slice(0, 3));
const WIDE = 1180; // room for both devices side by side

const state = { ...fromAddress() };
let sheet = null; // the last good preview
let run = 0;

// --- what is chosen lives in the address ---------------------------------------------------------

function fromAddress() {
  const given = new URLSearchParams(location.search);
  const pane = given.get("pane");
  return {
    reader: given.get("reader") ?? "",
    source: given.get("source") ?? "",
    edition: given.get("edition") ?? "",
    pane: PANES.includes(pane) ? pane : innerWidth >= WIDE + 260 ? "both" : "phone",
    scheme: given.get("scheme") === "dark" ? "dark" : "light",
    images: given.get("images") === "off" ? "off" : "on",
  };
}

function address() {
  const query = new URLSearchParams();
  for (const [name, value] of Object.entries(state)) if (value) query.set(name, value);
  return `?${query}`;
}

function choiceQuery() {
  const { reader, source, edition } = state;
  return new URLSearchParams({ reader, source, edition }).toString();
}

function remember({ step = false } = {}) {
  if (step) history.pushState(null, "", address());
  else history.replaceState(null, "", address());
}

// --- fetching ------------------------------------------------------------------------------------

class Refused extends Error {
  constructor({ sentence, problems }, status) {
    super(sentence);
    this.problems = problems;
    this.status = status;
  }
}

async function ask(path) {
  const answer = await fetch(path);
  const data = await answer.json();
  if (!answer.ok) throw new Refused(data.error, answer.status);
  return data;
}

async function refresh({ fresh = false, because = "" } = {}) {
  const mine = ++run;
  byId("layout").setAttribute("aria-busy", "true");
  try {
    const choices = await ask("/api/choices");
    if (mine === run) showChoices(choices);
    const answer = await ask(`/api/preview?${choiceQuery()}&fresh=${fresh}`);
    if (mine === run) arrived(answer, because);
  } catch (error) {
    if (mine === run) showProblem(error);
  } finally {
    if (mine === run) byId("layout").setAttribute("aria-busy", "false");
  }
}

function arrived(answer, because) {
  sheet = answer;
  Object.assign(state, answer.choice);
  remember();
  byId("problem").hidden = true;
  byId("layout").classList.remove("stale");
  say("news", because);
  showAll();
}

// --- choosing ------------------------------------------------------------------------------------

let known = { readers: [], sources: [] };

function showChoices(choices) {
  known = choices;
  options("reader", choices.readers.map(({ id, name, broken }) => [id, broken ? `${id} (broken)` : name ? `${name} · ${id}` : id]));
  options("source", choices.sources.map(({ name }) => [name, name]));
  showEditions();
  for (const id of ["reader-back", "reader-on"]) byId(id).disabled = choices.readers.length < 2;
}

function showEditions() {
  const on = known.sources.find(({ name }) => name === state.source) ?? known.sources[0];
  options("edition", (on?.editions ?? []).map((name) => [name, name]));
}

function options(name, pairs) {
  const select = byId(name);
  const same = select.length === pairs.length && pairs.every(([value, text], at) => select.options[at].value === value && select.options[at].text === text);
  if (!same) select.replaceChildren(...pairs.map(([value, text]) => new Option(text, value)));
  if (pairs.some(([value]) => value === state[name])) select.value = state[name];
}

function choose(name, value) {
  state[name] = value;
  if (name === "source") state.edition = "";
  remember({ step: true });
  if (name === "source") showEditions();
  byId(name).value = value;
  refresh();
}

function stepReader(by) {
  const ids = known.readers.map(({ id }) => id);
  if (ids.length < 2) return;
  const at = Math.max(0, ids.indexOf(state.reader));
  choose("reader", ids[(at + by + ids.length) % ids.length]);
}

// --- showing -------------------------------------------------------------------------------------

function showAll() {
  byId("content").hidden = false;
  byId("details").hidden = false;
  document.title = `${sheet.reader.name || sheet.reader.id}: ${sheet.inbox.subject}`;
  showInbox();
  showDetails(sheet);
  showGlance();
  showPane();
}

function showInbox() {
  const { from_name: from, subject, preheader, time } = sheet.inbox;
  say("inbox-face", [...from.trim()][0]?.toUpperCase() ?? "?");
  say("inbox-from", from);
  say("inbox-subject", subject);
  say("inbox-preheader", preheader);
  say("inbox-time", time);
  say("inbox-lengths", `subject ${[...subject].length} characters · preheader ${[...preheader].length}`);
  say("phone-clock", time);
  say("window-title", subject);
}

// On a narrow window the details stand below a long mail: say the gist above it.
function showGlance() {
  const broken = sheet.checks.filter(({ holds }) => !holds).length;
  const checks = broken ? `${broken} of ${sheet.checks.length} checks broken` : "All checks hold";
  const { html, limit, shown } = sheet.size;
  say("glance", `${checks} · ${Math.round(html / 1000)} of ${kilobytes(limit)} · ${shown} ${shown === 1 ? "paper" : "papers"} ↓`);
}

function showPane() {
  const mail = DEVICES.has(state.pane);
  for (const tab of document.querySelectorAll('[role="tab"]')) {
    const chosen = tab.dataset.pane === state.pane;
    tab.setAttribute("aria-selected", String(chosen));
    tab.tabIndex = chosen ? 0 : -1;
  }
  byId("dark").setAttribute("aria-pressed", String(state.scheme === "dark"));
  byId("no-images").setAttribute("aria-pressed", String(state.images === "off"));
  for (const id of ["dark", "no-images"]) byId(id).disabled = !mail;
  byId("pane-mail").hidden = !mail;
  for (const pane of PANES.slice(3)) byId(`pane-${pane}`).hidden = pane !== state.pane;
  byId("stage").dataset.pane = state.pane;
  byId("text-only").hidden = !(mail && sheet?.reader.text_only);
  if (sheet) showPart(mail);
}

function showPart(mail) {
  const query = new URLSearchParams(sheet.choice).toString();
  if (mail) showMail(state, query, { onKey });
  if (state.pane === "text") showText(query);
  if (state.pane === "headers") showHeaders();
  if (state.pane === "source") showSource(query);
}

function showText(query) {
  const lines = sheet.text.split("\n");
  const longest = Math.max(...lines.map((line) => [...line].length));
  say("text", sheet.text);
  say("text-facts", `${figure(lines.length)} lines, the longest has ${longest} characters; the rule is at 78`);
  byId("text-link").href = `/mail.txt?${query}`;
}

function showHeaders() {
  say("header-facts", `${sheet.headers.length} fields`);
  fill("fields", ...sheet.headers.map(([name, value]) => element(
    "tr", {}, element("th", { scope: "row", textContent: name }), element("td", { textContent: value }),
  )));
}

async function showSource(query) {
  const mine = run;
  byId("eml-link").href = `/mail.eml?${query}`;
  const raw = await (await fetch(`/mail.eml?${query}`)).text();
  if (mine !== run) return;
  const lines = raw.replaceAll("\r\n", "\n").replace(/\n$/, "").split("\n");
  say("raw", lines.join("\n"));
  say("raw-numbers", lines.map((_, at) => at + 1).join("\n"));
  say("source-facts", `${figure(lines.length)} lines, ${kilobytes(sheet.size.whole)}`);
}

function showProblem(error) {
  const lost = !(error instanceof Refused);
  if (lost) console.error(error);
  const sentence = lost ? "The studio does not answer; is “newsletter preview” still running?" : error.message;
  const problems = lost ? [] : error.problems;
  const parts = [element("h2", { textContent: lost ? "No connection" : "This preview cannot be made" })];
  if (problems.length) parts.push(element("ul", {}, ...problems.map((text) => element("li", { textContent: text }))));
  else parts.push(element("p", { textContent: sentence }));
  if (problems.length) parts.push(element("p", { className: "note", textContent: sentence.split(": ")[0] }));
  if (error.status === 404) parts.push(element("p", {}, element("a", { href: "/", textContent: "Start with the first reader" })));
  if (sheet) parts.push(element("p", { className: "note", textContent: `Below is the last good preview (${sheet.reader.name || sheet.reader.id}). This page mends itself as soon as the cause is mended.` }));
  fill("problem", ...parts);
  byId("problem").hidden = false;
  byId("layout").classList.toggle("stale", Boolean(sheet));
  say("news", "");
}

function show(change) {
  Object.assign(state, change);
  remember();
  showPane();
}

// --- hands ---------------------------------------------------------------------------------------

const KEYS = {
  "[": () => stepReader(-1),
  "]": () => stepReader(1),
  d: () => byId("dark").click(),
  i: () => byId("no-images").click(),
  "?": () => byId("keys").showModal(),
  ...Object.fromEntries(PANES.map((pane, at) => [String(at + 1), () => show({ pane })])),
};

function onKey(event) {
  const busy = event.ctrlKey || event.metaKey || event.altKey || byId("keys").open;
  // in an open list, letters and digits look for an entry
  const typing = event.target.closest?.("select") && !"[]".includes(event.key);
  if (busy || typing) return;
  const act = KEYS[event.key.toLowerCase()];
  if (!act) return;
  event.preventDefault();
  act();
}

function onTabKey(event) {
  const step = { ArrowRight: 1, ArrowLeft: -1 }[event.key];
  if (!step) return;
  const next = PANES[(PANES.indexOf(state.pane) + step + PANES.length) % PANES.length];
  show({ pane: next });
  byId(`tab-${next}`).focus();
}

function listen() {
  for (const name of ["reader", "source", "edition"]) {
    byId(name).addEventListener("change", ({ target }) => choose(name, target.value));
  }
  byId("choose").addEventListener("submit", (event) => event.preventDefault());
  byId("reader-back").addEventListener("click", () => stepReader(-1));
  byId("reader-on").addEventListener("click", () => stepReader(1));
  byId("dark").addEventListener("click", () => show({ scheme: state.scheme === "dark" ? "light" : "dark" }));
  byId("no-images").addEventListener("click", () => show({ images: state.images === "off" ? "on" : "off" }));
  byId("show-keys").addEventListener("click", () => byId("keys").showModal());
  document.querySelector('[role="tablist"]').addEventListener("keydown", onTabKey);
  for (const tab of document.querySelectorAll('[role="tab"]')) {
    tab.addEventListener("click", () => show({ pane: tab.dataset.pane }));
  }
  document.addEventListener("keydown", onKey);
  addEventListener("popstate", () => {
    Object.assign(state, fromAddress());
    refresh();
  });
}

// --- live ----------------------------------------------------------------------------------------

function live(name, text) {
  byId("live").dataset.state = name;
  say("live-text", text);
}

function watch() {
  const events = new EventSource("/events");
  const watching = document.body.dataset.watching === "yes";
  let wasLost = false;
  events.addEventListener("open", () => {
    live(watching ? "on" : "off", watching ? "Live" : "Not watching");
    if (wasLost) refresh({ because: "Connected again" });
    wasLost = false;
  });
  events.addEventListener("error", () => {
    wasLost = true;
    live("lost", "Reconnecting");
  });
  events.addEventListener("tick", ({ data }) => {
    const { files } = JSON.parse(data);
    refresh({ because: `Updated after ${files.join(", ")}` });
  });
  events.addEventListener("studio", () => location.reload());
}

listen();
showPane();
// a reload by hand means: make it anew, even if no file has changed (a new day has begun, say)
refresh({ fresh: performance.getEntriesByType("navigation")[0]?.type === "reload" });
watch();
