// Proof of work for forms with data-proof="<address of a challenge>": asked for when a reader first
// touches the form, solved in a worker, put into the hidden field `proof`. The form works without.
// One file, loaded as a module by the page and again as its own worker: the name is never guessed.

const PATIENCE = 3000; // ms that sending waits for a proof

if (!globalThis.document) {
  onmessage = async ({ data }) => postMessage(await search(data).catch(() => null));
} else if (globalThis.crypto?.subtle && globalThis.Worker) {
  for (const form of document.querySelectorAll("form[data-proof]")) attend(form);
}

function attend(form) {
  const field = form.querySelector("input[name=proof]");
  let work = null; // one solving, shared by all who wait for it
  let held = false; // a click on "send" waits for the proof
  let released = false; // it waited long enough: the next one goes through

  const begin = () => (work ??= solve(form.dataset.proof).then((proof) => (field.value = proof)));
  const attempt = () => begin().catch(() => (work = null));

  // A proof is good for one sending; who comes back to this page gets another one.
  const reset = () => ([field.value, work, released] = ["", null, false]);

  const send = async (event) => {
    if (field.value || released) {
      setTimeout(reset); // the browser has read the field by then
      return;
    }
    event.preventDefault();
    event.stopImmediatePropagation();
    if (held) return;
    held = true;
    form.setAttribute("aria-busy", "true");
    await Promise.race([attempt(), new Promise((resolve) => setTimeout(resolve, PATIENCE))]);
    [held, released] = [false, true];
    form.removeAttribute("aria-busy");
    form.requestSubmit(event.submitter);
  };

  reset();
  form.addEventListener("focusin", attempt);
  form.addEventListener("submit", send, { capture: true });
}

async function solve(address) {
  const reply = await fetch(address, { cache: "no-store" });
  if (!reply.ok) throw new Error(`no challenge: ${reply.status}`);
  const challenge = await reply.json();
  const worker = new Worker(import.meta.url, { type: "module" });
  try {
    const solution = await ask(worker, challenge.parameters);
    return btoa(JSON.stringify({ challenge, solution }));
  } finally {
    worker.terminate();
  }
}

function ask(worker, question) {
  return new Promise((resolve, reject) => {
    worker.onmessage = ({ data }) => (data ? resolve(data) : reject(new Error("not solved")));
    worker.onerror = reject;
    worker.postMessage(question);
  });
}

// altcha's protocol v2 with PBKDF2/SHA-256: which counter, appended to the nonce as 32 bits, gives a
// key that begins as the challenge says?
async function search({ nonce, salt, cost, keyLength, keyPrefix }) {
  const password = new Uint8Array([...octets(nonce), 0, 0, 0, 0]);
  const tail = new DataView(password.buffer, password.length - 4);
  const method = { name: "PBKDF2", hash: "SHA-256", salt: octets(salt), iterations: cost };
  for (let counter = 0; ; counter += 1) {
    tail.setUint32(0, counter);
    const key = await crypto.subtle.importKey("raw", password, "PBKDF2", false, ["deriveBits"]);
    const derivedKey = hex(await crypto.subtle.deriveBits(method, key, keyLength * 8));
    if (derivedKey.startsWith(keyPrefix)) return { counter, derivedKey };
  }
}

function octets(text) {
  return Uint8Array.from(text.match(/../g), (pair) => parseInt(pair, 16));
}

function hex(buffer) {
  return Array.from(new Uint8Array(buffer), (octet) => octet.toString(16).padStart(2, "0")).join("");
}
