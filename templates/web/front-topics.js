// Offered topics: a tap writes the words into the field, deleting them there takes the tick away,
// and what is typed lets those stand out that mean the same.

const field = document.querySelector("#topics");
const boxes = [...document.querySelectorAll(".chip input")];

if (field) {
  for (const box of boxes) {
    if (box.checked) add(box.value);
    box.addEventListener("change", () => (box.checked ? add(box.value) : remove(box.value)));
  }
  field.addEventListener("input", look);
  look();
}

function add(words) {
  if (entries().includes(words.toLowerCase())) return;
  const text = field.value.replace(/\s+$/, "");
  write(text ? `${text}\n${words}` : words);
}

function remove(words) {
  const gone = words.toLowerCase();
  const lines = field.value.split("\n").map((line) => {
    const parts = line.split(/[,;]/);
    const kept = parts.filter((part) => part.trim().toLowerCase() !== gone);
    return kept.length === parts.length ? line : kept.join(",").trim() || null;
  });
  write(lines.filter((line) => line !== null).join("\n"));
}

function write(text) {
  field.value = text;
  field.dispatchEvent(new Event("input", { bubbles: true }));
}

function entries() {
  return field.value.split(/[\n,;]/).map((part) => part.trim().toLowerCase());
}

function look() {
  const typed = entries().filter((part) => part.length > 1);
  for (const box of boxes) {
    const name = box.value.toLowerCase();
    const words = [name, ...box.dataset.words.toLowerCase().split("|")].filter(Boolean);
    box.checked = typed.includes(name);
    const near = typed.some((part) => words.some((word) => alike(part, word)));
    box.closest(".chip").classList.toggle("near", near && !box.checked);
  }
  arrange();
}

// The ones that fit come first, in sight on a phone; the others keep their order.
function arrange() {
  const flow = document.querySelector(".flow");
  if (flow.contains(document.activeElement)) return;
  const near = (box) => box.closest(".chip").classList.contains("near");
  const order = [...boxes.filter(near), ...boxes.filter((box) => !near(box))];
  const there = [...flow.querySelectorAll("input")];
  if (order.every((box, place) => box === there[place])) return;
  flow.append(...order.map((box) => box.closest(".chip")));
}

// "quantization of LLMs" means "quantization"; "quant" may become it.
function alike(part, word) {
  if (part.length > 3 && word.startsWith(part)) return true;
  return ` ${part.replace(/[^\p{L}\p{N}-]+/gu, " ")} `.includes(` ${word} `);
}
