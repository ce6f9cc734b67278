// What a browser knows or can do for a form: its time zone, fields that grow, a dial that speaks,
// the rhythm in words, a reading list read at once.

const $ = (selector) => document.querySelector(selector);

const zone = $("#timezone[data-guess]");
if (zone && zone.value === zone.defaultValue) {
  zone.value = Intl.DateTimeFormat().resolvedOptions().timeZone || zone.value;
}

if (!CSS.supports("field-sizing", "content")) {
  for (const field of document.querySelectorAll(".grows")) {
    const grow = () => {
      field.style.height = "auto";
      field.style.height = `${field.scrollHeight + 2}px`;
    };
    field.addEventListener("input", grow);
  }
}

const trend = $("#trend");
if (trend) {
  const steps = [
    [0, "only what fits"],
    [20, "mostly taste"],
    [45, "taste, with some trend"],
    [60, "half and half"],
    [85, "mostly trend"],
    [99, "hardly any taste"],
    [100, "the trend alone"],
  ];
  const speak = () => {
    const [, words] = steps.find(([most]) => Number(trend.value) <= most);
    $("#trend-said").textContent = words;
    trend.setAttribute("aria-valuetext", words);
  };
  trend.addEventListener("input", speak);
  addEventListener("pageshow", speak);
  speak();
}

const rhythm = $(".rhythm");
if (rhythm) {
  const tell = () => {
    const days = { daily: "Every day", weekdays: "Every weekday" };
    const chosen = rhythm.querySelector("[name=cadence]:checked")?.value ?? "weekdays";
    const day = days[chosen] ?? `Every ${$("#weekday").selectedOptions[0].text}`;
    const most = $("#max_papers").value;
    const where = $("#timezone").value.replaceAll("_", " ");
    $("#rhythm-said").textContent =
      `${day} at ${$("#send_at").value}, ${where} time · up to ${most} paper${most === "1" ? "" : "s"}`;
  };
  rhythm.addEventListener("input", tell);
  addEventListener("pageshow", tell);
  tell();
}

const reading = $("form[data-reading]");
const liked = $("#liked");
const library = $("#library");
if (reading && liked && library) {
  const LIST = /@\w+\s*[{(]|^TY {2}- |^%0 |^\s*[[{<]/m; // a file of a reference manager, pasted

  const LARGEST = 5_000_000; // as the server has it

  library.addEventListener("change", () => {
    const [file] = library.files;
    if (file?.size > LARGEST) {
      library.value = ""; // with it, the form would be refused
      report([`“${file.name}” has more than 5 MB; please choose a part of it.`]);
    } else if (file) take("library", file, liked.value);
  });
  liked.addEventListener("change", () => {
    if (LIST.test(liked.value)) take("liked", liked.value, "");
  });

  // The list is read once; what stays in the field are the papers, so every later question is short.
  const take = async (name, given, before) => {
    const body = new FormData();
    body.append(name, given);
    report(["Reading …"]);
    try {
      const reply = await fetch(reading.dataset.reading, { method: "POST", body });
      const { lines = "", report: told = [], problem = "" } = await reply.json();
      report(problem ? [problem] : told);
      if (!lines) return;
      liked.value = [before.trim(), lines].filter(Boolean).join("\n");
      library.value = "";
      liked.dispatchEvent(new Event("input", { bubbles: true }));
    } catch {
      report(["This could not be read now; it is read when you send the form."]);
    }
  };
}

function report(sentences) {
  const told = sentences.map((sentence, place) => {
    const line = document.createElement("p");
    line.textContent = sentence;
    line.classList.toggle("told", place === 0);
    return line;
  });
  $("#liked-report").replaceChildren(...told);
}
