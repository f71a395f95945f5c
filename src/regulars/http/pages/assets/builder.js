// The builder: a question as a tree of groups and conditions, in step with its text. The server turns the tree into text
// and back; this script only draws it. What it cannot edit it shows and keeps as it is.

const root = document.querySelector("[data-builder]");
const results = document.getElementById("results");
const text = document.getElementById("q");

const make = (tag, attributes = {}, ...children) => {
  const element = document.createElement(tag);
  for (const [name, value] of Object.entries(attributes)) {
    if (name.startsWith("on")) element.addEventListener(name.slice(2), value);
    else if (value === true) element.setAttribute(name, "");
    else if (value !== false && value !== undefined) element.setAttribute(name, value);
  }
  element.append(...children.filter((child) => child !== null));
  return element;
};
// Who types the name of an option gets there by several letters, each of which changes the list: only the last one counts.
const TYPING = 600;
const choice = (label, options, value, set) => {
  let byLetter = false, waiting = null;
  const apply = () => {
    clearTimeout(waiting);
    waiting = null;
    set(list.value);
  };
  const list = make("select", {
    "aria-label": label,
    onkeydown: (event) => { byLetter = event.key.length === 1; },
    onpointerdown: () => { byLetter = false; },
    onchange: () => {
      clearTimeout(waiting);
      if (byLetter) waiting = setTimeout(apply, TYPING);
      else apply();
    },
    onblur: () => waiting !== null && list.isConnected && apply(),
  }, ...options.map((each) => {
    const [name, words] = Array.isArray(each) ? each : [each, each.replaceAll("_", " ")];
    return make("option", { value: name, selected: name === value }, words);
  }));
  return list;
};
const input = (label, value, set, attributes = {}) =>
  make("input", { "aria-label": label, value: value ?? "", onchange: (event) => set(event.target.value), ...attributes });
const button = (words, act, attributes = {}) =>
  make("button", { type: "button", class: "button quiet small", onclick: act, ...attributes }, words);

// The model: {not, group: "all" | "any", parts} or {not, leaf}.
const read = (node) => {
  if (node.not !== undefined) return { ...read(node.not), not: !read(node.not).not };
  const group = ["all", "any"].find((name) => node[name] !== undefined);
  return group ? { not: false, group, parts: node[group].map(read) } : { not: false, leaf: node };
};
const write = (part) => {
  const node = part.leaf ?? { [part.group]: part.parts.filter((each) => each.leaf || each.parts.length).map(write) };
  return part.not ? { not: node } : node;
};
const only = (leaf, ...names) => Object.keys(leaf).every((name) => names.includes(name));

const UNITS = [["d", "days"], ["w", "weeks"], ["h", "hours"]];
const SPANS = ["day", "week", "month", "quarter", "year"];
const WINDOWS = [["", "at any time"], ["last", "in the last"], ["ago", "at least ... ago"], ["next", "in the next"],
  ["this", "in this"], ["previous", "in the previous"]];
const OPERATORS = { eq: "is", ne: "is not", one_of: "is one of", contains: "contains", starts: "starts with",
  ends: "ends with", gt: "more than", gte: "at least", lt: "less than", lte: "at most", between: "between", set: "is known",
  when: "was", any_of: "any of", all_of: "all of", none_of: "none of" };
const TIME_OPERATORS = { ...OPERATORS, gt: "after", gte: "from", lt: "before", lte: "until", eq: "on", ne: "not on" };

