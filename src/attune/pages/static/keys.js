// Keys: every element with data-key is pressed, followed or focused by it. The dialog of keys is made of
// the same elements, so it tells what this page has and nothing else.
const off = () => localStorage.getItem("attune-keys-off") === "1";
let before = "";

function typing(target) {
  return target.matches("textarea, select, input:not([type=checkbox], [type=radio])") || target.isContentEditable;
}

function shown(element) {
  return element.checkVisibility({ visibilityProperty: true }) && !element.disabled;
}

function root() {
  return document.querySelector("dialog[open]") || document;
}

function name(event) {
  const key = event.key.length === 1 ? event.key.toLowerCase() : event.key.toLowerCase();
  return (event.ctrlKey || event.metaKey ? "mod+" : "") + key;
}

function act(element) {
  if (element.matches("input, select, textarea")) {
    element.focus();
    if (element.setSelectionRange && element.value) element.setSelectionRange(element.value.length, element.value.length);
  } else {
    element.click();
  }
}

function step(by) {
  const rows = [...document.querySelectorAll("[data-rows] .row")];
  const at = rows.indexOf(document.activeElement);
  const next = rows[at < 0 ? (by > 0 ? 0 : rows.length - 1) : at + by];
  next?.focus();
}

document.addEventListener("keydown", (event) => {
  if (event.isComposing || event.altKey) return;
  const key = name(event);
  if (key === "escape" && typing(event.target) && root() === document) return event.target.blur();
  if (key.startsWith("mod+") ? false : typing(event.target) || off()) return enter(event, key);
  const found = [...root().querySelectorAll("[data-key]")].filter(shown);
  const at = found.find((each) => each.dataset.key === `${before} ${key}`.trim()) || found.find((each) => each.dataset.key === key);
  before = !at && found.some((each) => each.dataset.key.startsWith(`${key} `)) ? key : "";
  if (at && !(key === "enter" && event.target.closest("button, a, summary"))) {
    event.preventDefault();
    act(at);
  } else if (root() === document && (key === "j" || key === "k")) {
    step(key === "j" ? 1 : -1);
  }
});

/** Where a field says so, Enter sends its form, as in a field of one line. */
function enter(event, key) {
  if (key !== "enter" || event.shiftKey || !("enterSubmits" in event.target.dataset)) return;
  event.preventDefault();
  event.target.form.requestSubmit();
}

function label(element) {
  if (element.dataset.keyName) return element.dataset.keyName;
  const text = element.labels?.length ? element.labels[0].querySelector("span") || element.labels[0] : element;
  const own = text.cloneNode(true);
  own.querySelectorAll("kbd, .count, [data-left]").forEach((each) => each.remove());
  return own.textContent.trim() || element.title;
}

function told(key) {
  const names = { "mod+": navigator.platform.startsWith("Mac") ? "⌘ " : "Ctrl ", enter: "↵", escape: "Esc" };
  return key.replace(/mod\+|enter|escape/g, (part) => names[part]).split(/(?<!Ctrl) /);
}

/** The keys of this page, each with what it does. */
export function list(into) {
  const found = [...document.querySelectorAll("[data-key]")].filter((each) => !each.closest("dialog") && shown(each));
  const rows = found.map((each) => [each.dataset.key, label(each)]);
  if (document.querySelector("[data-rows] .row")) rows.push(["j", "The next in the list"], ["k", "The one before"], ["enter", "Open it"]);
  rows.push(["escape", "Leave the field, close what is open"]);
  into.replaceChildren(...rows.flatMap(([key, does]) => {
    const [term, said] = [document.createElement("dt"), document.createElement("dd")];
    term.append(...told(key).flatMap((part) => [Object.assign(document.createElement("kbd"), { textContent: part }), " "]));
    said.textContent = does;
    return [term, said];
  }));
}
