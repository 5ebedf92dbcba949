// An item in a person's hands: what is typed is kept and compared, the lease is renewed while they work.
import { parsed, place, post, say } from "./post.js";

const form = document.getElementById("decide");
const path = form.dataset.path;
const kept = `attune-item-${form.dataset.item}`;
const [SAVE_MS, LOOK_MS, RENEW_MS] = [350, 3000, Number(form.dataset.renew) * 1000];
let [timer, saving, again, active, renewed, leaving, touched] = [0, false, false, true, -RENEW_MS, false, false];

function field(name) {
  return form.elements[name];
}

function tell(words) {
  document.getElementById("saved").textContent = words;
}

function later() {
  touched = true;
  tell("");
  clearTimeout(timer);
  timer = setTimeout(save, SAVE_MS);
}

async function save() {
  touched = true;
  if (saving) return void (again = true);
  saving = true;
  const { text, version, draft } = { text: field("text").value, version: field("version").value, draft: field("draft").value };
  const answer = await post(`${path}/save`, { text, version, draft });
  saving = false;
  if (answer.status === 0) return void (timer = setTimeout(save, 3000));
  if (place("changes", answer.html)) shown();
  tell(answer.status === 200 ? "Kept" : "");
  if (again) { again = false; later(); }
}

/** The button says what pressing it does. */
function shown() {
  const edited = document.getElementById("changes").dataset.edited === "true";
  form.ownerDocument.querySelector("[data-approve]").textContent = edited ? "Approve with edits" : "Approve as it is";
}

function put(text) {
  const area = field("text");
  area.focus();
  area.setRangeText(text, area.selectionStart, area.selectionEnd, "end");
  area.dispatchEvent(new Event("input", { bubbles: true }));
}

function replace(text) {
  field("text").select();
  put(text);
}

/** Says what became of the item elsewhere: the chat moved on, somebody else has it. A person who works renews their claim. */
async function look() {
  if (document.hidden) return;
  const works = active && performance.now() - renewed > RENEW_MS;
  if (works) [active, renewed] = [false, performance.now()];
  const old = document.getElementById("notices");
  const asked = { lease: field("lease").value, change: old.dataset.change };
  const answer = await post(`${path}/${works ? "renew" : "look"}${location.search}`, asked, true);
  const fresh = parsed("notices", answer.html);
  if (!fresh) return;
  old.dataset.change = fresh.dataset.change;
  if (fresh.textContent === old.textContent) return;
  const seen = [...old.querySelectorAll("input:checked")].map((each) => each.id);
  const told = place("notices", answer.html).querySelectorAll("h2");
  say([...told].map((each) => each.textContent).join(". "));
  for (const id of seen) document.getElementById(id)?.click();
}

form.addEventListener("input", (event) => event.target.id === "text" && later());
for (const kind of ["keydown", "pointerdown", "scroll"]) addEventListener(kind, () => { active = true; }, { passive: true });
setInterval(look, LOOK_MS);
document.addEventListener("visibilitychange", look);
document.addEventListener("submit", (event) => { leaving = !event.target.dataset.part; });

/** What a page that is loaded again cannot have from the server yet: words of the last moment, the instruction. */
function restore() {
  const { text, draft, instruction } = JSON.parse(sessionStorage.getItem(kept) || "{}");
  sessionStorage.removeItem(kept);
  if (text === undefined || (text === field("text").value && draft === field("draft").value)) return;
  [field("text").value, field("draft").value, field("instruction").value] = [text, draft, instruction];
  save();
}

addEventListener("pagehide", () => {
  if (leaving) return;
  const [text, draft, instruction] = ["text", "draft", "instruction"].map((name) => field(name).value);
  sessionStorage.setItem(kept, JSON.stringify({ text, draft, instruction }));
  // Leaving without a word gives the item back; the short lease that is left lets a reload have it again.
  const said = { csrf: document.body.dataset.csrf, lease: field("lease").value };
  if (touched) Object.assign(said, { text, version: field("version").value });
  navigator.sendBeacon(`${path}/away`, new URLSearchParams(said));
});
addEventListener("pageshow", (event) => event.persisted && location.reload());

document.addEventListener("click", (event) => {
  const target = event.target.closest("[data-insert], [data-original], [data-load]");
  if (!target) return;
  if (target.dataset.insert !== undefined) {
    target.closest("dialog").close();
    put(target.dataset.insert);
  } else if ("original" in target.dataset) {
    replace(field("draft").value);
  } else {
    replace(target.closest(".notice").querySelector("template").content.textContent);
  }
});
document.addEventListener("placed", (event) => {
  if (event.detail.id !== "draft") return;
  field("text").focus();
  save();
});
document.getElementById("draft-again")?.querySelector("form").addEventListener("formdata", (event) => event.formData.set("text", field("text").value));
restore();
shown();
// The page that was here before may say only now that it was left.
setTimeout(look, 1500);
