// Renews the page in place every ten seconds. Elements stay the ones they are, so that scroll,
// focus and what a screen reader is at stay too; whoever is copying text or has paused is left
// alone. What comes is parsed and never run: scripts in it are inert, and the page's policy
// forbids any but this one.
"use strict";

const EVERY_MS = 10000;

const bar = document.querySelector("[data-renewal]");
const button = bar.querySelector("button");
const time = bar.querySelector("time");
const trouble = bar.querySelector("[role=status]");
let paused = false;

function attributes(old, fresh) {
  for (const { name } of [...old.attributes]) {
    if (!fresh.hasAttribute(name)) old.removeAttribute(name);
  }
  for (const { name, value } of fresh.attributes) {
    if (old.getAttribute(name) !== value) old.setAttribute(name, value);
  }
}

function renew(old, fresh) {
  attributes(old, fresh);
  const kept = [...old.childNodes];
  const come = [...fresh.childNodes];
  come.forEach((node, at) => {
    const now = kept[at];
    if (!now) old.append(document.importNode(node, true));
    else if (now.nodeName !== node.nodeName) now.replaceWith(document.importNode(node, true));
    else if (node.nodeType === Node.ELEMENT_NODE) renew(now, node);
    else if (now.nodeValue !== node.nodeValue) now.nodeValue = node.nodeValue;
  });
  kept.slice(come.length).forEach((node) => node.remove());
}

function tell(words) {
  if (trouble.textContent !== words) trouble.textContent = words;
}

async function look() {
  if (paused || document.hidden || !getSelection().isCollapsed) return;
  try {
    const signal = AbortSignal.timeout(EVERY_MS);
    const reply = await fetch(location.pathname, { cache: "no-store", signal });
    if (!reply.ok) throw new Error(String(reply.status));
    const page = new DOMParser().parseFromString(await reply.text(), "text/html");
    if (paused) return;
    renew(document.querySelector("main"), page.querySelector("main"));
    const fresh = page.querySelector("[data-renewal] time");
    time.dateTime = fresh.dateTime;
    time.textContent = fresh.textContent;
    tell("");
  } catch {
    tell("Chưa liên lạc được với hệ thống; sẽ thử lại. (No answer yet; it is asked again.)");
  }
}

button.addEventListener("click", () => {
  paused = !paused;
  button.setAttribute("aria-pressed", String(paused));
  if (!paused) look();
});
document.addEventListener("visibilitychange", look);
setInterval(look, EVERY_MS);
button.hidden = false;
