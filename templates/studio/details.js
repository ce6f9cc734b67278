// The column beside the mail: checks, size, why these papers and not others, reader and source.

import { byId, element, figure, fill, kilobytes, say } from "/assets/dom.js";

const FIRST_OTHERS = 6;
let shown = { label: "", all: false };

export function showDetails(sheet) {
  checks(sheet.checks);
  size(sheet.size);
  picks(sheet.picks);
  others(sheet);
  reader(sheet.reader);
  source(sheet.source);
}

function checks(all) {
  const broken = all.filter((check) => !check.holds);
  const kept = all.filter((check) => check.holds);
  const badge = byId("checks-badge");
  badge.dataset.state = broken.length ? "bad" : "good";
  badge.textContent = broken.length ? `${broken.length} of ${all.length} broken` : `all ${all.length} hold`;
  fill("checks-broken", ...broken.map(check));
  fill("checks-kept", ...kept.map(check));
  say("checks-summary", broken.length ? `The ${kept.length} that hold` : "See every rule");
  byId("checks-rest").hidden = kept.length === 0;
}

function check({ rule, holds, seen }) {
  return element(
    "li",
    { className: holds ? "holds" : "broken" },
    element("span", { className: "mark", textContent: holds ? "✓" : "✕", ariaLabel: holds ? "holds" : "broken", role: "img" }),
    element("span", { className: "rule", textContent: rule }),
    element("span", { className: "seen", textContent: seen }),
  );
}

function size(it) {
  const share = (octets) => `${Math.min(100, (100 * octets) / it.clip)}%`;
  const meter = byId("meter");
  meter.dataset.state = it.html > it.limit ? "bad" : it.html > 0.9 * it.limit ? "close" : "good";
  meter.querySelector(".fill").style.width = share(it.html);
  meter.querySelector(".mark").style.left = share(it.limit);
  say("size-badge", `${figure(it.html)} octets`);
  say("size-limit", `ours ${kilobytes(it.limit)}`);
  say("size-clip", `Gmail ${kilobytes(it.clip)}`);
  byId("size-clip").title = `Gmail clips at ${figure(it.clip)} octets`;
  say("size-note", sizeNote(it));
}

function sizeNote(it) {
  const papers = it.shown + it.hidden;
  const cut = it.abstract_length < it.abstract_wanted;
  const abstracts = it.abstract_wanted === 0
    ? "without abstracts"
    : `abstracts ${cut ? "shortened" : "up"} to ${it.abstract_length} characters`;
  const share = Math.round((100 * it.html) / it.limit);
  return `HTML uses ${share} % of the limit. Shown ${it.shown} of ${papers} ${papers === 1 ? "paper" : "papers"}, ${abstracts}. The whole mail weighs ${kilobytes(it.whole)}.`;
}

function picks(rows) {
  byId("picks-none").hidden = rows.length > 0;
  fill("picks", ...rows.map((row) => paper(row, { picked: true })));
}

function paper(row, { picked }) {
  const name = row.url
    ? element("a", { href: row.url, target: "_blank", rel: "noopener noreferrer", textContent: row.title })
    : element("span", { textContent: row.title });
  const item = element("li", {}, element("p", { className: "name" }, name), score(row));
  if (picked) item.prepend(element("span", { className: "rank", textContent: row.rank, ariaHidden: "true" }));
  else item.append(element("p", { className: "verdict" }, element("b", { textContent: row.label }), row.note ? ` · ${row.note}` : ""));
  if (row.reasons.length) {
    item.append(element("ul", { className: "reasons", ariaLabel: "Reasons" }, ...row.reasons.map(
      (reason) => element("li", { textContent: reason.phrase, className: reason.kind }),
    )));
  }
  return item;
}

function score(row) {
  const part = (kind, share) => {
    const made = element("span", { className: kind });
    made.style.width = `${100 * share}%`;
    return made;
  };
  return element(
    "p",
    { className: "score", title: `score ${row.score.toFixed(3)}: taste ${row.taste.toFixed(3)}, trend ${row.trend.toFixed(3)}` },
    element("span", { className: "track", ariaHidden: "true" }, part("taste", row.taste_share), part("trend", row.trend_share)),
    element("b", { textContent: row.score.toFixed(2) }),
    element("span", { className: "parts", textContent: `taste ${row.taste.toFixed(2)}, trend ${row.trend.toFixed(2)}` }),
  );
}

function others(sheet) {
  if (!(shown.label in sheet.verdicts)) shown = { ...shown, label: "" };
  const labels = Object.entries(sheet.verdicts);
  const total = labels.reduce((sum, [, count]) => sum + count, 0);
  const buttons = [["", total], ...labels].map(([label, count]) => filter(sheet, label, count));
  fill("filters", ...(labels.length > 1 ? buttons : []));
  const rows = sheet.others.filter((row) => !shown.label || row.label === shown.label);
  const visible = shown.all ? rows : rows.slice(0, FIRST_OTHERS);
  fill("others", ...visible.map((row) => paper(row, { picked: false })));
  const unnamed = (shown.label ? sheet.verdicts[shown.label] : total) - rows.length;
  if (visible.length === rows.length && unnamed > 0) {
    byId("others").append(element("li", { className: "note", textContent: `and ${figure(unnamed)} further down` }));
  }
  moreButton(sheet, rows.length - visible.length);
  if (total === 0) fill("others", element("li", { className: "note", textContent: "Nothing else was there to choose from." }));
}

function filter(sheet, label, count) {
  const button = element("button", { type: "button", ariaPressed: String(shown.label === label) });
  button.append(label || "all", element("span", { textContent: figure(count) }));
  button.dataset.label = label;
  button.addEventListener("click", () => {
    shown = { label, all: false };
    others(sheet);
    byId("filters").querySelector(`[data-label="${label}"]`)?.focus();
  });
  return button;
}

function moreButton(sheet, left) {
  const button = byId("others-more");
  button.hidden = left <= 0;
  button.textContent = `Show ${left} more`;
  button.onclick = () => {
    shown = { ...shown, all: true };
    others(sheet);
  };
}

function reader(it) {
  fill("who", element("b", { textContent: it.name || it.id }), element("span", { textContent: it.email }), element("span", { textContent: it.rhythm }));
  const nothing = [{ label: "Interests", values: ["none named: only the trend chooses"] }];
  fill("interests", ...(it.interests.length ? it.interests : nothing).map(fact));
  fill("settings", ...it.settings.map(fact));
}

function fact({ label, values }) {
  return element("div", {}, element("dt", { textContent: label }), ...values.map((value) => element("dd", { textContent: value })));
}

function source(it) {
  fill(
    "source-name",
    element("b", { textContent: it.name }),
    element("span", { textContent: it.tier ? `tier ${it.tier}` : "from the store" }),
    element("span", { textContent: `${figure(it.considered)} candidates${it.papers === it.considered ? "" : ` of ${figure(it.papers)} papers`}` }),
  );
  fill("notes", ...it.notes.map((note) => element("li", { textContent: note })));
}
