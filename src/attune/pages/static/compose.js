// Compose: what is typed stays in this window; answers come in word by word, one or two side by side.
import { say } from "./post.js";

const KEPT = "attune-compose";
const AGAIN_MS = 2000;
const form = document.getElementById("ask");
const root = document.body.dataset.root;
const both = document.getElementById("both");
const refused = document.getElementById("refused");
const sides = [...document.querySelectorAll("[data-side]")].map((element) => new Side(element));

function Side(element) {
  const part = (name) => element.querySelector(`[data-${name}]`);
  Object.assign(this, { element, way: part("way"), state: part("state"), facts: part("facts"), flags: part("flags"), output: part("output"), stop: part("stop"), save: part("save"), asking: null });
  part("stop").addEventListener("click", () => this.asking?.abort());
  part("copy").addEventListener("click", () => copy(this));
  part("save").addEventListener("click", () => save(this));
  this.output.addEventListener("input", keep);
  this.way.addEventListener("change", () => { shown(); keep(); });
}

function tell(side, words, bad = false) {
  side.state.textContent = words;
  side.state.classList.toggle("refused", bad);
}

function refuse(words) {
  refused.textContent = words;
  refused.hidden = !words;
}

function fields(more) {
  const said = new FormData(form);
  said.set("csrf", document.body.dataset.csrf);
  for (const [name, value] of Object.entries(more)) said.set(name, value);
  return said;
}

async function post(path, said, signal) {
  return fetch(`${root}/compose/${path}`, { method: "POST", body: said, headers: { "X-Part": "1" }, redirect: "manual", signal });
}

async function write(side) {
  side.asking?.abort();
  const asking = new AbortController();
  side.asking = asking;
  const had = side.output.value;
  busy(side, true);
  try {
    await answer(side, asking.signal);
  } catch (error) {
    if (side.asking === asking) tell(side, asking.signal.aborted ? "Stopped; what was written is here." : String(error.message), !asking.signal.aborted);
    if (side.asking === asking && !side.output.value) side.output.value = had;
  }
  if (side.asking !== asking) return;
  side.asking = null;
  busy(side, false);
  keep();
}

/** Asks until the service answers: a request is given up by the person alone. */
async function answer(side, signal) {
  const said = new URLSearchParams(fields({ way: side.way.value }));
  for (;;) {
    tell(side, "Asked. The first words come in a moment.");
    try {
      const response = await post("write", said, signal);
      if (response.status !== 200) throw Object.assign(new Error(await response.text()), { told: true });
      return await follow(side, response.body, signal);
    } catch (error) {
      if (signal.aborted || error.told) throw error;
      tell(side, "The service cannot be reached, or is starting. It is asked again by itself; your text is safe.");
      await new Promise((done) => setTimeout(done, AGAIN_MS));
      if (signal.aborted) throw error;
    }
  }
}

async function follow(side, body, signal) {
  const reader = body.pipeThrough(new TextDecoderStream()).getReader();
  let [rest, ended] = ["", false];
  begin(side);
  for (;;) {
    const { value, done } = await reader.read();
    if (done) break;
    const lines = (rest + value).split("\n");
    rest = lines.pop();
    for (const line of lines) ended = take(side, JSON.parse(line)) || ended;
  }
  if (!ended && !signal.aborted) throw new Error("The answer broke off.");
}

function begin(side) {
  side.output.value = "";
  side.facts.hidden = side.flags.hidden = true;
}

/** One line of the answer; whether it was the last. */
function take(side, said) {
  if ("piece" in said) {
    if (!side.output.value) tell(side, "Writing");
    side.output.value += said.piece;
  } else if (said.again) {
    begin(side);
    tell(side, "That answer could not be used; the model is asked again.");
  } else if ("waits" in said) {
    if (!side.output.value) tell(side, `Waiting for ${Math.round(said.waits)} s: the model is loading, or busy. Nothing is lost.`);
  } else if ("refused" in said) {
    throw Object.assign(new Error(said.refused), { told: true });
  } else {
    whole(side, said.done);
    return true;
  }
  return false;
}

function whole(side, done) {
  side.output.value = done.text;
  side.facts.replaceChildren(...done.facts.flatMap(({ name, value, sure }) => {
    const [term, said] = [document.createElement("dt"), document.createElement("dd")];
    [term.textContent, said.textContent, said.dir] = [name, sure ? `${value} (${sure})` : value, "auto"];
    return [term, said];
  }));
  side.flags.replaceChildren(...done.flags.map((flag) => Object.assign(document.createElement("li"), { textContent: flag, dir: "auto" })));
  [side.facts.hidden, side.flags.hidden] = [!done.facts.length, !done.flags.length];
  tell(side, `Written by ${done.told}. Read it before you use it.`);
}

