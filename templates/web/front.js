// The live preview beside a form with data-preview="<where to ask>": asked for as one types, never
// before a pause; the last answer stays until the next one is there, and for good when none comes.

const PAUSE = 350; // ms without a key
const SPACING = 1000; // ms between two questions, so that nobody is refused for typing
// What the picks depend on; the address and all else stays here until the form is sent.
const ASKED = new Set([
  ...["topics", "suggested", "keywords", "authors", "organizations", "categories", "muted"],
  ...["liked", "trend", "max_papers", "surprise"],
]);

for (const form of document.querySelectorAll("form[data-preview]")) attend(form);
document.querySelector("#mistakes")?.focus();

function attend(form) {
  const glance = form.querySelector("#preview");
  const place = glance.querySelector("[data-glance]");
  const heard = glance.querySelector("[data-heard]");
  const stale = glance.querySelector("[data-stale]");
  const peek = form.querySelector("[data-peek]");
  let asked = ""; // what the shown picks answer to
  let going = null;
  let timer = 0;
  let last = 0;

  for (const button of form.querySelectorAll("[data-replaced]")) button.remove();
  glance.querySelector("[data-live]").hidden = false;

  const question = () => {
    const said = new URLSearchParams();
    for (const [name, value] of new FormData(form)) {
      if (ASKED.has(name)) said.append(name, value);
    }
    return said;
  };

  const soon = () => {
    clearTimeout(timer);
    timer = setTimeout(ask, Math.max(PAUSE, last + SPACING - Date.now()));
  };

  const ask = async () => {
    const said = question();
    if (said.toString() === asked) return;
    going?.abort();
    going = new AbortController();
    const mine = going;
    last = Date.now();
    glance.setAttribute("aria-busy", "true");
    try {
      const reply = await fetch(form.dataset.preview, {
        method: "POST",
        headers: { Accept: "text/html", "X-Fragment": "preview" },
        body: said,
        signal: mine.signal,
      });
      const text = await reply.text();
      if (!reply.ok) throw new Error(reply.status === 429 ? text : "");
      show(text);
      asked = said.toString();
      tell("");
    } catch (error) {
      if (mine.signal.aborted) return;
      tell(`${error.message || "The preview could not be fetched."} You see the last one.`);
    }
    if (mine === going) glance.removeAttribute("aria-busy");
  };

  const tell = (sentence) => {
    stale.textContent = sentence;
    stale.hidden = !sentence;
  };

  const show = (text) => {
    const fresh = new DOMParser().parseFromString(text, "text/html").querySelector(".letter");
    const before = place.querySelector(".letter");
    const known = new Set(papers(before).map((paper) => paper.dataset.paper));
    for (const paper of papers(fresh)) {
      paper.classList.toggle("fresh", !known.has(paper.dataset.paper));
    }
    const rest = fresh.querySelector(".rest");
    if (rest) rest.open = before.querySelector(".rest")?.open ?? false;
    const depth = before.scrollTop;
    place.replaceChildren(fresh);
    fresh.scrollTop = depth;
    if (heard.textContent !== fresh.dataset.said) heard.textContent = fresh.dataset.said;
    peek.textContent = fresh.dataset.effect || peek.dataset.calm || fresh.dataset.said;
  };

  asked = untouched(form) ? question().toString() : "";
  form.addEventListener("input", soon);
  form.addEventListener("change", soon);
  // A browser may bring back what was typed after this script has run.
  addEventListener("pageshow", soon);
}

const papers = (letter) => [...letter.querySelectorAll("[data-paper]")];

function untouched(form) {
  return [...form.elements].every((field) => {
    if (!ASKED.has(field.name)) return true;
    if (field.type === "checkbox" || field.type === "radio") {
      return field.checked === field.defaultChecked;
    }
    if (field.options) return [...field.options].every((o) => o.selected === o.defaultSelected);
    return field.defaultValue === undefined || field.value === field.defaultValue;
  });
}
