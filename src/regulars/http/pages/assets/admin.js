// Small comforts of the admin page. Everything works without them.

// "/" goes to the search field.
document.addEventListener("keydown", (event) => {
  if (event.key !== "/" || event.ctrlKey || event.metaKey || event.altKey) return;
  if (event.target.closest("input, textarea, select, [contenteditable]")) return;
  const search = document.querySelector("[data-search]");
  if (search) {
    event.preventDefault();
    search.focus();
    search.select();
  }
});

// In a table, the arrows go from the link of a row to that of the next; from the search field they lead into the table.
document.addEventListener("keydown", (event) => {
  const step = { ArrowDown: 1, ArrowUp: -1 }[event.key];
  if (!step || event.ctrlKey || event.metaKey || event.altKey || event.shiftKey) return;
  const row = event.target.closest("tbody tr");
  if (!row || event.target.tagName !== "A") return;
  const next = step > 0 ? row.nextElementSibling : row.previousElementSibling;
  const link = next?.querySelector("a") ?? (step < 0 ? document.querySelector("[data-search]") : null);
  if (!link) return;
  event.preventDefault();
  link.focus();
});

// A form that is sent once more by a second click would be carried out twice.
document.addEventListener("submit", (event) => {
  const form = event.target;
  if (form.method !== "post") return;
  if (form.dataset.sent) event.preventDefault();
  form.dataset.sent = "true";
});
addEventListener("pageshow", () => {
  for (const form of document.querySelectorAll("form[data-sent]")) delete form.dataset.sent;
});

// Menus close with Escape, and when something else is clicked.
document.addEventListener("keydown", (event) => {
  if (event.key !== "Escape") return;
  const menu = event.target.closest("details.menu[open]");
  if (menu) {
    menu.open = false;
    menu.querySelector("summary").focus();
  }
});

// What is wrong with a form is told first, and read aloud.
document.querySelector("[data-focus]")?.focus();

// What a live update says in short is read aloud, once.
const live = document.getElementById("live");
if (live) {
  new MutationObserver(() => {
    const said = document.querySelector("[data-live]")?.textContent ?? "";
    if (said !== live.textContent) live.textContent = said;
  }).observe(document.getElementById("results"), { childList: true, subtree: true });
}

// Figures are asked for again every few seconds, but not where nobody looks: not in a hidden window, and not when the
// page has not been touched for a while. An open window must not keep a session from ending.
const PATIENCE = 15 * 60_000;
let touched = Date.now();
for (const name of ["pointerdown", "pointermove", "keydown", "scroll"]) {
  addEventListener(name, () => { touched = Date.now(); }, { passive: true });
}
document.addEventListener("htmx:before:request", (event) => {
  if (!event.target.matches?.("[data-polls]")) return;
  if (document.hidden || Date.now() - touched > PATIENCE) event.preventDefault();
});