const start = (catalogue) => {
  let tree = { not: false, group: "all", parts: [] };
  let shown = null; // the text that the tree stands for
  let turn = 0;
  let names = 0;

  const changed = async (redraw = true) => {
    if (redraw) draw();
    const mine = ++turn;
    const reply = await fetch(`${root.dataset.text}?question=${encodeURIComponent(JSON.stringify(write(tree)))}`);
    const found = await reply.json();
    if (mine !== turn) return;
    const fault = found.faults?.[0];
    status.textContent = fault ? fault.detail : "";
    if (fault) return;
    shown = found.canonical;
    text.value = shown === "everybody" ? "" : shown;
    text.dispatchEvent(new Event("input", { bubbles: true }));
  };

  // A list of objects by name: what is chosen, and a field with suggestions to add another.
  const objects = (label, path, chosen, set) => {
    const id = `builder-names-${++names}`;
    const known = new Map();
    const list = make("datalist", { id });
    const add = make("input", { "aria-label": `Add a ${label}`, placeholder: `Add a ${label}`, list: id, autocomplete: "off" });
    const suggest = async () => {
      const reply = await fetch(`${root.dataset.objects}?of=${path}&text=${encodeURIComponent(add.value)}`);
      const { objects: found } = await reply.json();
      for (const each of found) known.set(each.name, each.key);
      list.replaceChildren(...found.map((each) => make("option", { value: each.name })));
    };
    add.addEventListener("focus", suggest, { once: true });
    add.addEventListener("input", suggest);
    add.addEventListener("change", () => add.value.trim() && set([...chosen, known.get(add.value) ?? add.value.trim()]));
    const chips = chosen.map((each, at) => {
      const name = make("bdi", {}, catalogue.names[`${path}/${each}`] ?? String(each));
      const drop = () => set(chosen.filter((_, other) => other !== at));
      return make("span", { class: "chip accent" }, name, button("×", drop, { "aria-label": `Remove ${each}`, class: "drop" }));
    });
    return make("span", { class: "names" }, ...chips, add, list);
  };

  const windowOf = (value, set, hasNext = false) => {
    const kind = value ? Object.keys(value)[0] : "";
    const known = WINDOWS.filter(([name]) => hasNext || name !== "next");
    const inner = value?.[kind];
    const usual = { last: "30d", ago: [null, "30d"], next: "7d", this: "month", previous: "month" };
    const pick = choice("When", known, kind, (name) => set(name ? { [name]: usual[name] } : undefined));
    if (!kind) return [pick];
    if (["this", "previous"].includes(kind)) return [pick, choice("Period", SPANS, inner, (span) => set({ [kind]: span }))];
    const length = kind === "ago" ? inner[1] : inner;
    const found = typeof length === "string" && length.match(/^(\d+)([dwh])$/);
    if (!found || (kind === "ago" && inner[0] !== null)) return [make("code", {}, JSON.stringify(value))];
    const put = (count, unit) => set({ [kind]: kind === "ago" ? [null, count + unit] : count + unit });
    return [pick, input("How many", found[1], (count) => put(count || 1, found[2]), { type: "number", min: 1, class: "short" }),
      choice("Unit", UNITS, found[2], (unit) => put(found[1], unit))];
  };

  const typed = (value) => (/^(-?\d+(\.\d+)?|true|false)$/.test(value) ? JSON.parse(value) : value);
  const values = (operator, kind, value, set, convert = (each) => each) => {
    const type = { money: { type: "number", step: "0.01" }, time: { type: "date" } }[kind] ?? {};
    if (operator === "set") return [];
    if (operator === "between") {
      return [0, 1].map((at) => input(at ? "To" : "From", value?.[at], (each) => set(value.with(at, convert(each))), type));
    }
    if (operator === "one_of") {
      const split = (each) => set(each.split(",").map((one) => convert(one.trim())).filter((one) => one !== ""));
      return [input("Values, with commas between them", value?.join(", "), split)];
    }
    return [input("Value", kind === "time" ? String(value).slice(0, 10) : value, (each) => set(convert(each)), type)];
  };
  const first = (operator, kind) => {
    const one = { money: "100", time: new Date().toISOString().slice(0, 10) }[kind] ?? "…";
    return { set: true, when: { last: "30d" }, between: [one, one], one_of: [one] }[operator] ?? one;
  };

  // Each subject: the beginning of a new condition, whether this script can edit one, and its editor.
  const EDITORS = {
    is: {
      words: "State", blank: () => ({ is: "subscribed" }), edits: (leaf) => only(leaf, "is", "since"),
      draw: (leaf, set) => {
        const state = catalogue.states.find((each) => each.name === leaf.is);
        return [choice("State", catalogue.states.map((each) => each.name), leaf.is, (name) => set({ is: name })),
          ...(state?.has_since ? windowOf(leaf.since, (since) => set({ is: leaf.is, since })) : [])];
      },
    },
    has: {
      words: "Has", blank: () => ({ has: "tag", any_of: [] }),
      edits: (leaf) => only(leaf, "has", "any_of", "all_of", "none_of", "when"),
      draw: (leaf, set) => {
        const tie = catalogue.ties.find((each) => each.name === leaf.has);
        const operator = tie.operators.find((name) => leaf[name]);
        const rest = leaf.when ? { when: leaf.when } : {};
        return [choice("Kind", catalogue.ties.map((each) => each.name), leaf.has, (name) => set({ has: name, any_of: [] })),
          choice("How", tie.operators.map((name) => [name, OPERATORS[name]]), operator, (name) => set({ has: leaf.has, [name]: leaf[operator], ...rest })),
          objects(leaf.has.replaceAll("_", " "), tie.objects, leaf[operator], (chosen) => set({ has: leaf.has, [operator]: chosen, ...rest })),
          ...windowOf(leaf.when, (when) => set({ has: leaf.has, [operator]: leaf[operator], ...(when ? { when } : {}) }))];
      },
    },
    field: {
      words: "Field", blank: () => ({ field: "address_city", eq: "…" }), edits: () => true,
      draw: (leaf, set) => {
        const field = catalogue.fields.find((each) => each.name === leaf.field);
        const operator = field.operators.find((name) => leaf[name] !== undefined);
        const words = field.kind === "time" ? TIME_OPERATORS : OPERATORS;
        const put = (value) => set({ field: leaf.field, [operator]: value });
        const pick = (name) => {
          const [usual] = catalogue.fields.find((each) => each.name === name).operators;
          const kind = catalogue.fields.find((each) => each.name === name).kind;
          const best = kind === "time" ? "when" : kind === "money" ? "gt" : usual;
          set({ field: name, [best]: first(best, kind) });
        };
        return [choice("Field", catalogue.fields.map((each) => each.name), leaf.field, pick),
          choice("How", field.operators.map((name) => [name, words[name]]), operator, (name) => set({ field: leaf.field, [name]: first(name, field.kind) })),
          ...(operator === "when" ? windowOf(leaf.when, put, true) : values(operator, field.kind, leaf[operator], put))];
      },
    },
    attribute: {
      words: "Attribute", blank: () => ({ attribute: catalogue.attributes[0]?.name ?? "plan", eq: "…" }),
      edits: (leaf) => Object.keys(leaf).length === 2 && ["eq", "ne", "one_of", "contains", "gt", "gte", "lt", "lte", "set"].some((name) => leaf[name] !== undefined),
      draw: (leaf, set) => {
        const operator = Object.keys(leaf).find((name) => name !== "attribute");
        const usable = ["eq", "ne", "one_of", "contains", "gt", "gte", "lt", "lte", "set"];
        const known = [...new Set([leaf.attribute, ...catalogue.attributes.map((each) => each.name)])];
        return [choice("Attribute", known.map((name) => [name, name]), leaf.attribute, (name) => set({ attribute: name, [operator]: leaf[operator] })),
          choice("How", usable.map((name) => [name, OPERATORS[name]]), operator, (name) => set({ attribute: leaf.attribute, [name]: name === "one_of" ? [leaf[operator]].flat() : name === "set" ? true : name.startsWith("g") || name.startsWith("l") ? 0 : [leaf[operator]].flat()[0] })),
          ...values(operator, "text", leaf[operator], (value) => set({ attribute: leaf.attribute, [operator]: value }), typed)];
      },
    },
    mail: {
      words: "Emails", blank: () => ({ mail: "opened", when: { last: "90d" } }), edits: (leaf) => only(leaf, "mail", "broadcast", "when"),
      draw: (leaf, set) => {
        const put = (more) => {
          const next = { ...leaf, ...more };
          if (!next.broadcast?.length) delete next.broadcast;
          if (!next.when) delete next.when;
          set(next);
        };
        return [choice("Status", catalogue.mails, leaf.mail, (mail) => put({ mail })),
          objects("broadcast", "broadcasts", leaf.broadcast ?? [], (broadcast) => put({ broadcast: broadcast.map(typed) })),
          ...windowOf(leaf.when, (when) => put({ when }))];
      },
    },
    did: {
      words: "Activity", blank: () => ({ did: "purchase" }), edits: (leaf) => only(leaf, "did", "times", "when") && (leaf.times === undefined || leaf.times === 0 || leaf.times.gte !== undefined),
      draw: (leaf, set) => {
        const least = leaf.times === 0 ? 0 : leaf.times?.gte ?? 1;
        const put = (more) => set(Object.fromEntries(Object.entries({ ...leaf, ...more }).filter(([, value]) => value !== undefined)));
        return [input("Event", leaf.did, (did) => put({ did: did.trim() || leaf.did })), make("span", {}, "at least"),
          input("How often; 0 for never", least, (count) => put({ times: Number(count) === 0 ? 0 : { gte: Number(count) } }), { type: "number", min: 0, class: "short" }),
          make("span", {}, least === 0 ? "times, that is never" : "times"), ...windowOf(leaf.when, (when) => put({ when }))];
      },
    },
    in: {
      words: "Audience", blank: () => ({ in: { audience: "…" } }), edits: (leaf) => only(leaf, "in") && leaf.in.audience !== undefined,
      draw: (leaf, set) => [objects("audience", "audiences", leaf.in.audience === "…" ? [] : [leaf.in.audience], (chosen) => set({ in: { audience: chosen.at(-1) ?? "…" } }))],
    },
    search: {
      words: "Name", blank: () => ({ search: "anna" }), edits: (leaf) => only(leaf, "search"),
      draw: (leaf, set) => [input("Words of the name or the address", leaf.search, (search) => set({ search: search || leaf.search }))],
    },
  };

  const drawLeaf = (part, remove) => {
    const subject = Object.keys(EDITORS).find((name) => part.leaf[name] !== undefined);
    const editor = subject && EDITORS[subject].edits(part.leaf) ? EDITORS[subject] : null;
    const set = (leaf) => {
      part.leaf = leaf;
      changed();
    };
    const subjects = Object.entries(EDITORS).map(([name, each]) => [name, each.words]);
    return make("li", { class: "leaf" },
      choice("Whether it holds", [["", "if"], ["not", "not if"]], part.not ? "not" : "", (value) => { part.not = value === "not"; changed(false); }),
      editor ? choice("About", subjects, subject, (name) => set(EDITORS[name].blank())) : null,
      ...(editor ? editor.draw(part.leaf, set) : [make("code", { class: "kept" }, JSON.stringify(part.leaf)), make("span", { class: "hint" }, "edit it in the text")]),
      make("span", { class: "count", "data-count": true }),
      button("×", remove, { "aria-label": "Remove this condition", title: "Remove", class: "drop" }));
  };
  const drawGroup = (part, remove) => {
    const inner = part.parts.map((each, at) => {
      const drop = () => { part.parts.splice(at, 1); changed(); };
      return each.leaf ? drawLeaf(each, drop) : make("li", {}, drawGroup(each, drop));
    });
    const set = (value) => { part.not = value.startsWith("not"); part.group = value.endsWith("any") ? "any" : "all"; changed(false); };
    const kinds = [["all", "All of these"], ["any", "Any of these"], ["not any", "None of these"], ["not all", "Not all of these"]];
    return make("fieldset", { class: "group" },
      make("legend", {}, choice("How they are joined", kinds, (part.not ? "not " : "") + part.group, set)),
      make("ul", { class: "plain" }, ...inner),
      make("div", { class: "row" },
        button("Add a condition", () => { part.parts.push({ not: false, leaf: EDITORS.is.blank() }); changed(); }),
        button("Add a group", () => { part.parts.push({ not: false, group: "any", parts: [{ not: false, leaf: EDITORS.is.blank() }] }); changed(); }),
        remove ? button("Remove the group", remove) : null));
  };

  const status = make("p", { class: "error", role: "status" });
  const place = make("div");
  root.append(place, status);
  const draw = () => {
    const focused = [...place.querySelectorAll("select, input, button")].indexOf(document.activeElement);
    place.replaceChildren(drawGroup(tree, null));
    if (focused >= 0) place.querySelectorAll("select, input, button")[focused]?.focus();
  };
  const follow = () => {
    const answer = results.querySelector("[data-question]");
    if (!answer) return;
    Object.assign(catalogue.names, JSON.parse(answer.dataset.names));
    if (answer.dataset.asked !== text.value.trim()) return; // an answer that comes late, to a question of before
    if (answer.dataset.text !== shown) {
      shown = answer.dataset.text;
      tree = read(JSON.parse(answer.dataset.question));
      if (tree.leaf || (tree.not && tree.parts)) tree = { not: false, group: "all", parts: [tree] };
      draw();
    }
    const counts = JSON.parse(answer.dataset.counts);
    const places = place.querySelectorAll("[data-count]");
    places.forEach((each, at) => { each.textContent = counts.length === places.length ? counts[at] : ""; });
  };
  follow();
  new MutationObserver(follow).observe(results, { childList: true });
};

if (root) {
  const folded = root.closest("details");
  folded.hidden = false;
  const begin = async () => start({ names: {}, ...(await (await fetch(root.dataset.catalogue)).json()) });
  if (folded.open) begin();
  else folded.addEventListener("toggle", begin, { once: true });
}
