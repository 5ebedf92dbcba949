// Parts of a page that follow what happens: asked for again every few seconds, sent only when they are others.
import { place, say } from "./post.js";

const EVERY_MS = 2000;
const HIDDEN_MS = 15000;

async function look(part) {
  const tag = part.dataset.tag;
  const answer = await fetch(part.dataset.live, { headers: { "X-Part": "1", "If-None-Match": tag }, cache: "no-store", redirect: "manual" });
  if (answer.type === "opaqueredirect" || answer.status === 401) return location.reload();
  if (answer.status !== 200) return;
  const fresh = place(part.id, await answer.text());
  if (fresh) counts(fresh);
}

function counts(part) {
  if (!("count" in part.dataset)) return;
  const shown = document.querySelector("[data-count]:not([data-live])");
  if (shown && shown.textContent !== part.dataset.count) {
    shown.textContent = part.dataset.count;
    say(`${part.dataset.count || "none"} waiting`);
  }
  if (part.dataset.title) document.title = part.dataset.title;
}

async function round() {
  for (const part of document.querySelectorAll("[data-live]")) {
    try {
      await look(part);
    } catch {
      // The service is away for a moment: the next round tries again, and what stands here stays.
    }
  }
  setTimeout(round, document.hidden ? HIDDEN_MS : EVERY_MS);
}
if (document.querySelector("[data-live]")) setTimeout(round, EVERY_MS);
