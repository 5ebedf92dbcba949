// What a page sends without leaving it: forms marked with data-part, and what scripts ask for by name.
const body = document.body;

/** Says something to who cannot see the page change. */
export function say(words) {
  document.getElementById("live").textContent = words;
}

/** Posts `fields` to `path` as a form does; the answer is a part of the page and its status, 0 where none came. */
export async function post(path, fields, quiet = false) {
  const form = fields instanceof FormData ? fields : new FormData();
  if (form !== fields) for (const [name, value] of Object.entries(fields)) form.append(name, value);
  form.set("csrf", body.dataset.csrf);
  try {
    const answer = await fetch(path, {
      method: "POST", body: new URLSearchParams(form), headers: { "X-Part": "1" }, redirect: "manual",
    });
    if (answer.type === "opaqueredirect" || answer.status === 401) location.reload();
    return { status: answer.status, html: await answer.text() };
  } catch {
    if (!quiet) say("The desk cannot be reached. What you typed stays here; it is tried again.");
    return { status: 0, html: "" };
  }
}

/** The element with the id `id` in `html`. */
export function parsed(id, html) {
  return new DOMParser().parseFromString(html, "text/html").getElementById(id);
}

/** Puts `html`, which is one element with the id `id`, in the place of that element; focus stays where it was. */
export function place(id, html) {
  const [old, fresh] = [document.getElementById(id), parsed(id, html)];
  if (!old || !fresh) return null;
  const focused = old.contains(document.activeElement) ? document.activeElement : null;
  const kept = focused && [focused.id, focused.selectionStart, focused.selectionEnd];
  old.replaceWith(fresh);
  if (kept) restore(fresh, ...kept);
  document.dispatchEvent(new CustomEvent("placed", { detail: fresh }));
  return fresh;
}

function restore(part, id, start, end) {
  const same = id && document.getElementById(id);
  const next = same || part.querySelector("button, a[href], input:not([type=hidden]), textarea, select");
  (next || document.getElementById("main")).focus({ preventScroll: true });
  if (same && start != null && same.setSelectionRange) same.setSelectionRange(start, end);
}

document.addEventListener("submit", async (event) => {
  const form = event.target;
  if (!form.dataset.part || event.defaultPrevented) return;
  event.preventDefault();
  if (form.dataset.busy) return;
  form.dataset.busy = "1";
  const button = event.submitter;
  button?.classList.add("busy");
  if (form.dataset.waits) say(form.dataset.waits);
  const answer = await post(button?.getAttribute("formaction") || form.getAttribute("action"), new FormData(form, button));
  delete form.dataset.busy;
  button?.classList.remove("busy");
  // Before the part is placed: a dialog that closes gives the focus back to where it was.
  if (answer.html.trim()) form.closest("dialog")?.close();
  const part = place(form.dataset.part, answer.html);
  const told = part?.querySelector("[role=status], [role=alert]")?.textContent.trim();
  if (told) say(told);
});
