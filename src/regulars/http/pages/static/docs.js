"use strict";
// Search in the menu and a button that copies a command. The page can be read without either.
{
  const search = document.getElementById("search");
  const none = document.getElementById("none");
  const calls = [...document.querySelectorAll("nav li[data-call]")].map((item) => {
    const article = document.getElementById(item.dataset.call);
    const path = item.firstElementChild.title;
    return { item, article, text: `${item.textContent} ${path} ${item.dataset.call}`.toLowerCase() };
  });
  const groups = [...document.querySelectorAll("nav .group")];

  const filter = () => {
    const words = search.value.toLowerCase().split(/\s+/).filter(Boolean);
    let found = 0;
    for (const { item, article, text } of calls) {
      const matches = words.every((word) => text.includes(word));
      item.hidden = article.hidden = !matches;
      found += matches;
    }
    for (const group of groups) group.hidden = !group.querySelector("li:not([hidden])");
    none.hidden = found > 0;
  };
  const clear = () => {
    search.value = "";
    filter();
  };

  search.hidden = false;
  search.addEventListener("input", filter);
  document.addEventListener("keydown", (event) => {
    if (event.key === "/" && document.activeElement !== search) {
      event.preventDefault();
      search.focus();
    } else if (event.key === "Escape") clear();
  });
  // A link to a call that the search has hidden shows it again.
  window.addEventListener("hashchange", () => {
    const target = document.getElementById(decodeURIComponent(location.hash.slice(1)));
    if (target && target.closest("[hidden]")) {
      clear();
      target.scrollIntoView();
    }
  });

  for (const block of document.querySelectorAll("main pre")) {
    const button = document.createElement("button");
    const text = block.textContent;
    button.type = "button";
    button.className = "copy";
    button.textContent = "Copy";
    button.addEventListener("click", async () => {
      try {
        await navigator.clipboard.writeText(text);
        button.textContent = "Copied";
      } catch {
        getSelection().selectAllChildren(block); // no clipboard without HTTPS: select it, so that Ctrl-C copies it
        button.textContent = "Selected";
      }
      setTimeout(() => (button.textContent = "Copy"), 1500);
    });
    const frame = document.createElement("div");
    frame.className = "copyable";
    block.replaceWith(frame);
    frame.append(block, button);
  }
}
