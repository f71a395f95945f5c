// Completion in the question field, after the combobox pattern of the ARIA Authoring Practices: arrows move, Enter takes,
// Escape closes. What can follow comes from the server.

const field = document.querySelector("[data-complete]");
if (field) {
  const list = document.createElement("ul");
  list.id = "question-options";
  list.className = "options";
  list.hidden = true;
  list.setAttribute("role", "listbox");
  list.setAttribute("aria-label", "What can follow");
  field.after(list);
  for (const [name, value] of Object.entries({
    role: "combobox", "aria-autocomplete": "list", "aria-expanded": "false", "aria-controls": list.id,
  })) field.setAttribute(name, value);

  let options = [];
  let active = -1;
  let asked = 0;
  let timer = 0;

  const close = () => {
    list.hidden = true;
    active = -1;
    field.setAttribute("aria-expanded", "false");
    field.removeAttribute("aria-activedescendant");
  };

  const mark = (place) => {
    active = place;
    [...list.children].forEach((item, at) => item.setAttribute("aria-selected", String(at === active)));
    if (active < 0) field.removeAttribute("aria-activedescendant");
    else {
      field.setAttribute("aria-activedescendant", list.children[active].id);
      list.children[active].scrollIntoView({ block: "nearest" });
    }
  };

  const take = (place) => {
    field.value = options[place].text;
    close();
    field.focus();
    field.dispatchEvent(new Event("input", { bubbles: true }));
  };

  const show = (found) => {
    options = found;
    list.replaceChildren(
      ...options.map((option, at) => {
        const item = document.createElement("li");
        item.id = `question-option-${at}`;
        item.setAttribute("role", "option");
        item.setAttribute("aria-selected", "false");
        const label = document.createElement("span");
        label.className = "code";
        label.textContent = option.label;
        const hint = document.createElement("span");
        hint.className = "hint";
        hint.textContent = option.hint;
        item.append(label, hint);
        item.addEventListener("mousedown", (event) => {
          event.preventDefault();
          take(at);
        });
        return item;
      }),
    );
    list.hidden = options.length === 0;
    field.setAttribute("aria-expanded", String(!list.hidden));
    mark(-1);
  };

  const ask = async () => {
    const turn = ++asked;
    if (field.selectionStart !== field.value.length) return close();
    const reply = await fetch(`${field.dataset.complete}?q=${encodeURIComponent(field.value)}`);
    if (!reply.ok || turn !== asked || document.activeElement !== field) return;
    show((await reply.json()).options);
  };

  field.addEventListener("input", (event) => {
    clearTimeout(timer);
    if (event.isTrusted || field.value.endsWith(":") || field.value.endsWith("/")) timer = setTimeout(ask, 80);
  });
  field.addEventListener("blur", close);
  field.addEventListener("keydown", (event) => {
    if (event.key === "ArrowDown" || event.key === "ArrowUp") {
      event.preventDefault();
      if (list.hidden) {
        ask().then(() => {  // where nothing can follow, the way leads into the table
          if (list.hidden && event.key === "ArrowDown") document.querySelector("#results tbody a")?.focus();
        });
        return;
      }
      const step = event.key === "ArrowDown" ? 1 : -1;
      const next = active + step;
      mark(next >= options.length ? 0 : next < 0 ? options.length - 1 : next);
    } else if (event.key === "Enter" && !list.hidden && active >= 0) {
      event.preventDefault();
      take(active);
    } else if ((event.key === "Escape" || event.key === "Enter") && !list.hidden) {
      asked += 1;
      if (event.key === "Escape") event.preventDefault();
      close();
    }
  });
}
