// Every page: the theme, dialogs, toasts, what comes in live, times in the reader's own zone.
import { list } from "./keys.js";
import { say } from "./post.js";
import "./live.js";

const html = document.documentElement;
const root = document.body.dataset.root;

document.querySelector("[data-theme-switch]")?.addEventListener("click", () => {
  const dark = html.dataset.theme ? html.dataset.theme === "dark" : matchMedia("(prefers-color-scheme: dark)").matches;
  html.dataset.theme = dark ? "light" : "dark";
  document.cookie = `attune_theme=${html.dataset.theme}; path=${root || "/"}; max-age=31536000; samesite=lax`;
  say(`${html.dataset.theme} colours`);
});

document.addEventListener("click", (event) => {
  const opener = event.target.closest("[data-opens]");
  if (opener) open(document.getElementById(opener.dataset.opens));
  if (event.target.closest("[data-closes]") || event.target.matches("dialog[open]")) event.target.closest("dialog").close();
});

function open(dialog) {
  const keys = dialog.querySelector("[data-keys]");
  if (keys) list(keys);
  dialog.showModal();
}

const off = document.querySelector("[data-keys-off]");
if (off) {
  off.checked = localStorage.getItem("attune-keys-off") === "1";
  off.addEventListener("change", () => localStorage.setItem("attune-keys-off", off.checked ? "1" : "0"));
}

document.addEventListener("change", (event) => {
  if (event.target.closest("[data-filters]") || "submits" in event.target.dataset) event.target.form.requestSubmit();
});
document.querySelector("[data-filters]")?.addEventListener("formdata", (event) => {
  for (const [name, value] of [...event.formData]) if (!value) event.formData.delete(name);
});
document.addEventListener("input", (event) => {
  const field = event.target;
  field.closest(".fact")?.classList.toggle("changed", field.value !== field.defaultValue);
});

/** An undo that counts down. Time goes on while the pointer rests on it: the reply goes out all the same. */
function toast(element) {
  const seconds = Number(element.dataset.toast);
  const [left, bar] = [element.querySelector("[data-left]"), element.querySelector("progress")];
  const began = performance.now();
  const timer = setInterval(() => {
    const rest = seconds - (performance.now() - began) / 1000;
    if (left) left.textContent = Math.max(1, Math.ceil(rest));
    if (bar) bar.value = Math.max(0, rest / seconds);
    if (rest > 0) return;
    clearInterval(timer);
    if (element.contains(document.activeElement)) document.querySelector("h1").focus();
    element.remove();
  }, 100);
}
document.querySelectorAll("[data-toast]").forEach(toast);
const here = new URL(location.href);
if (here.searchParams.has("done")) {
  here.searchParams.delete("done");
  history.replaceState(null, "", here);
}

function times(part) {
  const form = new Intl.DateTimeFormat(undefined, { dateStyle: "medium", timeStyle: "short" });
  part.querySelectorAll("[data-time]").forEach((each) => { each.textContent = form.format(new Date(each.dateTime)); });
}
times(document);
document.addEventListener("placed", (event) => times(event.detail));
document.querySelector("h1[data-focus]")?.focus({ preventScroll: true });