function busy(side, is) {
  side.element.classList.toggle("writing", is);
  side.output.readOnly = is;
  side.stop.hidden = !is;
  if (!is && document.activeElement === document.body) side.output.focus();
}

async function copy(side) {
  try {
    await navigator.clipboard.writeText(side.output.value);
  } catch {
    side.output.select();
    document.execCommand("copy");
  }
  tell(side, side.output.value ? "Copied." : "There is nothing to copy yet.");
}

async function save(side) {
  try {
    const response = await post("save", new URLSearchParams(fields({ output: side.output.value, way: side.way.value })));
    tell(side, await response.text(), response.status !== 200);
  } catch {
    tell(side, "The service cannot be reached, so nothing was saved. Try again.", true);
  }
}

async function upload(file) {
  if (!file) return;
  refuse("");
  try {
    const said = new FormData();
    said.set("csrf", document.body.dataset.csrf);
    said.set("file", file);
    const response = await post("upload", said);
    if (response.status !== 200) return refuse(await response.text());
    put(await response.json());
    say(`${file.name} is read`);
  } catch {
    refuse("The service cannot be reached, so the file was not read. Try again.");
  }
}

function put({ subject, text, instruction = "" }) {
  [form.elements.subject.value, form.elements.text.value] = [subject, text];
  if (instruction) form.elements.instruction.value = instruction;
  form.elements.text.focus();
  keep();
}

/** An instruction is shown where the task takes one, of whoever is asked; who cannot be asked it is no choice. */
function shown() {
  const task = form.elements.task.value;
  sides[1].element.hidden = !both.checked;
  for (const { way } of sides) {
    for (const each of way.options) each.disabled = !each.dataset.tasks.split(" ").includes(task);
    if (way.selectedOptions[0].disabled) way.value = [...way.options].find((each) => !each.disabled).value;
  }
  const asked = sides.filter((side) => !side.element.hidden).map((side) => side.way.selectedOptions[0]);
  document.getElementById("instruct").hidden = !asked.some((way) => way.dataset.free.split(" ").includes(task));
  document.getElementById("compose").classList.toggle("both", both.checked);
}

function keep() {
  const typed = Object.fromEntries(["subject", "text", "instruction", "task", "language"].map((name) => [name, form.elements[name].value]));
  sessionStorage.setItem(KEPT, JSON.stringify({ ...typed, both: both.checked, ways: sides.map((side) => side.way.value), outputs: sides.map((side) => side.output.value) }));
}

/** Puts back what was typed or chosen, if that is still a choice. */
function set(element, value) {
  if (!element.options || [...element.options].some((each) => each.value === value)) element.value = value;
}

function restore() {
  const { both: two = false, ways = [], outputs = [], ...typed } = JSON.parse(sessionStorage.getItem(KEPT) || "{}");
  for (const [name, value] of Object.entries(typed)) if (form.elements[name]) set(form.elements[name], value);
  ways.forEach((value, place) => set(sides[place].way, value));
  both.checked = two;
  outputs.forEach((text, place) => { sides[place].output.value = text; });
}

form.addEventListener("submit", (event) => {
  event.preventDefault();
  refuse("");
  for (const side of sides) if (!side.element.hidden) write(side);
  sides[0].element.scrollIntoView({ block: "nearest" });
});
form.addEventListener("input", keep);
form.addEventListener("change", (event) => {
  if (event.target.id === "sample") {
    const found = document.querySelector(`template[data-sample="${event.target.value}"]`);
    if (found) put({ subject: found.dataset.subject, text: found.content.textContent, instruction: found.dataset.instruction });
    event.target.value = "";
  } else if (event.target.id === "file") {
    upload(event.target.files[0]);
    event.target.value = "";
  }
  shown();
});
both.addEventListener("change", () => { shown(); keep(); });
for (const kind of ["dragover", "dragleave", "drop"]) {
  form.addEventListener(kind, (event) => {
    event.preventDefault();
    form.classList.toggle("over", kind === "dragover");
    if (kind === "drop") upload(event.dataTransfer.files[0]);
  });
}
restore();
shown();
