// The mail in device frames: loaded out of sight first, so that a reload neither flickers nor jumps.

import { byId, element } from "/assets/dom.js";

const SANDBOX = "allow-same-origin allow-popups allow-popups-to-escape-sandbox";
const devices = [...document.querySelectorAll(".device")];

export function showMail({ pane, scheme, images }, query, { onKey }) {
  for (const device of devices) {
    const name = device.dataset.device;
    device.hidden = pane !== "both" && pane !== name;
    if (device.hidden) continue;
    const address = `/mail.html?${query}&scheme=${scheme}&images=${images}`;
    device.querySelector(".case").dataset.scheme = scheme;
    caption(device, address, scheme, images);
    load(device, address, onKey);
  }
  fit();
}

function caption(device, address, scheme, images) {
  const words = [`${device.dataset.width} px`, scheme, images === "off" ? "images off" : ""];
  device.querySelector("figcaption").replaceChildren(
    element("b", { textContent: device.dataset.device === "phone" ? "Phone" : "Desktop" }),
    element("span", { textContent: words.filter(Boolean).join(" · "), className: "variant" }),
    element("span", { className: "scale" }),
    element("a", { href: address, target: "_blank", rel: "noopener", textContent: "Open alone" }),
  );
}

function load(device, address, onKey) {
  const screen = device.querySelector(".screen");
  screen.querySelector("iframe.coming")?.remove();
  const frame = element("iframe", { className: "coming", title: `The mail, ${device.dataset.width} pixels wide` });
  frame.setAttribute("sandbox", SANDBOX);
  frame.style.width = `${device.dataset.width}px`;
  frame.src = address;
  frame.addEventListener("load", () => arrived(device, screen, frame, onKey));
  screen.append(frame);
}

function arrived(device, screen, frame, onKey) {
  if (!frame.classList.contains("coming")) return;
  const page = frame.contentDocument;
  if (!page?.body) return;
  page.addEventListener("keydown", onKey);
  for (const old of [...screen.children]) if (old !== frame) old.remove();
  frame.classList.remove("coming");
  const measure = () => resize(device, frame);
  measure();
  new ResizeObserver(measure).observe(page.body);
}

// The window may be taller than the mail, so its elements are asked, not the page.
function resize(device, frame) {
  const page = frame.contentDocument;
  if (!page?.body) return;
  const root = page.documentElement.getBoundingClientRect().height;
  const height = `${Math.ceil(Math.max(root, page.body.scrollHeight))}px`;
  if (frame.style.height === height) return;
  frame.style.height = height;
  device.dataset.height = parseInt(height, 10);
  scale(device);
}

function scale(device) {
  if (device.hidden) return;
  const width = Number(device.dataset.width);
  const height = Number(device.dataset.height || 600);
  const border = 2 * parseFloat(getComputedStyle(device.querySelector(".case")).borderLeftWidth);
  const room = byId("pane-mail").clientWidth - border;
  const factor = Math.min(1, room / width);
  const screen = device.querySelector(".screen");
  screen.style.width = `${Math.floor(width * factor)}px`;
  screen.style.height = `${Math.ceil(height * factor)}px`;
  screen.style.setProperty("--factor", factor);
  const told = device.querySelector(".scale");
  if (told) told.textContent = factor < 1 ? `shown at ${Math.round(factor * 100)} %` : "";
}

export function fit() {
  devices.forEach(scale);
}

new ResizeObserver(fit).observe(byId("pane-mail"));
